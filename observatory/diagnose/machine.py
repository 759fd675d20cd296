"""Evidence from metrics: the process, its limits, and the way of its telemetry."""

from collections.abc import Iterator

from observatory.diagnose.requests import differs
from observatory.diagnose.suspect import Evidence, Suspect
from observatory.diagnose.windows import Row, Windows, pairs

OF_PROCESS = ("file_descriptors", "worker_threads")
"""Resources that other limits depend on; the places of the others are taken when calls last."""
MIN_LATE, TIMER_LEVEL = 4, 5e-3
"""Late timers that count, and the level of their test: there are few, two a second."""
MIN_EXPORTS = 3
"""Intervals between exports whose median counts."""
MIN_TIMERS, STILL = 10, 0.4
"""Timers that should have run, and the part of them below which the event loop stands still."""
# The increase of each counter: the first point of a series that began in the window counts in full.
_COUNTERS = """
SELECT name, label, sum(greatest(0, at_start - at_base)) AS before,
    sum(greatest(0, at_end - at_start)) AS now
FROM (
    SELECT
        name, series,
        any(arrayStringConcat(mapValues(attributes), ' ')) AS label,
        if(any(began) >= fromUnixTimestamp64Nano({base:Int64}), 0, min(value)) AS at_base,
        greatest(at_base, maxIf(value, NOT {now})) AS at_start,
        max(value) AS at_end
    FROM vitrine.metrics
    WHERE {both} AND name IN (
        'vitrine.event_loop.run_queue', 'vitrine.telemetry.lost', 'vitrine.telemetry.unconfirmed',
        'vitrine.journal.dropped', 'vitrine.accept.overflows'
    )
    GROUP BY name, series
)
GROUP BY name, label
"""
_GAUGES = """
SELECT
    {now} AS now, name, attributes['vitrine.resource.name'] AS label,
    min(value) AS least, max(value) AS most, argMax(value, time) AS last
FROM vitrine.metrics
WHERE {both} AND name IN (
    'vitrine.resource.used', 'vitrine.resource.limit',
    'process.memory.usage', 'vitrine.model.refused', 'vitrine.catalogue.documents'
)
GROUP BY now, name, label
"""
_REACHED = """
SELECT toUnixTimestamp64Nano(min(time)) AS first FROM vitrine.metrics
WHERE {both} AND {now} AND name = 'vitrine.resource.used'
    AND attributes['vitrine.resource.name'] = {label:String} AND value >= {most:Float64}
"""
_TIMERS = """
SELECT
    name,
    sumIf(at_start - at_base, le = inf) AS n_before,
    n_before - sumIf(at_start - at_base, le = 0.1) AS late_before,
    sumIf(at_end - at_start, le = inf) AS n_now,
    n_now - sumIf(at_end - at_start, le = 0.1) AS late_now,
    toUnixTimestamp64Nano(max(newest)) AS newest
FROM (
    SELECT
        name, le, series,
        if(any(began) >= fromUnixTimestamp64Nano({base:Int64}), 0, min(count)) AS at_base,
        greatest(at_base, maxIf(count, NOT {now})) AS at_start,
        max(count) AS at_end,
        maxIf(time, {now}) AS newest
    FROM vitrine.buckets
    WHERE {both} AND name IN ('vitrine.event_loop.lag', 'vitrine.process.pause')
    GROUP BY name, le, series
)
GROUP BY name
"""
_GAPS = """
SELECT
    greatest(max(gap), dateDiff('millisecond', max(time),
        fromUnixTimestamp64Nano({end:Int64})) / 1e3) AS longest,
    quantileIf(0.5)(gap, gap > 0 AND NOT {now}) AS usual,
    quantileIf(0.5)(gap, gap > 0 AND {now}) AS current,
    countIf(gap > 0 AND NOT {now}) AS before, countIf(gap > 0 AND {now}) AS exports
FROM (
    SELECT
        time,
        dateDiff('millisecond', lagInFrame(time, 1, time)
            OVER (PARTITION BY instance ORDER BY time), time) / 1e3 AS gap
    FROM (
        SELECT DISTINCT time, resource['service.instance.id'] AS instance FROM vitrine.metrics
        WHERE {both} AND name = 'vitrine.clock.drift'
    )
)
"""


