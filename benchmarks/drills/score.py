"""Diagnose a drill, and compare with the truth."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import httpx

from benchmarks.drills.alerts import conditions_met
from benchmarks.drills.record import CLEAN, Entry
from benchmarks.drills.switched import ALL
from observatory.compare.remote import remote_query
from observatory.compare.sources import Query
from observatory.diagnose.diagnosis import Diagnosis, causal_path, diagnose
from observatory.diagnose.report import as_text
from observatory.diagnose.suspect import Suspect
from observatory.diagnose.windows import Windows

TWO = "two at once"
"""Group of drills with two faults."""
MOMENTS = (5, 10, 15, 20, 25, 30, 40, 50, 60)
"""Seconds after the beginning of a fault at which it is diagnosed until its cause is first."""
SECONDS = 120
"""Time limit of a statement."""
_SYMPTOMS = {
    "degraded": ("degraded",),
    "slow": ("slow", "stage_slow"),
    "errors": ("errors", "degraded"),
    "relevance": ("relevance_changed", "score_changed", "answers_empty", "leg_changed"),
    "rejected": ("rejected",),
}


@dataclass(frozen=True, slots=True)
class Result:
    """A scored drill. `rank` counts roots; those beneath a root have no rank."""

    entry: Entry
    group: str
    rank: int | None
    """Of the worse one of two faults; 1 for a clean window without suspects."""
    path: bool | None
    """Whether the symptom is beneath the true cause; None if no symptom was seen."""
    found_after: float | None
    """Seconds after which the true cause was first."""
    seconds: float
    """Of the diagnosis."""
    suspects: Sequence[str]
    alerts: Mapping[str, float] = field(default_factory=dict)
    """Rules whose condition was met, and after how many seconds."""
    text: str = ""

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Result":
        """From JSON values."""
        return cls(**{**given, "entry": Entry(**given["entry"])})


def score(entry: Entry, clickhouse: str) -> Result:
    """The result of a drill, over the ClickHouse interface at this URL."""
    with httpx.Client(base_url=clickhouse, timeout=SECONDS, trust_env=False) as client:
        return _scored(entry, remote_query(client))


def _scored(entry: Entry, query: Query) -> Result:
    began = time.monotonic()
    found = _diagnosis(query, entry, entry.end)
    seconds = round(time.monotonic() - began, 2)
    suspects = [
        each.key + "".join(f" >{other.key}" for other in each.explains) for each in found.suspects
    ]
    alerts = conditions_met(query, entry.base, entry.start, entry.end)
    if entry.fault == CLEAN:
        rank = None if found.suspects else 1
        return Result(entry, CLEAN, rank, None, None, seconds, suspects, alerts, as_text(found))
    names = entry.fault.split("+")
    ranks = [_rank(found, name) for name in names]
    known = [each for each in ranks if each is not None]
    rank = max(known) if len(known) == len(ranks) else None
    if len(names) > 1:
        return Result(entry, TWO, rank, None, None, seconds, suspects, alerts, as_text(found))
    path = _is_path_right(found, entry.fault, rank) if rank else None
    after = _found_after(query, entry) if rank == 1 else None
    group = ALL[entry.fault].group
    return Result(entry, group, rank, path, after, seconds, suspects, alerts, as_text(found))


def _diagnosis(query: Query, entry: Entry, end: int) -> Diagnosis:
    return diagnose(Windows(query, entry.base, entry.start, end))


def _found_after(query: Query, entry: Entry) -> float:
    for moment in MOMENTS:
        end = entry.start + moment * 10**9
        if end >= entry.end:
            break
        if _rank(_diagnosis(query, entry, end), entry.fault) == 1:
            return float(moment)
    return round((entry.end - entry.start) / 1e9, 1)


def _rank(found: Diagnosis, name: str) -> int | None:
    expected = ALL[name].expected
    return next((n for n, each in enumerate(found.suspects, 1) if _is(each, expected)), None)


def _is_path_right(found: Diagnosis, name: str, rank: int) -> bool | None:
    symptom = ALL[name].symptom
    if not symptom:
        return None
    true, kinds = found.suspects[rank - 1], _SYMPTOMS[symptom]
    seen = [o for s in found.suspects for o in (s, *s.explains) if o.cause in kinds]
    beneath = [o for o in true.explains if o.cause in kinds and causal_path(true, o)]
    return bool(beneath) if seen else None


def _is(suspect: Suspect, expected: Sequence[str]) -> bool:
    """`cause` or `cause:word of the subject`."""
    for each in expected:
        cause, _, word = each.partition(":")
        if suspect.cause == cause and word.replace("_", " ") in suspect.subject.replace("_", " "):
            return True
    return False
