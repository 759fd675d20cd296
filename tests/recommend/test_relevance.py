"""Relevance: what it looks at, and which artefacts it is read from."""

import json
from typing import Any

import pytest

from app.recommend.artefact import ArtefactRefused, dump
from app.recommend.fusion import Fusion
from app.recommend.lexical import rarity
from app.recommend.relevance import FEATURES, Calibrator, features
from app.recommend.types import Document, Query, Stored, Term
from tests.cases import cases
from tests.recommend.candidates import candidates

CARD, EMBEDDER = Fusion.card, "embeddings"
CONTENT: dict[str, Any] = {
    "model": "fusion", "model_version": "2", "embedder": EMBEDDER, "features": FEATURES,
    "coefficients": [1.0] * len(FEATURES), "intercept": -2.0, "threshold": 0.5,
}  # fmt: skip
STORED = Stored(1, Document("bread", "Stale bread", "It keeps."), " stale bread it keep ")


def calibrator(**changes: object) -> Calibrator:
    return Calibrator.load(dump(CONTENT | changes), CARD, EMBEDDER)


def test_features_worked_by_hand() -> None:
    terms = (Term("bread", "bread", rarity=0.5), Term("keep", "keep", rarity=0.25), Term("x", "x"))
    found = candidates([0.5, 0.1], dense=[0.6, 0.2], latent=[0.2, 0.0])
    seen = dict(zip(FEATURES, features(Query("", terms), found, 0, STORED), strict=True))
    assert seen == pytest.approx(
        {
            "similarity": 0.6,
            "similarity_lead": 0.2,
            "lead": 0.5 * 0.4 + 0.35 * 0.4 + 0.15 * 0.2,
            "matched_share": 0.75 / 1.75,
            "matched_weight": 0.75,
            "title_share": 0.5 / 1.75,
        },
        abs=1e-6,
    )


def test_one_candidate_and_words_of_no_weight_are_no_trouble() -> None:
    everywhere = Query("the", (Term("the", "the", rarity=0),))
    seen = features(everywhere, candidates([0.4]), 0, STORED)
    assert seen == pytest.approx([0.4, 0, 0, 0, 0, 0])


@cases(
    ("documents", "matching", "rare"),
    [(0, 0, 1), (480, 0, 1), (480, 480, 0), (3, 4, 0), (480, 1, 0.888), (10**6, 999, 0.5)],
)
def test_rarity_is_the_same_in_catalogues_of_any_size(
    documents: int, matching: int, rare: float
) -> None:
    assert rarity(documents, matching) == pytest.approx(rare, abs=1e-3)


def test_relevance_is_a_probability_held_against_the_threshold() -> None:
    for features_sum, expected in ((2.0, 0.5), (-50.0, 0.0), (1e300, 1.0)):
        relevance = calibrator().relevance([features_sum, 0, 0, 0, 0, 0])
        assert relevance.probability == expected
        assert relevance.answered == (expected >= 0.5)


@cases(
    ("content", "why"),
    [
        (b"", "not an artefact"),
        (b"null", "not an artefact"),
        (dump(CONTENT)[:-40], "not an artefact"),
        (dump(CONTENT).replace(b"-2.0", b"-1.0"), "checksum is wrong"),
        (json.dumps({**CONTENT, "format": 2, "checksum": ""}).encode(), "format is 2"),
        (dump(CONTENT | {"intercept": float("nan")}), "not a number"),
        (dump(CONTENT | {"features": FEATURES[1:]}), "trained on the features"),
        (dump(CONTENT | {"model_version": "1"}), "calibrate again"),
        (dump(CONTENT | {"embedder": "another"}), "calibrate again"),
        (dump(CONTENT | {"threshold": float("nan")}), "threshold is nan"),
        (dump(CONTENT | {"threshold": None}), "threshold is None"),
    ],
)
def test_a_bad_artefact_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(ArtefactRefused, match=why):
        Calibrator.load(content, CARD, EMBEDDER)
