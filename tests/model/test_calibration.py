"""Calibration on the seed catalogue: deterministic, shipped, and as good as documented."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from app.composition import open_catalogue
from app.model.calibration import FirstResults, TooFewAnswers, answers, fit, measure, wilson
from app.model.calibrators import load_calibrators
from app.model.judged import JudgedQuery
from app.model.seed_training import calibrate_on_seed, judge_on_seed
from app.recommend.fusion import Fusion
from app.recommend.relevance import FEATURES, Calibrator
from app.recommend.types import ModelCard

SHIPPED = files("app.model").joinpath("relevance-fusion.json")


def test_the_shipped_calibrator_is_what_calibrating_makes_and_it_knows_what_it_knows(
    seed_data: Path,
) -> None:
    """The goals, on the tune split: the test split belongs to benchmarks/quality.py."""
    catalogue = open_catalogue(seed_data)
    embedder, made = catalogue.models.embedder.name, calibrate_on_seed(catalogue, Fusion())
    shipped = Calibrator.load(SHIPPED.read_bytes(), Fusion.card, embedder)
    again = Calibrator.load(made, Fusion.card, embedder)
    assert again.coefficients == pytest.approx(shipped.coefficients, abs=1e-3)
    assert again.threshold == pytest.approx(shipped.threshold, abs=2e-3)
    judged = judge_on_seed(catalogue, Fusion(), shipped, "tune")
    catalogue.database.close()
    assert judged.calibration.auc.value >= 0.95
    assert judged.calibration.withheld_good.value <= 0.05
    assert judged.calibration.withheld_outside.value >= 0.8
    assert judged.subject.value >= 0.9


def test_figures_worked_by_hand() -> None:
    found = FirstResults(
        np.zeros((4, 1)), np.array([True, True, False, False]), np.array([False] * 3 + [True])
    )
    measured = measure(np.array([0.9, 0.3, 0.5, 0.1]), found, 0.4)
    assert measured.auc.value == 1
    assert measured.auc_all.value == 0.75
    assert measured.brier == pytest.approx((0.01 + 0.49 + 0.25 + 0.01) / 4)
    assert (measured.withheld_good.count, measured.withheld_good.total) == (1, 2)
    assert (measured.withheld_outside.count, measured.withheld_outside.total) == (1, 1)
    assert sum(each.queries for each in measured.bins) == 4


def test_the_auc_counts_pairs_and_half_of_the_ties() -> None:
    relevance = np.random.default_rng(0).random(80).round(1)
    good = np.arange(80) < 50
    above = relevance[good][:, None] - relevance[~good]
    measured = measure(relevance, FirstResults(np.zeros((80, 1)), good, ~good), 0.5)
    assert measured.auc.value == pytest.approx(((above > 0) + (above == 0) / 2).mean())
    assert measured.auc.low < measured.auc.value < measured.auc.high
    none = measure(relevance, FirstResults(np.zeros((80, 1)), good, good & ~good), 0.5)
    assert (none.auc.value, none.auc.low, none.auc.high) == (0.5, 0, 1)


def test_the_interval_of_a_share_is_wilsons() -> None:
    assert (wilson(0, 20).low, wilson(20, 20).high) == (0, 1)
    assert (wilson(5, 100).low, wilson(5, 100).high) == pytest.approx((0.0215, 0.1118), abs=1e-4)


def test_an_answer_has_at_least_half_of_the_best_grade() -> None:
    graded = JudgedQuery("1", "", "", {"answers": 3, "helps": 2, "related": 1})
    assert [answers(graded, each) for each in ("answers", "helps", "related", "x")] == [
        True, True, False, False,
    ]  # fmt: skip
    assert answers(JudgedQuery("1", "", "", {"a": 1}), "a")
    assert not answers(JudgedQuery("1", "", "", {}), "a")


def test_too_few_answers_are_refused() -> None:
    few = FirstResults(np.zeros((12, len(FEATURES))), np.arange(12) < 9, np.zeros(12, bool))
    with pytest.raises(TooFewAnswers, match="9 answered queries and 3 others"):
        fit(few)


def test_a_calibrator_in_the_data_folder_comes_first_and_a_bad_one_is_named(
    tmp_path: Path,
) -> None:
    name = "wordllama-l2-supercat-rarity"
    loaded = load_calibrators(tmp_path, [Fusion.card], name, 0.7)
    assert loaded.problems == ()
    assert loaded.by_model["fusion"].threshold == 0.7
    (tmp_path / "relevance-fusion.json").write_text("{}")
    loaded = load_calibrators(tmp_path, [Fusion.card, ModelCard("other", "1")], name)
    assert list(loaded.by_model) == ["fusion"], "the shipped one stays"
    assert [each.split(":")[0] for each in loaded.problems] == [
        "relevance-fusion.json is refused", "no calibrator for other 1",
    ]  # fmt: skip
    assert load_calibrators(tmp_path, [Fusion.card], "another").by_model == {}
