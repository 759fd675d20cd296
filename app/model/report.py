"""Rows of the tables of relevance."""

from app.model.calibration import Rate
from app.model.seed_training import Judgement


def calibration_rows(judged: Judgement) -> dict[str, str]:
    """Every measure by its name, with its 95 % interval and its counts."""
    found = judged.calibration
    return {
        "AUC, good answers against out-of-domain queries": figure(found.auc),
        "AUC, good answers against all others": figure(found.auc_all),
        "Brier score (lower is better)": f"{found.brier:.3f}",
        "good answers withheld": figure(found.withheld_good),
        "out-of-domain queries withheld": figure(found.withheld_outside),
        "“shares its subject” is true": figure(judged.subject),
    }


def figure(rate: Rate) -> str:
    """A value with its interval, and its counts if it is a fraction.

    >>> figure(Rate(0.5, 0.25, 0.75, 4, 8))
    '0.500 (0.250-0.750), 4 of 8'
    """
    counts = f", {rate.count} of {rate.total}" if rate.total else ""
    return f"{rate.value:.3f} ({rate.low:.3f}-{rate.high:.3f}){counts}"
