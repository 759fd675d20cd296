"""What is known about causes: how close to the root they are, and which others they explain.

A table rather than rules in code: a reader checks it line by line. `explains` is direct; what those
explain is explained, too, if they were seen.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Cause:
    """A kind of cause. `weight` in [0, 1]: how close to a root it is."""

    group: str
    weight: float
    sentence: str
    """`{}` is the subject."""
    explains: Collection[str] = ()
    outside: bool = False
    """Whether a caller, or a dependency outside of the service, is to blame."""


_SLOW = ("stage_slow", "slow")
_RANKING = ("leg_changed", "relevance_changed", "answers_empty", "score_changed")
_BUSY = (
    "event_loop_lag", "process_paused", "cpu_contention", "storage_slow", "dependency_slow",
    "dependency_failing", "degraded", "rejected", "errors", "places_taken", "traffic_fell",
    "cache_ineffective", *_SLOW,
)  # fmt: skip
CAUSES: Mapping[str, Cause] = {
    "settings_changed": Cause(
        "deploy", 1.0, "The service was started with other settings: {}.",
        ("model_changed", "dependency_failing", "dependency_slow", "cache_ineffective",
         "rejected", "errors", "degraded", "cpu_contention", "process_paused", "event_loop_lag",
         "traffic_fell", "telemetry_lost", "places_taken", *_SLOW, *_RANKING),
    ),
    "version_changed": Cause(
        "deploy", 0.98, "Another version of the service was started: {}.",
        ("errors", "degraded", "storage_failing", *_SLOW, *_RANKING),
    ),
    "model_changed": Cause(
        "deploy", 0.9, "Another ranking model serves: {}.",
        ("score_changed", "model_failing", "cache_ineffective", *_SLOW, *_RANKING),
    ),
    "model_refused": Cause(
        "model", 0.97, "A version of the ranking model can't be used: {}.",
        ("model_changed", "model_failing", "model_reloading", "degraded", *_RANKING, *_SLOW),
    ),
    "model_failing": Cause(
        "model", 0.85, "The ranking model fails: {}.", ("degraded", "errors",
         "places_taken", *_SLOW, *_RANKING)
    ),
    "model_reloading": Cause(
        "model", 0.8, "The ranking model is loaded again and again.", _SLOW
    ),
    "resource_exhausted": Cause(
        "resource", 0.98, "The service is at its limit of {}.",
        ("dependency_failing", "dependency_slow", "storage_failing", "errors", "model_refused",
         "degraded", "rejected", "traffic_fell", "telemetry_lost", "places_taken",
         "cache_ineffective", *_SLOW),
    ),
    "dependency_empty": Cause(
        "dependency", 0.95, "{} answers 200, but finds nothing: is the query sent as it expects?",
        ("dependency_failing", "degraded", *_RANKING, "cache_ineffective", *_SLOW),
    ),
    "dependency_failing": Cause(
        "dependency", 0.9, "Calls to a dependency fail: {}.",
        ("dependency_slow", "degraded", "errors", "cache_ineffective", *_RANKING,
         "places_taken", *_SLOW),
        outside=True,
    ),
    "dependency_slow": Cause(
        "dependency", 0.85, "A dependency answers slowly: {}.",
        ("degraded", "cache_ineffective", *_RANKING, "places_taken", *_SLOW), outside=True,
    ),
    "storage_failing": Cause(
        "storage", 0.93, "The database refuses statements: {}.",
        ("errors", "degraded", "storage_slow", *_RANKING, *_SLOW),
    ),
    "lock_wait": Cause(
        "storage", 0.9, "Writes wait for another writer of the {}.",
        ("storage_failing", "storage_slow", "errors", "places_taken", *_SLOW),
    ),
    "storage_slow": Cause("storage", 0.6, "A statement became slow: {}.", _SLOW),
    "statement_slow": Cause(
        "storage", 0.92, "Most of the time is spent in statements that became slow: {}.", _BUSY
    ),
    "code_slow": Cause("code", 0.91, "“{}” became slow, and takes most of the time.", _BUSY),
    "catalogue_changed": Cause(
        "data", 0.92, "The catalogue changed: {}.",
        ("words_lost", "vocabulary_drift", "cache_ineffective", "storage_slow", *_RANKING, *_SLOW),
    ),
    "words_lost": Cause(
        "storage", 0.9, "The full-text index has lost words that it knew.",
        ("vocabulary_drift", "cache_ineffective", *_RANKING, *_SLOW),
    ),
    "leg_changed": Cause(
        "data", 0.6, "Retrieval by “{}” contributes differently to the first result: check its "
        "index and vectors.", ("relevance_changed", "score_changed", "answers_empty"),
    ),
    "process_paused": Cause(
        "resource", 0.88, "The process stands still for moments{}.",
        ("event_loop_lag", "dependency_slow", "dependency_failing", "degraded", "lock_wait",
         "storage_slow", "rejected", "traffic_fell", "telemetry_lost", "cache_ineffective",
         "places_taken", *_SLOW),
    ),
    "cpu_contention": Cause(
        "resource", 0.87, "The service waits for a CPU: other processes use it.",
        ("process_paused", "event_loop_lag", "dependency_slow", "dependency_failing", "degraded",
         "lock_wait", "storage_slow", "rejected", "traffic_fell", "telemetry_lost",
         "places_taken", *_SLOW),
    ),
    "event_loop_lag": Cause(
        "resource", 0.8, "The event loop is blocked: something in it computes or waits.",
        ("dependency_slow", "dependency_failing", "degraded", "rejected", "storage_slow",
         "places_taken", "cache_ineffective", "traffic_fell", *_SLOW),
    ),
    "memory_growing": Cause("resource", 0.8, "Memory grows: {}.", ("process_paused", *_SLOW)),
    "hot_client": Cause(
        "traffic", 0.93, "One client sends most of the requests: {}.",
        ("traffic_grew", "rejected", "client_errors", "cpu_contention", "event_loop_lag",
         "cache_ineffective", "query_length", "vocabulary_drift", *_RANKING,
         "places_taken", *_SLOW),
        outside=True,
    ),
    "traffic_grew": Cause(
        "traffic", 0.75, "More requests arrive: {}.",
        ("rejected", "cpu_contention", "event_loop_lag", "process_paused", "dependency_slow",
         "places_taken", *_SLOW), outside=True,
    ),
    "query_length": Cause(
        "traffic", 0.88, "Queries became much longer.",
        ("cache_ineffective", "vocabulary_drift", "dependency_empty", *_RANKING, *_SLOW),
        outside=True,
    ),
    "vocabulary_drift": Cause(
        "traffic", 0.87, "Queries use words that no document has.",
        ("cache_ineffective", "dependency_empty", "degraded", *_RANKING, *_SLOW), outside=True,
    ),
    "client_errors": Cause(
        "traffic", 0.82, "Callers send requests that are refused: {}.",
        ("traffic_grew", *_SLOW), outside=True,
    ),
    "traffic_fell": Cause(
        "traffic", 0.7, "Far fewer requests arrive: {}.", ("cache_ineffective",), outside=True
    ),
    "telemetry_lost": Cause(
        "telemetry", 0.9, "Telemetry is lost or late: {}.", ("traffic_fell",)
    ),
    "clock_skew": Cause(
        "telemetry", 0.9, "The clock of the service has moved: {}.",
        ("telemetry_lost", "traffic_fell"),
    ),
    "cache_ineffective": Cause(
        "symptom", 0.5, "Repeated queries are no longer answered from the cache.", _SLOW
    ),
    "places_taken": Cause(
        "symptom", 0.45, "All places are taken: {}.",
        ("rejected", "degraded", "traffic_fell", *_SLOW),
    ),
    "rejected": Cause("symptom", 0.4, "Requests are refused by a limit: {}.", ()),
    "answers_empty": Cause("symptom", 0.4, "Answers are empty.", ()),
    "relevance_changed": Cause("symptom", 0.35, "First results are less relevant.", ()),
    "score_changed": Cause("symptom", 0.35, "The scores of first results changed.", ()),
    "errors": Cause("symptom", 0.4, "Requests fail: {}.", ()),
    "degraded": Cause("symptom", 0.35, "Answers are degraded: {} is missing.", ()),
    "stage_slow": Cause("symptom", 0.35, "“{}” takes longer.", ("slow",)),
    "slow": Cause("symptom", 0.3, "Requests take longer.", ()),
}  # fmt: skip


@lru_cache
def path(cause: str, symptom: str, seen: frozenset[str]) -> Sequence[str]:
    """The shortest path from a cause to what it explains, through what was seen; else empty."""
    waiting: list[tuple[str, ...]] = [(cause,)]
    known = {cause}
    while waiting:
        trail = waiting.pop(0)
        for each in CAUSES[trail[-1]].explains:
            if each == symptom:
                return (*trail, each)
            if each in seen and each not in known:
                known.add(each)
                waiting.append((*trail, each))
    return ()
