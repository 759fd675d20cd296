"""Query parameters as text, in the form that ClickHouse reads them."""

from collections.abc import Sequence

from observatory.compare.sources import Value
from observatory.store.engine import ESCAPES, literal


def as_text(value: Value) -> str:
    """The value of a parameter: numbers and arrays as literals, strings escaped."""
    return value.translate(ESCAPES) if isinstance(value, str) else _literal(value)


def _literal(value: object) -> str:
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, Sequence):
        return f"[{','.join(map(_literal, value))}]"
    return repr(value)
