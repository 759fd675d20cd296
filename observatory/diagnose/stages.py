"""Evidence from self times: which stage, statement or lock takes longer than before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from observatory.diagnose.suspect import Evidence, Suspect
from observatory.diagnose.windows import Row, Windows, pairs

# Self time: the duration without the children's. Ids are hashed to take less memory.
_SELF = """
SELECT
    now, stage, part, count() AS n, any(kind) AS kind, sum(calls) AS calls, sum(self) AS total,
    avg(self) AS mean, avg(log(self + 1e-4)) AS mean_log, varPop(log(self + 1e-4)) AS variance_log,
    arrayMap(slowest -> slowest.2, groupArraySorted(3)((-self, trace_id))) AS traces
FROM (
    SELECT
        {now} AS now, name AS stage, kind, trace_id, calls,
        if(attributes['db.query.text'] != '', attributes['db.query.text'],
           attributes['vitrine.storage.name']) AS part,
        greatest(0, duration_seconds - of_children) AS self
    FROM vitrine.spans AS spans
    LEFT JOIN (
        SELECT
            cityHash64(parent_id) AS parent,
            sum(duration_seconds) AS of_children,
            countIf(attributes['http.request.method'] != '') AS calls
        FROM vitrine.spans
        WHERE {both} AND parent_id != ''
        GROUP BY parent
    ) AS children ON cityHash64(spans.span_id) = children.parent
    WHERE {both}
)
GROUP BY now, stage, part
"""
LONG_WAIT = 0.3
"""Seconds for which a write waits for its lock: even one such wait is no accident."""
OCCUPIED, DOMINANT = 0.2, 0.5
"""A stage is the culprit if it takes this part of the window's time, and this part of all time
that was added to stages that do not wait for others."""
STATEMENT_PART, STATEMENT_TIMES = 0.1, 5
"""Statements are if they take this part of both, and so many times as long as before: those that
are not executed by a cursor have no span, and are part of a stage."""
FEW_TIMES, FEW_OCCUPIED = 10, 0.5
"""Fewer than four spans count if they take so many times as long, and this part of the window."""
_LOCK = "await write lock"
STATEMENTS = "statements"
_SQL = ("SELECT", "INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True)
class Stage:
    """The self times of a stage, or of a statement (`part`), before and now."""

    name: str
    part: str
    before: Row
    now: Row

    @property
    def is_lock(self) -> bool:
        """Whether it is the wait for a lock."""
        return self.name == _LOCK

    @property
    def is_statement(self) -> bool:
        """Whether it is a statement of the database."""
        return self.name in _SQL

    @property
    def works(self) -> bool:
        """Whether it works itself: it neither serves a request, nor calls, nor waits for a lock."""
        calls = self.before["calls"] + self.now["calls"]
        return self.is_statement or (
            self.now["kind"] == "internal" and not self.is_lock and not calls
        )

    @property
    def added(self) -> float:
        """Seconds in the window more than if it took as long as before."""
        return float(max(0.0, self.now["n"] * (self.now["mean"] - self.before["mean"])))

    @property
    def is_longer(self) -> bool:
        """At least twice as long, beyond chance."""
        before, now = self.before, self.now
        longer = now["mean"] - before["mean"]
        if self.is_lock:
            return bool(longer >= LONG_WAIT)
        if min(now["n"], before["n"]) < 4 or longer < 0.005:
            return False
        grown = now["mean_log"] - before["mean_log"]
        spread = (now["variance_log"] / now["n"] + before["variance_log"] / before["n"]) ** 0.5
        return bool(grown >= 0.7 and grown >= 6 * spread)

    def stands_still(self, seconds: float) -> bool:
        """Whether a few spans take most of a window of that length, which were short before."""
        return bool(
            self.before["n"] >= 4
            and self.now["mean"] > FEW_TIMES * self.before["mean"]
            and self.now["total"] > FEW_OCCUPIED * seconds
        )


def self_times(windows: Windows) -> Iterator[Suspect]:
    """Stages, statements and locks that take longer; and which of them takes the added time."""
    stages = [
        Stage(name, part, before, now)
        for (name, part), (before, now) in pairs(windows.rows(_SELF), "stage", "part").items()
        if before and now
    ]
    culprit = _culprit(stages, windows.seconds[1])
    for each in stages:
        if not each.is_longer and each is not culprit:
            continue
        part = each.part[:80]
        where = f"“{each.name}”" + (f" ({part})" if part else "")
        before, now = each.before["mean"], each.now["mean"]
        figures = [Evidence(f"seconds is the mean self time of {where}", before, now)]
        effect = min(1.0, 1 - before / now)
        cause, subject = "stage_slow", each.name
        if each.is_lock:
            cause, subject = "lock_wait", part
        elif each.is_statement:
            cause, subject = "storage_slow", part
        if each is culprit:
            cause = "statement_slow" if each.is_statement else "code_slow"
            figures.append(_share_of_time(each, windows))
        yield Suspect(cause, subject, effect, figures, f"name={each.name}",
                      traces=each.now["traces"])  # fmt: skip


def _culprit(stages: Sequence[Stage], seconds: float) -> Stage | None:
    """The stage that took most of the time that was added to all that work, if it is much."""
    working = [each for each in stages if each.works]
    longer = [each for each in working if each.is_longer or each.stands_still(seconds)]
    total = sum(each.added for each in working)
    groups: dict[str, list[Stage]] = {}
    for each in longer:  # many statements are slow together if the disk is
        groups.setdefault(STATEMENTS if each.is_statement else each.name, []).append(each)
    for name, group in sorted(groups.items(), key=lambda each: each[0] != STATEMENTS):
        share, occupied = DOMINANT, OCCUPIED
        most = max(group, key=lambda each: each.added)
        if name == STATEMENTS and most.now["mean"] > STATEMENT_TIMES * most.before["mean"]:
            share, occupied = STATEMENT_PART, STATEMENT_PART
        now = sum(each.now["total"] for each in group)
        if sum(e.added for e in group) >= share * total and now >= occupied * seconds:
            return most
    return None


def _share_of_time(stage: Stage, windows: Windows) -> Evidence:
    baseline, current = windows.seconds
    return Evidence(
        f"seconds of each second are spent in “{stage.name}”",
        stage.before["total"] / baseline, stage.now["total"] / current,
    )  # fmt: skip
