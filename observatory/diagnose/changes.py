"""Evidence of changes: starts with other settings or versions, models, and the catalogue."""

import json
from collections.abc import Iterator
from typing import Any

from observatory.diagnose.suspect import Evidence, Suspect
from observatory.diagnose.windows import Row, Windows, pairs

# The last start of a service before the window is compared, however old it is.
_STARTED = """
SELECT
    time >= fromUnixTimestamp64Nano({start:Int64}) AS now,
    service,
    toUnixTimestamp64Nano(time) AS at,
    attributes['vitrine.settings'] AS settings,
    resource['service.version'] AS version,
    attributes['vitrine.model.name'] || ' ' || attributes['vitrine.model.version'] AS model,
    attributes['vitrine.embedder.version'] AS embedder,
    attributes['vitrine.score.weights'] AS weights
FROM vitrine.logs
WHERE event = 'service.started' AND time < fromUnixTimestamp64Nano({end:Int64})
    AND ({service:String} = '' OR service = {service:String})
ORDER BY service, now DESC, time DESC
LIMIT 1 BY now, service
"""
# Of answers with all parts: a missing one changes the applied weights.
_MODELS = """
SELECT
    trimRight(concat(attributes['vitrine.model.name'], ' ', attributes['vitrine.model.version'],
        ' ', attributes['vitrine.score.weights'])) AS model,
    any(attributes['vitrine.model.version']) AS version,
    countIf(NOT {now}) AS before, countIf({now}) AS now,
    groupUniqArrayIf(3)(trace_id, {now}) AS traces,
    sum(before) OVER () AS all_before, sum(now) OVER () AS all_now
FROM vitrine.logs
WHERE {both} AND event = 'recommendation.served'
    AND attributes['vitrine.ranking.degraded'] != 'true'
    AND attributes['vitrine.candidate.count'] != ''
    AND attributes['vitrine.topic_signal.outcome'] IN ('hit', 'cached', 'off')
GROUP BY model
"""
_LOADED = """
SELECT
    name, attributes['vitrine.catalogue.changed_by'] AS by,
    countIf(NOT {now}) AS before, countIf({now}) AS now,
    sumIf(toUInt64OrZero(attributes['vitrine.catalogue.deleted'])
        + toUInt64OrZero(attributes['vitrine.catalogue.created'])
        + toUInt64OrZero(attributes['vitrine.catalogue.updated']), {now}) AS passages_now,
    sumIf(toUInt64OrZero(attributes['vitrine.catalogue.deleted'])
        + toUInt64OrZero(attributes['vitrine.catalogue.created'])
        + toUInt64OrZero(attributes['vitrine.catalogue.updated']), NOT {now}) AS passages_before,
    groupUniqArrayIf(3)(trace_id, {now}) AS traces
FROM vitrine.spans
WHERE {both} AND name IN ('load model', 'refresh index')
GROUP BY name, by
"""


def starts(windows: Windows) -> Iterator[Suspect]:
    """Starts in the window that differ from the same service's one before."""
    for before, now in pairs(windows.rows(_STARTED), "service").values():
        if before and now:
            yield from _differences(before, now)


def _differences(before: Row, now: Row) -> Iterator[Suspect]:
    if changed := _changed_settings(before["settings"], now["settings"]):
        yield Suspect("settings_changed", "; ".join(changed), 1.0,
                      (Evidence("settings changed", 0, len(changed)),),
                      first_bad=now["at"])  # fmt: skip
    for cause, name in (("version_changed", "version"), ("model_changed", "model"),
                        ("model_changed", "embedder"), ("model_changed", "weights")):  # fmt: skip
        if now[name] != before[name]:
            yield Suspect(cause, f"{before[name]} → {now[name]}", 0.9,
                          (Evidence(f"{name} changed at a start", 0, 1),),
                          first_bad=now["at"])  # fmt: skip


def models(windows: Windows) -> Iterator[Suspect]:
    """Versions of the ranking model that serve now and did not before."""
    for row in windows.rows(_MODELS):
        if row["all_before"] and not row["before"] and row["now"] > 5:
            share = row["now"] / row["all_now"]
            figures = Evidence(f"of the answers are ranked by {row['model']}", 0, share)
            yield Suspect("model_changed", row["model"], share, (figures,),
                          f"vitrine.model.version={row['version']}",
                          traces=row["traces"])  # fmt: skip


def reloads(windows: Windows) -> Iterator[Suspect]:
    """The model loaded many times; changes of the catalogue by other processes, or in bulk."""
    for row in windows.rows(_LOADED):
        if row["name"] == "load model" and row["now"] > 5 and row["now"] > 5 * row["before"]:
            figures = Evidence("loads of the model", row["before"], row["now"])
            yield Suspect("model_reloading", "", 0.8, (figures,), "name=load model",
                          traces=row["traces"])  # fmt: skip
        grown = row["passages_now"] > 20 + 5 * row["passages_before"]
        if row["name"] == "refresh index" and grown:
            figures = Evidence("changed passages", row["passages_before"], row["passages_now"])
            yield Suspect("catalogue_changed", f"by {row['by'].replace('_', ' ')}", 0.7,
                          (figures,), "name=refresh index", traces=row["traces"])  # fmt: skip


def _changed_settings(before: str, now: str) -> list[str]:
    old, new = _settings(before), _settings(now)
    return [
        f"{name} {old.get(name, 'unset')} → {new.get(name, 'unset')}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _settings(text: str) -> dict[str, Any]:
    try:
        listed = json.loads(text or "[]")
    except ValueError:
        return {}
    return dict(each.partition("=")[::2] for each in listed)
