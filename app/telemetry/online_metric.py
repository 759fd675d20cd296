"""What is emitted of the online metric: gauges by version, and by rank."""

from collections.abc import Callable, Iterable, Iterator

from opentelemetry.metrics import CallbackOptions, CallbackT, Observation

from app.model.online_metric import OnlineReport, VersionQuality
from app.model.online_monitor import OnlineMonitor
from app.telemetry import vocabulary as v
from app.telemetry.kit.facts import Measurement
from app.telemetry.kit.vocabulary import Attributes, Metric

METRICS = (
    v.ONLINE_QUALITY, v.ONLINE_UNCORRECTED, v.ONLINE_CLICK_THROUGH, v.ONLINE_AT_RANK,
    v.ONLINE_EXAMINATION, v.ONLINE_FEEDBACK,
)  # fmt: skip


def observe_online(
    observe: Callable[[Metric, CallbackT], None], monitor: OnlineMonitor | None
) -> None:
    """Observe the latest report, for every export of metrics; without a monitor, nothing."""
    if monitor is None:
        return

    def of(metric: Metric) -> CallbackT:
        def observed(_: CallbackOptions) -> Iterable[Observation]:
            for each in () if monitor.report is None else measurements(monitor.report):
                if each.metric is metric:
                    yield Observation(each.value, each.attributes)

        return observed

    for each in METRICS:
        observe(each, of(each))


def measurements(report: OnlineReport) -> Iterator[Measurement]:
    """Everything that is emitted of a report."""
    for version in report.versions:
        yield from _of_version(version)
    for each in report.examination:
        if each.known:
            yield Measurement(v.ONLINE_EXAMINATION, each.value, {v.ONLINE_RANK: str(each.rank)})
    for outcome, count in report.rows.items():
        yield Measurement(v.ONLINE_FEEDBACK, count, {v.ONLINE_OUTCOME: outcome})


def _of_version(version: VersionQuality) -> Iterator[Measurement]:
    about: Attributes = {
        v.MODEL_NAME: version.model.name,
        v.MODEL_VERSION: version.model.version,
    }
    rates = {v.ONLINE_QUALITY: version.quality, v.ONLINE_UNCORRECTED: version.uncorrected}
    for metric, rate in rates.items():
        if rate is not None:
            for name, value in (("estimate", rate.value), ("low", rate.low), ("high", rate.high)):
                yield Measurement(metric, value, {**about, v.ONLINE_STATISTIC: name})
    yield Measurement(v.ONLINE_CLICK_THROUGH, version.click_through.value, about)
    for each in version.by_rank:
        at = {**about, v.ONLINE_RANK: str(each.rank)}
        yield Measurement(v.ONLINE_AT_RANK, each.liked / each.shown, at)
