"""The gate: refuses a version that is worse than what serves, and says why."""

from dataclasses import asdict, dataclass
from enum import StrEnum

from app.model.evaluation import BM25, CANDIDATE, Comparison, Evaluation


class Check(StrEnum):
    """What a version must pass."""

    QUERIES = "queries"
    CHAMPION = "champion"
    BASELINE = "bm25"
    CALIBRATION = "calibration"
    SPREAD = "spread"
    LATENCY = "latency"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of the gate."""

    queries: int = 10
    """Minimum number of answerable queries to judge by."""
    loss: float = 0.02
    """Tolerated difference in nDCG@10 below the champion and below BM25, if not significant. (With
    the seed's 86 answerable test queries, equally good models differ by more one time in ten.)"""
    significance: float = 0.05
    """Any loss with a p below this is refused."""
    brier: float = 0.25
    """Maximum Brier score: 0.25 is that of always predicting one half."""
    brier_loss: float = 0.05
    """Tolerated Brier score above the champion's."""
    spread: float = 0.02
    """Minimum difference between high and low scores of first results."""
    cpu_seconds: float = 0.005
    """Maximum CPU time to score a query's candidates: the median, which other work on the machine
    does not shift."""


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a version passed: `reasons` by the check that refused it."""

    reasons: dict[Check, str]

    @property
    def passed(self) -> bool:
        return not self.reasons

    def content(self) -> dict[str, object]:
        """For the model card."""
        return {
            "passed": self.passed,
            "reasons": list(self.reasons.values()),
            "checks": [each.value for each in self.reasons],
            "limits": asdict(LIMITS),
        }


def judge(found: Evaluation, champion: str, limits: Limits = LIMITS) -> Verdict:
    """Judge a candidate beside the champion of this name."""
    mine, reasons = found.ranked[CANDIDATE], dict[Check, str]()
    if found.answerable < limits.queries:
        count = f"{found.answerable} answerable queries to evaluate with"
        reasons[Check.QUERIES] = f"{count}; at least {limits.queries} are needed"
    for check, other in ((Check.CHAMPION, champion), (Check.BASELINE, BM25)):
        if other in found.comparisons and _is_worse(found.comparisons[other], limits):
            reasons[check] = _loss(other, found.comparisons[other])
    if (calibration := found.calibration.get(CANDIDATE)) is not None:
        before = found.calibration.get(champion)
        most = min(limits.brier, *([before.brier + limits.brier_loss] if before else []))
        if not calibration.brier <= most:
            brier = f"the Brier score of its relevance is {calibration.brier:.3f}"
            reasons[Check.CALIBRATION] = f"{brier}; at most {most:.3f} is accepted"
    low, _, high = found.score_spread
    if not high - low >= limits.spread:
        reasons[Check.SPREAD] = f"its scores hardly differ: {low:.3f} to {high:.3f}"
    if not mine.cpu_p50 <= limits.cpu_seconds:
        cpu = f"scoring takes {mine.cpu_p50 * 1000:.1f} ms of CPU (median)"
        reasons[Check.LATENCY] = f"{cpu}; at most {limits.cpu_seconds * 1000:g} ms are accepted"
    return Verdict(reasons)


def _is_worse(found: Comparison, limits: Limits) -> bool:
    mean = found.difference.mean
    return not mean >= -limits.loss or (mean < 0 and found.p < limits.significance)


def _loss(other: str, found: Comparison) -> str:
    change = found.difference
    return (
        f"nDCG@10 is {-change.mean:.3f} below that of {other} (95 % interval of the difference: "
        f"{change.low:+.3f} to {change.high:+.3f}, p = {found.p:.4f}, {change.queries} queries)"
    )
