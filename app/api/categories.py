"""Categories that a request names."""

from collections.abc import Iterable
from itertools import islice

from app.api.problems import invalid
from app.catalogue.store import Catalogue

MOST_NAMED = 50


def check_categories(catalogue: Catalogue, names: Iterable[str], pointer: str) -> None:
    """Raises Problem for a category that no document has, and names those that some have."""
    unknown = [name for name in names if not catalogue.has_category(name)]
    if not unknown:
        return
    known = [name for name in catalogue.categories() if name]
    more = f" and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else ""
    there_are = ", ".join(islice(known, MOST_NAMED)) or "none"
    raise invalid(pointer, f"there is no category “{min(unknown)}”; there are: {there_are}{more}")
