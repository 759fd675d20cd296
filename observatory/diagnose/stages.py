"""Evidence from self times: which stage, statement or lock takes longer than before."""

from collections.abc import Iterator

from observatory.diagnose.suspect import Evidence, Suspect
from observatory.diagnose.windows import Windows, pairs

# Self time: the duration without the children's, which are clipped at zero together.
_SELF = """
SELECT
    now, stage, part, count() AS n,
    avg(self) AS mean, avg(log(self + 1e-4)) AS mean_log, varPop(log(self + 1e-4)) AS variance_log,
    countIf(failed) AS failures,
    arraySlice(arraySort(x -> -x.1, groupArray((self, trace_id))), 1, 3).2 AS traces
FROM (
    SELECT
        owner,
        anyIf({now}, own) AS now,
        anyIf(name, own) AS stage,
        anyIf(
            if(attributes['db.query.text'] != '', attributes['db.query.text'],
               attributes['vitrine.storage.name']),
            own
        ) AS part,
        anyIf(trace_id, own) AS trace_id,
        anyIf(status = 'error', own) AS failed,
        greatest(0, sumIf(duration_seconds, own) - sumIf(duration_seconds, NOT own)) AS self
    FROM vitrine.spans
    ARRAY JOIN [true, false] AS own
    WHERE {both} AND (own OR parent_id != '')
    GROUP BY if(own, span_id, parent_id) AS owner
    HAVING countIf(own) > 0
)
WHERE stage != ''
GROUP BY now, stage, part
"""
LONG_WAIT = 0.3
"""Seconds for which a write waits for its lock: even one such wait is no accident."""
_LOCK = "await write lock"
_SQL = ("SELECT", "INSERT", "UPDATE", "DELETE")


def self_times(windows: Windows) -> Iterator[Suspect]:
    """Stages, statements and locks that take at least twice as long, beyond chance."""
    for (stage, part), (before, now) in pairs(windows.rows(_SELF), "stage", "part").items():
        b, a = before.get("n", 0), now.get("n", 0)
        lock = stage == _LOCK
        if min(a, b) < (1 if lock else 4):
            continue
        grown = now["mean_log"] - before["mean_log"]
        spread = (now["variance_log"] / a + before["variance_log"] / b) ** 0.5
        longer = now["mean"] - before["mean"]
        if lock and longer < LONG_WAIT:
            continue
        if not lock and (grown < 0.7 or longer < 0.005 or grown < 6 * spread):
            continue
        where = f"“{stage}”" + (f" ({part[:80]})" if part else "")
        figures = Evidence(f"seconds is the mean self time of {where}", before["mean"], now["mean"])
        effect = min(1.0, 1 - before["mean"] / now["mean"])
        cause, subject = "stage_slow", stage
        if lock:
            cause, subject = "lock_wait", part
        elif stage in _SQL:
            cause, subject = "storage_slow", part[:80]
        yield Suspect(cause, subject, effect, (figures,), f"name={stage}", traces=now["traces"])
