"""Documents to write, as lines."""

import json

from tests.api.service import WRITER

NDJSON = WRITER | {"Content-Type": "application/x-ndjson"}


def lines(count: int) -> str:
    """That many new documents, a line each."""
    made = ({"id": f"n-{n}", "title": f"Number {n}", "text": "A number."} for n in range(count))
    return "".join(json.dumps(each) + "\n" for each in made)
