"""Query parameters as text, in the form that ClickHouse reads them."""

from collections.abc import Sequence

from observatory.compare.sources import Value

_ESCAPES = str.maketrans(
    {
        "\\": r"\\",
        "'": r"\'",
        "\n": r"\n",
        "\t": r"\t",
        "\r": r"\r",
        "\0": r"\0",
        "\b": r"\b",
        "\f": r"\f",
    }
)


def as_text(value: Value) -> str:
    """The value of a parameter: numbers and arrays as literals, strings escaped."""
    return value.translate(_ESCAPES) if isinstance(value, str) else _literal(value)


def _literal(value: object) -> str:
    if isinstance(value, str):
        return f"'{value.translate(_ESCAPES)}'"
    if isinstance(value, Sequence):
        return f"[{','.join(map(_literal, value))}]"
    return repr(value)
