"""The `StageObserver` protocol: the seam for telemetry, without a dependency on OpenTelemetry.

    with stages.observe(ANALYZE) as stage:
        query = stage.result = analyze(text)

An observer gets the stage's name, duration, typed result and failure: the exception that leaves the
block, or the `failure` of a result that recovered from it. It does not change the behaviour: an
exception in the block is passed on to the caller.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

RECOMMEND = "recommend"
"""The complete recommendation; ANALYZE to RANK are parts of it."""
RECOMMEND_BATCH = "recommend batch"
"""All items of a batch; they are encoded together, and answered one by one."""
ENCODE_QUERIES = "encode queries"
ANSWER_ITEM = "answer item"
RUN_BATCH = "run batch"
"""A run over a file of queries; PROCESS_CHUNK are its parts."""
PROCESS_CHUNK = "process chunk"
ANALYZE = "analyze query"
RETRIEVE = "retrieve candidates"
FETCH_TOPIC = "fetch topic signal"
SCORE = "score candidates"
RANK = "rank candidates"
FEEDBACK = "keep feedback"
WRITE = "write documents"
LOAD_MODEL = "load model"
PROMOTE = "promote model"
ROLL_BACK = "roll back model"
DISTILL = "distill encoder"
EMBED_SAMPLE = "embed training texts"
AWAIT_LOCK = "await write lock"
"""The wait for other writers before a transaction; TRANSACTION is its work, with the commit."""
TRANSACTION = "write transaction"
FLUSH = "flush journal"
REFRESH = "refresh index"
COMPARE_SHADOW = "compare shadow model"
COMPARE_STUDENT = "compare student encoder"
EVALUATE_DRIFT = "evaluate drift"
ESTIMATE_ONLINE = "estimate online metric"
STAGES = (
    RECOMMEND_BATCH, ENCODE_QUERIES, ANSWER_ITEM, RUN_BATCH, PROCESS_CHUNK,
    RECOMMEND, ANALYZE, RETRIEVE, FETCH_TOPIC, SCORE, RANK, FEEDBACK, WRITE,
    LOAD_MODEL, PROMOTE, ROLL_BACK, AWAIT_LOCK, TRANSACTION, FLUSH, REFRESH,
    COMPARE_SHADOW, COMPARE_STUDENT, EVALUATE_DRIFT, ESTIMATE_ONLINE,
    DISTILL, EMBED_SAMPLE,
)  # fmt: skip

RETRY_STARTED, CIRCUIT_OPENED, FOUND_NOTHING = "retry_started", "circuit_opened", "found_nothing"
MODEL_PROMOTED, MODEL_ROLLED_BACK = "model_promoted", "model_rolled_back"
MODEL_REFUSED = "model_refused"
DRIFT_STARTED, DRIFT_ENDED = "drift_started", "drift_ended"
OCCURRENCES = (
    RETRY_STARTED, CIRCUIT_OPENED, FOUND_NOTHING, MODEL_PROMOTED, MODEL_ROLLED_BACK,
    MODEL_REFUSED, DRIFT_STARTED, DRIFT_ENDED,
)  # fmt: skip


class Stage(Protocol):
    """An observed stage; the block assigns its outcome to `result`."""

    result: Any


class StageObserver(Protocol):
    """Observes stages."""

    def observe(self, name: str, subject: object = None) -> AbstractContextManager[Stage]:
        """Observe a block. `name` is one of STAGES, `subject` is the block's input."""

    def note(self, occurrence: str, cause: BaseException | None = None) -> None:
        """Report an event (one of OCCURRENCES) in the current stage, and the failure behind it."""


class _Unseen:
    __slots__ = ("result",)

    def __init__(self) -> None:
        self.result: Any = None


class Unobserved:
    """Null implementation of `StageObserver`."""

    def observe(self, *_: object) -> AbstractContextManager[Stage]:
        return nullcontext(_Unseen())

    def note(self, occurrence: str, cause: BaseException | None = None) -> None:
        """Do nothing."""
