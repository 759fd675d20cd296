"""Reads and writes trained linear models as JSON with a checksum."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

FORMAT = 1
_INVALID = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
LARGEST = 1e6
"""Upper limit of valid coefficients."""


class ArtefactRefused(ValueError):
    """The trained artefact is invalid, or does not fit this program."""


@dataclass(frozen=True, slots=True)
class LinearArtefact:
    """The content of an artefact: one coefficient per feature, the intercept, and the rest."""

    coefficients: tuple[float, ...]
    intercept: float
    content: Mapping[str, Any]
    version: str


def dump(content: Mapping[str, Any]) -> bytes:
    """JSON with `format` and `checksum` added; the same content gives the same bytes."""
    whole = {"format": FORMAT, **content}
    return (json.dumps(whole | {"checksum": _checksum(whole)}, indent=2) + "\n").encode()


def parse(artefact: bytes) -> dict[str, Any]:
    """The inverse of `dump`. Raises ArtefactRefused."""
    try:
        content: dict[str, Any] = json.loads(artefact)
        layout, checksum = content.pop("format"), content.pop("checksum")
        expected = _checksum({"format": layout, **content})
    except _INVALID as error:
        raise ArtefactRefused(f"not an artefact of this version: {error!r}; train again") from error
    if layout != FORMAT:
        raise ArtefactRefused(f"its format is {layout!r}, not {FORMAT}; train again")
    if checksum != expected:
        raise ArtefactRefused("its checksum is wrong: it was changed or is incomplete")
    return content


def load(artefact: bytes, features: Sequence[str]) -> LinearArtefact:
    """A linear model of these features. Raises ArtefactRefused."""
    content = parse(artefact)
    try:
        names, intercept = content["features"], float(content["intercept"])
        numbers = list(map(float, content["coefficients"]))
    except _INVALID as error:
        raise ArtefactRefused(f"not an artefact of this version: {error!r}; train again") from error
    if names != list(features) or len(numbers) != len(features):
        raise ArtefactRefused(
            f"trained on the features {names}, not on {list(features)}; train again"
        )
    if not all(abs(each) <= LARGEST for each in (*numbers, intercept)):
        raise ArtefactRefused(f"a coefficient is not a number of at most {LARGEST:g}")
    version = _checksum({"format": FORMAT, **content})[:12]
    return LinearArtefact(tuple(numbers), intercept, content, version)


def _checksum(content: Mapping[str, Any]) -> str:
    plain = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return sha256(plain.encode()).hexdigest()
