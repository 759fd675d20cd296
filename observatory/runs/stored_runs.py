"""The runs whose telemetry is stored, from the supervisor's events."""

from typing import Any

from observatory.runs.run import Run
from observatory.supervision.event_log import RUN_ENDED, RUN_NAME, RUN_STARTED, SERVICE
from observatory.ui.parameters import RANGE, Parameters
from observatory.ui.queries import Queries
from observatory.ui.responses import Problem

_EVENTS = f"""
SELECT DISTINCT toUnixTimestamp64Nano(Timestamp) AS time, EventName AS event,
    LogAttributes['{RUN_NAME}'] AS name
FROM otel.otel_logs
WHERE ServiceName = '{SERVICE}' AND EventName IN ('{RUN_STARTED}', '{RUN_ENDED}')
ORDER BY time DESC LIMIT 10000
"""


def stored_runs(queries: Queries) -> list[Run]:
    """The runs, newest first. One without an end was killed, or is not over."""
    runs: list[Run] = []
    until = queries.clock()
    for row in queries.rows(_EVENTS):
        if row["event"] == RUN_ENDED:
            until = row["time"] + 1
        else:
            runs.append(Run(row["name"], row["time"], until))
            until = row["time"]
    return runs


def run_list(queries: Queries) -> dict[str, Any]:
    """The content of /api/runs."""
    runs = stored_runs(queries)
    return {"runs": [{"name": r.name, "start": str(r.start), "end": str(r.end)} for r in runs]}


KNOWN_OF_EXPORT = ("run", *RANGE)


def chosen_run(queries: Queries, parameters: Parameters) -> Run:
    """The newest run of a name, or a range of time as a run.

    Raises:
        Problem: 404, no such run is stored; 422, an invalid parameter.

    """
    name = parameters.text("run")
    if name is None:
        chosen = parameters.range(queries.clock(), queries.kept)
        return Run("part of a run", chosen.start, chosen.end)
    runs = stored_runs(queries)
    for run in runs:
        if run.name == name:
            return run
    newest = ", ".join(dict.fromkeys(run.name for run in runs[:5])) or "none"
    raise Problem(
        404, "not-found", "No such run", f"No run {name!r} is stored; the newest: {newest}."
    )
