"""Tables of the command `evaluate`."""

from collections.abc import Mapping

from rich.table import Table

from app.model.calibration import Rate
from app.model.commands import Judgement
from app.model.evaluate import Quality


def ranking_table(measured: Mapping[str, Quality]) -> Table:
    """nDCG@10 of each model."""
    table = Table("model", "nDCG@10", "95 % interval", "queries")
    for name, quality in measured.items():
        interval = f"{quality.low:.3f}-{quality.high:.3f}"
        table.add_row(name, f"{quality.mean:.3f}", interval, str(quality.queries))
    return table


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


def calibration_tables(model: str, judged: Judgement) -> tuple[Table, Table]:
    """The table of measures, and the reliability table."""
    figures = Table("relevance", "value", title=f"Relevance of {model}'s first results")
    for name, value in calibration_rows(judged).items():
        figures.add_row(name, value)
    reliability = Table("queries", "mean relevance", "share answered", title="Reliability")
    for each in judged.calibration.bins:
        reliability.add_row(str(each.queries), f"{each.predicted:.2f}", f"{each.observed:.2f}")
    return figures, reliability


def figure(rate: Rate) -> str:
    """A value with its interval, and its counts if it is a fraction.

    >>> figure(Rate(0.5, 0.25, 0.75, 4, 8))
    '0.500 (0.250-0.750), 4 of 8'
    """
    counts = f", {rate.count} of {rate.total}" if rate.total else ""
    return f"{rate.value:.3f} ({rate.low:.3f}-{rate.high:.3f}){counts}"
