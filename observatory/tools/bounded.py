"""Cuts a JSON value to a size that fits into an assistant's context."""

import json
from typing import Any

MAX_BYTES = 48 << 10
"""Of an answer as JSON: some 12,000 tokens."""
STEPS = ((500, 2000), (500, 500), (200, 200), (100, 200), (50, 200), (20, 100), (10, 80), (5, 40))
"""Items of a list and characters of a string, tried in this order."""
MIN_KEYS = 40
"""An object keeps so many keys at least: those of our own models are fewer."""


def bounded(value: dict[str, Any], max_bytes: int = MAX_BYTES) -> tuple[dict[str, Any], bool]:
    """The value, cut as little as possible to `max_bytes`, and whether it was cut.

    Raises:
        ValueError: it is too large even so.

    """
    for items, characters in STEPS:
        cut = _cut(value, items, characters)
        if len(json.dumps(cut, ensure_ascii=False).encode(errors="replace")) <= max_bytes:
            return cut, cut != value
    raise ValueError("the answer is too large: ask for less")


def _cut(value: Any, items: int, characters: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= characters else value[: characters - 1] + "…"
    if isinstance(value, list):
        return [_cut(each, items, characters) for each in value[:items]]
    if isinstance(value, dict):
        kept = list(value.items())[: max(items, MIN_KEYS)]
        return {key: _cut(each, items, characters) for key, each in kept}
    return value
