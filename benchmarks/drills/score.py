"""Diagnose every drill of a ledger, and compare with the truth."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.drills.switched import ALL
from observatory.compare.remote import remote_query
from observatory.diagnose.diagnosis import Diagnosis, causal_path, diagnose
from observatory.diagnose.suspect import Suspect
from observatory.diagnose.windows import Windows


@dataclass(frozen=True, slots=True)
class Result:
    """A scored drill. `rank` counts roots; those beneath a root have no rank."""

    fault: str
    group: str
    rank: int | None
    path: bool | None
    """Whether the symptom is beneath the true cause; None if no symptom was seen."""
    seconds: float
    said: Sequence[str]
    failure: str


def score(ledger: Path, clickhouse: str) -> list[Result]:
    """The results of all drills in the ledger, over the ClickHouse interface at this URL."""
    with httpx.Client(base_url=clickhouse, timeout=120, trust_env=False) as client:
        query = remote_query(client)
        return [
            _scored(json.loads(line), Diagnosing(query)) for line in ledger.read_text().splitlines()
        ]


@dataclass(frozen=True, slots=True)
class Diagnosing:
    """Diagnoses the windows of a line of the ledger."""

    query: Any

    def __call__(self, entry: dict[str, Any]) -> Diagnosis:
        """The diagnosis."""
        times = (entry["base"], entry["start"], entry["end"])
        return diagnose(Windows(self.query, *times))


def _scored(entry: dict[str, Any], diagnosing: Diagnosing) -> Result:
    began = time.monotonic()
    suspects = diagnosing(entry).suspects
    seconds = time.monotonic() - began
    said = [each.key + "".join(f" >{other.key}" for other in each.explains) for each in suspects]
    if entry["fault"] == "clean":
        return Result("clean", "clean", None if suspects else 1, None, seconds, said, "")
    fault = ALL[entry["fault"]]
    rank = next((n for n, s in enumerate(suspects, 1) if _is(s, fault.expected)), None)
    right = None
    if rank and fault.symptom:
        true, kinds = suspects[rank - 1], _SYMPTOMS[fault.symptom]
        seen = [o for s in suspects for o in (s, *s.explains) if o.cause in kinds]
        beneath = [o for o in true.explains if o.cause in kinds and causal_path(true, o)]
        right = bool(beneath) if seen else None
    return Result(fault.name, fault.group, rank, right, seconds, said, entry["failure"])


_SYMPTOMS = {
    "degraded": ("degraded",),
    "slow": ("slow", "stage_slow"),
    "errors": ("errors", "degraded"),
    "relevance": ("relevance_changed", "score_changed", "answers_empty", "leg_changed"),
    "rejected": ("rejected",),
}


def _is(suspect: Suspect, expected: Sequence[str]) -> bool:
    """`cause` or `cause:word of the subject`."""
    for each in expected:
        cause, _, word = each.partition(":")
        if suspect.cause == cause and word.replace("_", " ") in suspect.subject.replace("_", " "):
            return True
    return False
