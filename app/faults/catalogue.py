"""The faults: name, class, effect, and the default of their `delay`."""

from dataclasses import dataclass
from typing import Literal

FaultClass = Literal["dependency", "storage", "model", "data", "resource", "telemetry", "deploy"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `delay`: default of its parameter in seconds; None: it has no such parameter.

    `needs`: the setting without which it has no effect; empty: none.
    """

    name: str
    kind: FaultClass
    effect: str
    delay: float | None = None
    needs: str = ""


WIKIPEDIA = "VITRINE_WIKIPEDIA__ENABLED=true"
FAULTS = {
    each.name: each
    for each in (
        Fault("wikipedia-slow", "dependency", "Wikipedia responds after `delay`", 1.0, WIKIPEDIA),
        Fault("wikipedia-hangs", "dependency", "Wikipedia accepts calls and never responds",
              None, WIKIPEDIA),
        Fault("wikipedia-429", "dependency",
              "Wikipedia responds 429 with `delay` as Retry-After", 10.0, WIKIPEDIA),
        Fault("wikipedia-500", "dependency", "Wikipedia responds 500", None, WIKIPEDIA),
        Fault("wikipedia-malformed", "dependency", "Wikipedia responds 200 with HTML",
              None, WIKIPEDIA),
        Fault("wikipedia-empty", "dependency",
              "the query is sent wrongly: Wikipedia responds 200 without pages", None, WIKIPEDIA),
        Fault("wikipedia-dns", "dependency", "Wikipedia's name can't be resolved",
              None, WIKIPEDIA),
        Fault("wikipedia-refused", "dependency", "Wikipedia's port refuses connections",
              None, WIKIPEDIA),
        Fault("sqlite-slow", "storage", "every statement of a request takes `delay` longer",
              0.05),
        Fault("sqlite-locked", "storage",
              "another process holds the write lock of both databases"),
        Fault("missing-index", "storage",
              "the statement that reads the results scans the table for `delay`", 0.1),
        Fault("full-text-truncated", "storage",
              "the full-text index contains a tenth of the passages"),
        Fault("sqlite-read-only", "storage", "both databases refuse writes"),
        Fault("model-slow", "model", "scoring takes `delay` longer", 0.2),
        Fault("model-reloaded", "model", "the embedding model is loaded again for every score"),
        Fault("model-raises", "model",
              "scoring fails if the best words match in the largest category"),
        Fault("model-nan", "model", "the model's weights are not numbers"),
        Fault("model-wrong-version", "model", "an old version with other weights ranks"),
        Fault("model-negated", "model", "the worst candidates are ranked first"),
        Fault("embeddings-stale", "data",
              "queries are embedded by another model than the documents"),
        Fault("cache-off", "data", "the cache of answers never hits"),
        Fault("cache-stampede", "data", "all cached answers expire every `delay`", 1.0),
        Fault("loop-blocked", "resource", "a handler blocks the event loop for `delay` at a time",
              0.3),
        Fault("cpu-hog", "resource", "other work competes for every CPU"),
        Fault("memory-leak", "resource", "10 MiB more every `delay`, up to 256 MiB", 0.5),
        Fault("threads-exhausted", "resource", "all worker threads are busy"),
        Fault("files-exhausted", "resource", "no further file or socket can be opened"),
        Fault("collector-down", "telemetry", "the collector refuses everything"),
        Fault("collector-slow", "telemetry", "an export takes `delay` longer", 2.0),
        Fault("clock-skew", "telemetry", "the wall clock is `delay` ahead", 300.0),
        Fault("weights-changed", "deploy",
              "a deployment changes the weights of the model, not its version"),
    )
}  # fmt: skip
"""By name. Faults of traffic are profiles of `make traffic`."""
