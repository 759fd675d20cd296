"""Builds the reasons of a document's score: numbers per leg, and a summary sentence."""

from collections.abc import Mapping, Sequence

from app.recommend.topic_signal import Page
from app.recommend.types import DENSE, LATENT, TOPIC, Reason

CLOSE = 0.45
"""Minimum similarity of a vector leg to be mentioned in the summary."""


def explain(
    base: float,
    weights: Mapping[str, float],
    legs: Sequence[float],
    contributions: Sequence[float],
    matched: tuple[str, ...],
    page: Page | None,
) -> Reason:
    """The reason for one document; `legs` and `contributions` in the order of `weights`."""
    by_leg = dict(zip(weights, legs, strict=True))
    return Reason(
        base=base,
        legs=by_leg,
        weights=weights,
        contributions=dict(zip(weights, contributions, strict=True)),
        matched_terms=matched,
        topic_page=page.title if page else None,
        summary=_summary(matched, by_leg, page),
    )


def _summary(matched: tuple[str, ...], legs: Mapping[str, float], page: Page | None) -> str:
    parts = []
    if matched:
        parts.append("contains " + ", ".join(f"“{word}”" for word in matched))
    if legs[DENSE] >= CLOSE:
        parts.append("is close in meaning")
    if legs[LATENT] >= CLOSE:
        parts.append("shares its subject")
    if page:
        parts.append(f"Wikipedia's search leads to “{page.title}”")
    if not parts:
        strongest = max((leg for leg in legs if leg != TOPIC), key=lambda leg: legs[leg])
        parts.append(f"is a weak match, mostly by its {strongest} score")
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}."
