"""The gate lets what is as good pass, and names every reason against the rest."""

from dataclasses import replace

import numpy as np
import pytest

from app.model.calibration import Bin, Calibration, Rate
from app.model.evaluation import BM25, CANDIDATE, Comparison, Evaluation, Ranked, compare
from app.model.gate import Check, judge
from app.model.ranking_metrics import Quality

RATE = Rate(0.9, 0.8, 1)
CALIBRATED = Calibration(RATE, RATE, 0.1, RATE, RATE, (Bin(1, 0.5, 0.5),))
RANKED = Ranked(Quality(0.8, 0.7, 0.9, 50), 0.8, 0.8, 0.5, 0.0002, 0.0005)
GOOD = Evaluation(
    answerable=50,
    out_of_domain=20,
    candidate_recall=0.9,
    ranked={CANDIDATE: RANKED, "3-0f0f0f0f": RANKED, BM25: RANKED},
    comparisons={
        "3-0f0f0f0f": Comparison(Quality(0.0, -0.02, 0.02, 50), 0.9),
        BM25: Comparison(Quality(0.05, 0.02, 0.08, 50), 0.001),
    },
    calibration={CANDIDATE: CALIBRATED, "3-0f0f0f0f": CALIBRATED},
    score_spread=(0.01, 0.4, 0.99),
    slices=(),
)


def compared(other: str, mean: float, p: float) -> Evaluation:
    changed = {other: Comparison(Quality(mean, mean - 0.02, mean + 0.02, 50), p)}
    return replace(GOOD, comparisons={**GOOD.comparisons, **changed})


def calibrated(brier: float) -> Evaluation:
    changed = {CANDIDATE: replace(CALIBRATED, brier=brier)}
    return replace(GOOD, calibration={**GOOD.calibration, **changed})


def costing(seconds: float) -> Evaluation:
    return replace(GOOD, ranked={**GOOD.ranked, CANDIDATE: replace(RANKED, cpu_p50=seconds)})


@pytest.mark.parametrize(
    ("found", "refused", "reason"),
    [
        (GOOD, [], ""),
        (compared("3-0f0f0f0f", -0.019, 0.2), [], ""),
        (compared("3-0f0f0f0f", -0.009, 0.01), [Check.CHAMPION], "0.009 below that of 3-0f0f0f0f"),
        (compared("3-0f0f0f0f", -0.2, 0.2), [Check.CHAMPION], "-0.220 to -0.180, p = 0.2000, 50"),
        (compared(BM25, -0.021, 0.2), [Check.BASELINE], "below that of BM25"),
        (calibrated(0.14), [], ""),
        (calibrated(0.16), [Check.CALIBRATION], "is 0.160; at most 0.150"),
        (calibrated(float("nan")), [Check.CALIBRATION], "nan"),
        (replace(GOOD, answerable=9), [Check.QUERIES], "9 answerable queries"),
        (replace(GOOD, score_spread=(0.5, 0.5, 0.5)), [Check.SPREAD], "hardly differ"),
        (costing(0.02), [Check.LATENCY], "takes 20.0 ms"),
        (
            replace(calibrated(1), answerable=1),
            [Check.QUERIES, Check.CALIBRATION],
            "1 answerable",
        ),
    ],
)
def test_the_gate(found: Evaluation, refused: list[Check], reason: str) -> None:
    verdict = judge(found, "3-0f0f0f0f")
    assert list(verdict.reasons) == refused
    assert verdict.passed == (not refused)
    assert reason in "; ".join(verdict.reasons.values())


def test_a_paired_test_sees_a_small_difference_that_is_the_same_everywhere() -> None:
    random = np.random.default_rng(0)
    before = random.random(60)
    better = compare(before + 0.02 + random.normal(0, 0.01, 60), before)
    assert better.p < 0.001
    assert better.difference.low > 0
    noise = compare(before + random.normal(0, 0.2, 60), before)
    assert noise.p > 0.05
    assert compare(before, before).p == 1
    assert compare(before, before + 0.1) == compare(before, before + 0.1), "the same every time"
