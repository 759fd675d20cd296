"""Reasons: why a document ranks where it does, in numbers and in a sentence."""

from app.recommend.topic_signal import Page
from app.recommend.types import DENSE, LATENT, LEGS, LEXICAL, Query, Reason, Scored

CLOSE = 0.45
"""Similarity from which a vector leg is worth a mention."""


def explain(
    scored: Scored, position: int, query: Query, stems: frozenset[str], page: Page | None
) -> Reason:
    """The reason for the candidate at `position`, whose text has `stems`."""
    legs = _by_leg(scored.legs[position])
    matched = tuple(term.surface for term in query.terms if term.stem in stems)
    return Reason(
        base=round(scored.base, 4),
        legs=legs,
        weights={leg: round(weight, 4) for leg, weight in scored.weights.items()},
        contributions=_by_leg(scored.contributions[position]),
        matched_terms=matched,
        topic_page=page.title if page else None,
        summary=_summary(matched, len(query.terms), legs, page),
    )


def _by_leg(values: object) -> dict[str, float]:
    return {leg: round(float(v), 4) for leg, v in zip(LEGS, values, strict=True)}  # type: ignore[call-overload]


def _summary(
    matched: tuple[str, ...], asked: int, legs: dict[str, float], page: Page | None
) -> str:
    parts = []
    if matched:
        quoted = ", ".join(f"“{word}”" for word in matched)
        parts.append(f"contains {quoted}" if asked > 1 else f"contains the word {quoted}")
    if legs[DENSE] >= CLOSE:
        parts.append("is close in meaning")
    if legs[LATENT] >= CLOSE:
        parts.append("shares its subject")
    if page:
        parts.append(f"Wikipedia's search leads to “{page.title}”")
    if not parts:
        strongest = max((LEXICAL, DENSE, LATENT), key=lambda leg: legs[leg])
        parts.append(f"is a weak match, mostly by its {strongest} score")
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}."
