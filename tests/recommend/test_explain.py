"""Reasons in numbers and in a sentence."""

from app.recommend.explain import CLOSE, explain
from app.recommend.fusion import Fusion
from app.recommend.topic_signal import Page
from app.recommend.types import LEGS, Reason
from tests.recommend.candidates import candidates

SCORED = Fusion().score(candidates([0.5]))


def reason(
    legs: list[float],
    matched: tuple[str, ...] = (),
    page: Page | None = None,
    *,
    subject: bool = False,
) -> Reason:
    parts = [leg / 4 for leg in legs]
    return explain(SCORED, legs, parts, matched, page, subject=subject)


def test_every_required_field_is_present() -> None:
    explanation = reason([0.3, CLOSE, 0.8, 0.9], ("keep", "bread"), Page("Staling"), subject=True)
    assert explanation.summary == (
        "Contains “keep”, “bread”; is close in meaning; shares its subject; "
        "Wikipedia's search leads to “Staling”."
    )
    assert explanation.topic_page == "Staling"
    assert explanation.matched_terms == ("keep", "bread")


def test_what_is_not_close_is_not_shown() -> None:
    explanation = reason([0.3, CLOSE - 0.01, 1.0, 0.0], ("bread",))
    assert explanation.summary == "Contains “bread”."
    assert explanation.topic_page is None


def test_a_weak_match_says_so() -> None:
    assert reason([0.0, 0.1, 0.2, 0.0]).summary == "Is a weak match, mostly by its latent score."


def test_every_leg_has_its_numbers() -> None:
    explanation = reason([0.1, 0.2, 0.3, 0.4])
    assert explanation.legs == {"lexical": 0.1, "dense": 0.2, "latent": 0.3, "topic": 0.4}
    assert set(explanation.contributions) == set(explanation.weights) == set(LEGS)
