"""Whether telemetry arrives: the newest record of each signal and sender, and what was lost.

A sender is late if it has sent no metrics for three of its export intervals: then it is down, or
something between it and this store is.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from observatory.health.promql import NAME, Labels, Selector, Window
from observatory.ui.queries import Queries

INTERVALS, MARGIN_SECONDS = 3, 5
"""A sender is late after this many export intervals, and a margin for the way."""
SENDER_SECONDS = 3600
"""A sender that has been silent for longer is no longer listed."""
LOST = Selector((("=~", NAME, r"\w+_telemetry_lost|otel_sdk_processor_(span|log)_processed"),))
_NEWEST = """
SELECT 'traces' AS signal, toUnixTimestamp64Nano(max(Timestamp)) AS newest FROM otel.otel_traces
UNION ALL
SELECT 'logs', toUnixTimestamp64Nano(max(Timestamp)) FROM otel.otel_logs
UNION ALL
SELECT 'metrics', max(newest) FROM (
    SELECT toUnixTimestamp64Nano(max(TimeUnix)) AS newest FROM otel.otel_metrics_sum
    UNION ALL SELECT toUnixTimestamp64Nano(max(TimeUnix)) FROM otel.otel_metrics_gauge
    UNION ALL SELECT toUnixTimestamp64Nano(max(TimeUnix)) FROM otel.otel_metrics_histogram)
"""
_SENDERS = """
SELECT service, max(latest) AS newest, argMaxIf(gap, latest, length(times) > 2) AS interval
FROM (
    SELECT ServiceName AS service, ResourceAttributes['service.instance.id'] AS instance,
        toUnixTimestamp64Milli(max(TimeUnix)) / 1000 AS latest,
        arraySort(groupUniqArray(toUnixTimestamp(TimeUnix))) AS times,
        arrayReduce('median', arrayDifference(times)) AS gap
    FROM (
        SELECT ServiceName, ResourceAttributes, TimeUnix FROM otel.otel_metrics_sum
        UNION ALL SELECT ServiceName, ResourceAttributes, TimeUnix FROM otel.otel_metrics_gauge
        UNION ALL SELECT ServiceName, ResourceAttributes, TimeUnix FROM otel.otel_metrics_histogram
    )
    WHERE TimeUnix >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
    GROUP BY service, instance
)
GROUP BY service HAVING interval > 0 ORDER BY service LIMIT 100
"""


@dataclass(frozen=True, slots=True)
class Signal:
    """`age_seconds` of the newest record; None if there is none."""

    signal: str
    age_seconds: float | None


@dataclass(frozen=True, slots=True)
class Sender:
    """A service that exports metrics: when it did last, and its interval. Seconds."""

    service: str
    age_seconds: float
    interval_seconds: float

    @property
    def is_late(self) -> bool:
        """Whether it should have sent metrics again."""
        return self.age_seconds > INTERVALS * self.interval_seconds + MARGIN_SECONDS


@dataclass(frozen=True, slots=True)
class Arrival:
    """What arrives here, and what did not, in the window."""

    signals: Sequence[Signal]
    senders: Sequence[Sender]
    lost: Mapping[str, int]
    """By service: spans, log records and exports that it dropped or could not deliver."""
    refused: Mapping[str, int]
    """By signal: records and messages that the observatory refused since it started."""


def arrival(queries: Queries, windows: Mapping[Labels, Window]) -> Arrival:
    """What arrives, now; `windows`: of LOST."""
    now = queries.clock() / 1e9
    lost: Counter[str] = Counter()
    for labels, window in windows.items():
        known = dict(labels)
        if known[NAME].endswith("_telemetry_lost") or known.get("error.type") == "queue_full":
            lost[known["service.name"]] += round(window.increase)
    newest = queries.rows(_NEWEST)
    senders = queries.rows(_SENDERS, {"since": round((now - SENDER_SECONDS) * 1000)})
    return Arrival(
        signals=[
            Signal(
                row["signal"], max(0.0, now - row["newest"] / 1e9) if row["newest"] > 0 else None
            )
            for row in newest
        ],
        senders=[
            Sender(row["service"], max(0.0, now - row["newest"]), row["interval"])
            for row in senders
        ],
        lost={service: count for service, count in sorted(lost.items()) if count},
        refused=dict(queries.parts.intake.refused),
    )
