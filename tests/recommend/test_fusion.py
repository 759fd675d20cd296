"""Fusion: scores in [0, 1] that are the sum of what each leg adds."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.recommend.fusion import TOPIC_SHARE, WEIGHTS, Fusion, with_topic
from app.recommend.types import LEGS, Candidates, Scored
from tests.recommend.candidates import SCORE, any_candidates, candidates


def adds_up(scored: Scored) -> bool:
    total = scored.base + scored.contributions.sum(axis=1)
    return bool(np.allclose(total, scored.scores, atol=1e-5))


def within_bounds(scored: Scored) -> bool:
    return bool(((scored.scores >= -1e-6) & (scored.scores <= 1 + 1e-6)).all())


@given(any_candidates())
def test_scores_are_sums_of_contributions(found: Candidates) -> None:
    scored = Fusion().score(found)
    assert adds_up(scored)
    assert within_bounds(scored)
    assert set(scored.weights) == set(LEGS)
    assert sum(scored.weights.values()) == pytest.approx(1)


@given(any_candidates(), st.lists(SCORE, min_size=60, max_size=60))
def test_the_topic_takes_its_share_from_every_leg(found: Candidates, signal: list[float]) -> None:
    before = Fusion().score(found)
    topic = np.array(signal[: len(found)], np.float32)
    after = with_topic(before, topic)
    assert adds_up(after)
    assert within_bounds(after)
    assert sum(after.weights.values()) == pytest.approx(1)
    expected = before.scores * (1 - TOPIC_SHARE) + topic * TOPIC_SHARE
    np.testing.assert_allclose(after.scores, expected, atol=1e-6)
    np.testing.assert_array_equal(after.legs[:, -1], topic)
    assert not before.legs[:, -1].any()


def test_each_leg_weighs_what_is_written() -> None:
    scored = Fusion().score(candidates([1, 0, 0], [0, 1, 0], [0, 0, 1]))
    weights = np.array([WEIGHTS[leg] for leg in LEGS], np.float32)
    np.testing.assert_allclose(scored.contributions, scored.legs * weights, atol=1e-6)
    assert scored.legs[:, :2].tolist() == [[1, 0], [0, 1], [0, 0]]


def test_a_heavier_encoder_takes_its_weight_from_the_words() -> None:
    assert Fusion(dense=WEIGHTS["dense"]).weights == WEIGHTS
    expected = {"lexical": 0.4, "dense": 0.45, "latent": 0.15, "topic": 0}
    assert Fusion(dense=0.45).weights == expected


def test_the_latent_leg_compares_with_the_best_of_the_first_pass() -> None:
    """Of seven candidates, five lead: four on one subject and one on another. The last two have
    the same scores of their own, so their subject decides."""
    one, other = [1.0, 0.0], [0.0, 1.0]
    subjects = np.array([one, one, one, one, other, other, one], np.float32)
    found = replace(
        candidates([0.9, 0.8, 0.7, 0.6, 0.5, 0.1, 0.1], [0] * 7, [0] * 7), latent_vectors=subjects
    )
    scored = Fusion().score(found)
    centre = np.array([0.9 + 0.8 + 0.7 + 0.6, 0.5])
    expected = subjects @ (centre / np.linalg.norm(centre))
    np.testing.assert_allclose(scored.legs[:, 2], expected, atol=1e-6)
    assert scored.scores[6] > scored.scores[5]


def test_no_signal_from_a_topic_that_was_found_keeps_the_order() -> None:
    before = Fusion().score(candidates([0.9, 0.5, 0.1]))
    after = with_topic(before, np.zeros(3, np.float32))
    assert np.argsort(-after.scores).tolist() == np.argsort(-before.scores).tolist()