def waiting(windows: Windows) -> Iterator[Suspect]:
    """What happens outside of spans: waiting for a CPU, pauses, a blocked event loop; and loss."""
    baseline, current = windows.seconds
    for row in windows.rows(_COUNTERS):
        before, now = row["before"] / baseline, row["now"] / current
        if row["name"] == "vitrine.event_loop.run_queue" and now > 0.15 and now > 3 * before:
            figures = Evidence("of the time the event loop waits for a CPU", before, now)
            yield Suspect("cpu_contention", "", min(1.0, now * 2), (figures,))
        if row["name"].startswith("vitrine.telemetry.") and row["now"] > max(5, 2 * row["before"]):
            what = row["name"].rpartition(".")[2]
            figures = Evidence(f"items of {row['label']} {what}", row["before"], row["now"])
            yield Suspect("telemetry_lost", f"{row['label']} {what}", 0.8, (figures,))
    for row in windows.rows(_TIMERS):
        a, b = round(row["late_now"]), round(row["late_before"])
        first, second = round(row["n_now"]), round(row["n_before"])
        paused = row["name"].endswith("pause")
        # A loop that stands still for seconds has few timers, late or not.
        expected = second / baseline * (row["newest"] - windows.start) / 1e9
        if not paused and expected >= MIN_TIMERS and first < STILL * expected:
            figures = Evidence("timers of the event loop run", expected, first)
            yield Suspect("event_loop_lag", "", 1 - first / expected, (figures,))
            continue
        if a < MIN_LATE or not differs(a, first, b, second, 0.08, TIMER_LEVEL):
            continue
        what = "of the timers of a thread" if paused else "of the timers of the event loop"
        figures = Evidence(f"{what} are late by more than 0.1 s", b / second, a / first)
        cause = "process_paused" if paused else "event_loop_lag"
        yield Suspect(cause, "", min(1.0, 2 * a / first), (figures,))


def levels(windows: Windows) -> Iterator[Suspect]:
    """Growing memory, refused models, another size of the catalogue."""
    for (name, _), (before, now) in pairs(windows.rows(_GAUGES), "name", "label").items():
        if before and now and (rule := _RULES.get(name)) is not None:
            found = rule(before, now)
            if found is not None:
                cause, subject, effect = found
                change = Evidence(f"is {name}", before["last"], now["last"])
                yield Suspect(cause, subject, effect, (change,))


def limits(windows: Windows) -> Iterator[Suspect]:
    """Resources that have reached their limits."""
    found = pairs(windows.rows(_GAUGES), "name", "label")
    for (name, label), (before, now) in found.items():
        bounds = found.get(("vitrine.resource.limit", label), ({}, {}))
        if name != "vitrine.resource.used" or not all((before, now, *bounds)):
            continue
        usual, limit = (each["least"] for each in bounds)
        if limit and now["most"] >= 0.95 * limit and before["most"] < 0.95 * usual:
            figures = Evidence(f"{label} in use, of {limit:.0f}", before["most"], now["most"])
            cause = "resource_exhausted" if label in OF_PROCESS else "places_taken"
            [reached] = windows.rows(_REACHED, label=label, most=0.95 * limit)
            yield Suspect(cause, label.replace("_", " "), 0.9, (figures,),
                          first_bad=reached["first"])  # fmt: skip


Found = tuple[str, str, float] | None
"""Cause, subject and effect."""


def _refused(before: Row, now: Row) -> Found:
    more = now["most"] > before["most"]
    return ("model_refused", "the last good one serves", 0.9) if more else None


def _memory(before: Row, now: Row) -> Found:
    grown = (now["last"] - before["last"]) / 1e6
    large = now["last"] > 1.3 * before["most"] + 50e6
    return ("memory_growing", f"{grown:.0f} MB", 0.7) if large else None


def _documents(before: Row, now: Row) -> Found:
    change = now["last"] / before["last"] - 1 if before["last"] else 0
    effect = min(1.0, abs(change) * 2)
    return ("catalogue_changed", f"{change:+.0%} documents", effect) if abs(change) > 0.1 else None


_RULES = {
    "vitrine.model.refused": _refused,
    "process.memory.usage": _memory,
    "vitrine.catalogue.documents": _documents,
}


# A moved clock moves the times of its own records: found by the time less the drift.
_MOVED = """
SELECT argMax(value, abs(value)) AS drift FROM vitrine.metrics
WHERE name = 'vitrine.clock.drift' AND abs(value) > 0.5
    AND ({service:String} = '' OR service = {service:String})
    AND time > fromUnixTimestamp64Nano({start:Int64}) - INTERVAL 1 DAY
    AND time < fromUnixTimestamp64Nano({end:Int64}) + INTERVAL 1 DAY
    AND toUnixTimestamp64Milli(time) - value * 1e3 >= {start:Int64} / 1e6
    AND toUnixTimestamp64Milli(time) - value * 1e3 < {end:Int64} / 1e6
HAVING count() > 0
"""


def clock(windows: Windows) -> Iterator[Suspect]:
    """A wall clock that has moved against the monotonic one."""
    for row in windows.rows(_MOVED):
        figures = Evidence("seconds is the drift of the clock", 0, row["drift"])
        yield Suspect("clock_skew", f"{row['drift']:+.1f} s", 1.0, (figures,))


def gaps(windows: Windows) -> Iterator[Suspect]:
    """A time without metrics, though they are exported at equal intervals; or longer intervals."""
    for row in windows.rows(_GAPS):
        usual, current = row["usual"], row["current"]
        if not usual or row["before"] < MIN_EXPORTS:
            continue
        if row["longest"] > max(4 * usual, usual + 4):
            figures = Evidence("seconds without metrics", usual, row["longest"])
            yield Suspect("telemetry_lost", "a gap in the metrics", 0.6, (figures,))
        elif row["exports"] >= MIN_EXPORTS and current > max(1.5 * usual, usual + 0.5):
            figures = Evidence("seconds between two exports of metrics", usual, current)
            yield Suspect("telemetry_lost", "exports take long", 0.6, (figures,))
