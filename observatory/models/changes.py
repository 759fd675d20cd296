"""What happened to the models, in the order of time: promotions, refusals, drift, trainings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from observatory.models.window import MILLISECONDS, WITHIN, Window

MAX_CHANGES = 100
Kind = Literal[
    "promoted", "rolled_back", "refused", "registered", "drift_started", "drift_ended"
]  # fmt: skip
_SPANS = f"""
SELECT
    {MILLISECONDS} AS at, service, trace_id, name, status,
    attributes['vitrine.model.version'] AS version,
    attributes['vitrine.model.replaced'] AS replaced,
    attributes['vitrine.model.forced'] = 'true' AS forced,
    attributes['error.type'] AS error,
    JSONExtract(attributes['vitrine.gate.failed'], 'Array(String)') AS checks,
    JSONExtract(attributes['vitrine.drift.drifted'], 'Array(String)') AS drifted,
    arrayFirst(each -> each IN ('drift_started', 'drift_ended'), events.name) AS event
FROM vitrine.spans
WHERE {WITHIN} AND (
    name IN ('promote model', 'roll back model', 'register model')
    OR (name = 'apply gate' AND attributes['vitrine.gate.passed'] = 'false')
    OR (name = 'evaluate drift' AND event != ''))
ORDER BY time DESC LIMIT {MAX_CHANGES}
"""
# The service logs the reason of a refusal with the version.
_REFUSED = f"""
SELECT {MILLISECONDS} AS at, service, trace_id,
    extractGroups(body, '^model version (\\\\S{{1,64}}) is refused: ((?s).{{1,300}})') AS found
FROM vitrine.logs
WHERE {WITHIN} AND startsWith(body, 'model version ') AND notEmpty(found)
ORDER BY time DESC LIMIT {MAX_CHANGES}
"""


@dataclass(frozen=True, slots=True)
class Change:
    """`at`: milliseconds since 1970; `version`: the version it is about, or empty."""

    at: int
    kind: Kind
    service: str
    version: str
    detail: str
    trace_id: str


def changes(window: Window) -> list[Change]:
    """The newest MAX_CHANGES, the newest first."""
    found = [_of_span(row) for row in window.rows(_SPANS)]
    found += [
        Change(row["at"], "refused", row["service"], version, reason, row["trace_id"])
        for row in window.rows(_REFUSED)
        for version, reason in [row["found"]]
    ]
    return sorted(found, key=lambda each: -each.at)[:MAX_CHANGES]


def _of_span(row: Mapping[str, Any]) -> Change:
    kind, detail = KINDS[row["name"]](row)
    return Change(row["at"], kind, row["service"], row["version"], detail, row["trace_id"])


def _changed(
    kind: Kind, relation: str = "instead of"
) -> Callable[[Mapping[str, Any]], tuple[Kind, str]]:
    """`relation`: to the version that served before."""

    def described(row: Mapping[str, Any]) -> tuple[Kind, str]:
        if not row["version"]:
            return "refused", f"{row['name']}: {row['error'] or 'refused'}"
        forced = ", although the gate had refused it" if row["forced"] else ""
        replaced = f"{relation} {row['replaced']}" if row["replaced"] else ""
        return kind, f"{replaced}{forced}"

    return described


def _gate(row: Mapping[str, Any]) -> tuple[Kind, str]:
    return "refused", f"by the gate: {', '.join(row['checks'])}"


def _drift(row: Mapping[str, Any]) -> tuple[Kind, str]:
    return row["event"], ", ".join(row["drifted"])


KINDS: Mapping[str, Callable[[Mapping[str, Any]], tuple[Kind, str]]] = {
    "promote model": _changed("promoted"),
    "roll back model": _changed("rolled_back"),
    "register model": _changed("registered", "challenger of"),
    "apply gate": _gate,
    "evaluate drift": _drift,
}
