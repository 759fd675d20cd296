"""The trained model: explained exactly, refused when wrong, replaced when it fails."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.recommend.artefact import ArtefactRefused, dump
from app.recommend.features import FEATURES, LEG_OF, features
from app.recommend.fusion import Fusion, with_topic
from app.recommend.ranking import (
    FallbackModel,
    PairwiseModel,
    RefusedModel,
    order,
)
from app.recommend.types import LEGS, Candidates, ModelCard, Scored
from tests.cases import cases
from tests.recommend.candidates import any_candidates, candidates

COEFFICIENTS = st.lists(st.floats(-5, 5, width=32), min_size=len(FEATURES), max_size=len(FEATURES))
SOME = [2.0, 0.5, 1.5, 0.3, 0.2, 1.0, 0.1, 0.4]


def artefact(coefficients: object = SOME, names: object = FEATURES, intercept: object = 0) -> bytes:
    return dump({"features": names, "coefficients": coefficients, "intercept": intercept})


@given(any_candidates(), COEFFICIENTS, st.floats(-20, 20))
def test_contributions_add_up(
    found: Candidates, coefficients: list[float], intercept: float
) -> None:
    scored = PairwiseModel(coefficients, "1", intercept=intercept).score(found)
    for each in (scored, with_topic(scored, np.full(len(found), 0.5, np.float32))):
        assert ((each.scores >= 0) & (each.scores <= 1)).all()
        total = each.base + each.contributions.sum(axis=1)
        np.testing.assert_allclose(total, each.scores, atol=1e-5)
    assert sum(scored.weights.values()) == pytest.approx(1 if any(coefficients) else 0)


@cases("size", [1e6, -1e6])
def test_the_largest_coefficients_still_give_scores(size: float) -> None:
    model = PairwiseModel.load(artefact([size] * len(FEATURES)))
    scored = model.score(candidates([0.9, 0.5, 0.1]))
    assert ((scored.scores >= 0) & (scored.scores <= 1)).all()
    assert {0.0, 1.0} <= set(scored.scores.tolist())
    total = scored.base + scored.contributions.sum(axis=1)
    np.testing.assert_allclose(total, scored.scores, atol=1e-4)


def test_the_base_is_the_score_of_a_document_no_feature_speaks_for() -> None:
    scored = PairwiseModel(SOME, "1", intercept=-3).score(candidates([0.0, 0.0]))
    assert scored.base == pytest.approx(1 / (1 + math.exp(3)))
    np.testing.assert_allclose(scored.scores, scored.base, atol=1e-6)


def test_a_better_candidate_scores_higher() -> None:
    scored = PairwiseModel.load(artefact()).score(candidates([0.1, 0.9, 0.5]))
    assert order(scored).tolist() == [1, 2, 0]


def test_every_feature_belongs_to_a_leg() -> None:
    assert set(LEG_OF) <= set(LEGS)
    assert features(candidates([0.2, 0.8])).shape == (2, len(FEATURES))
    assert features(candidates([])).shape == (0, len(FEATURES))


def test_the_version_is_the_artefact_itself() -> None:
    model = PairwiseModel.load(artefact())
    assert model.card == PairwiseModel.load(artefact()).card
    assert model.card != PairwiseModel.load(artefact([*SOME[:-1], 0.5])).card


@cases(
    "content",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b"[" * 100_000,
        artefact(names=["bm25"]),
        artefact(names=list(reversed(FEATURES))),
        artefact(names=5),
        artefact(SOME[:-1]),
        artefact([*SOME[:-1], float("nan")]),
        artefact([*SOME[:-1], float("inf")]),
        artefact([*SOME[:-1], 1e39]),
        artefact([*SOME[:-1], 10**400]),
        artefact([*SOME[:-1], None]),
        artefact(3),
        artefact(intercept=float("nan")),
        artefact()[:-20],
        artefact().replace(b"2.0", b"2.5"),
        artefact().replace(b'"format": 1', b'"format": 2'),
    ],
    ids=range(20),
)
def test_a_bad_artefact_is_refused(content: bytes) -> None:
    with pytest.raises(ArtefactRefused, match=r"\w+ \w+"):
        PairwiseModel.load(content)


class Failing:
    """A model that breaks on every request."""

    card = ModelCard("failing", "1")

    def score(self, candidates: Candidates) -> Scored:
        raise FloatingPointError(f"broken by {len(candidates)}")


def test_when_the_preferred_model_fails_the_other_answers_and_says_so() -> None:
    found = candidates([0.3, 0.6])
    scored = FallbackModel(Failing(), Fusion()).score(found)
    np.testing.assert_array_equal(scored.scores, Fusion().score(found).scores)
    assert scored.model == Fusion.card
    assert isinstance(scored.failure, FloatingPointError)


def test_while_the_preferred_model_works_nothing_is_reported() -> None:
    model = FallbackModel(PairwiseModel(SOME, "7"), Fusion())
    scored = model.score(candidates([0.3, 0.6]))
    assert (scored.model, scored.failure) == (ModelCard("pairwise", "7"), None)
    assert model.card == scored.model


def test_a_refused_artefact_is_spoken_of_in_every_answer() -> None:
    refusal = ArtefactRefused("a coefficient is wrong")
    model = RefusedModel(refusal, Fusion())
    assert model.card == Fusion.card
    assert model.score(candidates([0.3])).failure is refusal


def test_equal_scores_are_in_the_order_of_keys_and_last_bits_decide_nothing() -> None:
    scored = Fusion().score(candidates([0.5] * 4))
    nearly = np.array([0.5, 0.5000001, 0.5, 0.6], np.float32)
    assert nearly[1] > nearly[0]
    assert order(replace(scored, scores=nearly)).tolist() == [3, 0, 1, 2]
