"""Reasons in numbers and in a sentence."""

from app.recommend.explain import CLOSE, explain
from app.recommend.topic_signal import Page
from app.recommend.types import LEGS, Reason

WEIGHTS = dict.fromkeys(LEGS, 0.25)


def reason(legs: list[float], matched: tuple[str, ...] = (), page: Page | None = None) -> Reason:
    return explain(0.0, WEIGHTS, legs, [leg / 4 for leg in legs], matched, page)


def test_everything_that_counts_is_said() -> None:
    told = reason([0.3, CLOSE, CLOSE, 0.9], ("keep", "bread"), Page("Staling"))
    assert told.summary == (
        "Contains “keep”, “bread”; is close in meaning; shares its subject; "
        "Wikipedia's search leads to “Staling”."
    )
    assert told.topic_page == "Staling"
    assert told.matched_terms == ("keep", "bread")


def test_what_is_not_close_is_not_said() -> None:
    told = reason([0.3, CLOSE - 0.01, CLOSE - 0.01, 0.0], ("bread",))
    assert told.summary == "Contains “bread”."
    assert told.topic_page is None


def test_a_weak_match_says_so() -> None:
    assert reason([0.0, 0.1, 0.2, 0.0]).summary == "Is a weak match, mostly by its latent score."


def test_every_leg_has_its_numbers() -> None:
    told = reason([0.1, 0.2, 0.3, 0.4])
    assert told.legs == {"lexical": 0.1, "dense": 0.2, "latent": 0.3, "topic": 0.4}
    assert set(told.contributions) == set(told.weights) == set(LEGS)
