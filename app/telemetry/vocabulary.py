"""Every name of our own that a signal may carry, declared once: what it means and what bounds it.

Names of the semantic conventions come from their package, and are not declared again. A test looks
at everything the other tests make the service emit, and fails on a name that is in neither, on
another type, and on a value out of bounds. `docs/telemetry.md` is made from here.
"""

from app.catalogue.journal import Kind
from app.catalogue.store import Written
from app.recommend.stages import STAGES
from app.recommend.topic_signal import Outcome
from app.telemetry.naming import Attribute, Event, Metric

SCOPE = "vitrine"
"""Instrumentation scope of everything that is ours."""
LENGTHS = ("1-20", "21-50", "51-100", "101-200", "201-500", "501+")
TENTHS = tuple(f"{low / 10:.1f}-{(low + 1) / 10:.1f}" for low in range(10))
RANKS = ("1", "2-3", "4-10", "11+")
PARTS = ("topic_signal", "ranking_model")
PROBLEMS = (
    "body-timeout", "broken-off", "disk-full", "head-timeout", "head-too-large", "internal",
    "invalid-input", "malformed", "media-type", "method-not-allowed", "misdirected",
    "not-acceptable", "not-found", "overloaded", "rate-limited", "storage-busy",
    "storage-corrupt", "storage-failed", "storage-read-only", "storage-schema",
    "storage-unavailable", "too-large", "unauthorized", "writing-off", "other",
)  # fmt: skip
QUICK = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
)  # fmt: skip
"""Seconds: an answer takes 0.3 ms to 3 ms, and 300 ms when Wikipedia keeps it waiting."""
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
HEX = "[0-9a-f]{16}"

# The question
TERM_COUNT = Attribute("vitrine.query.term_count", "int", "terms that are looked up")
LENGTH_BUCKET = Attribute(
    "vitrine.query.length_bucket", "string", "characters of the query", LENGTHS
)
OOV_RATIO = Attribute(
    "vitrine.query.oov_ratio", "double", "share of the terms that occur in no document, in [0, 1]"
)
CORRECTED = Attribute("vitrine.query.corrected", "int", "words that were read as others")
QUERY_TEXT = Attribute(
    "vitrine.query.text", "string", "what was typed; with VITRINE_TELEMETRY__QUERY_TEXT=plain only"
)
INPUT_HASH = Attribute(
    "vitrine.input.hash",
    "string",
    "stands for the input: the same in one worker, everywhere with a key",
    form=HEX,
)

# The answer
CANDIDATES = Attribute("vitrine.candidate.count", "int", "documents that were scored")
RESULTS = Attribute("vitrine.result.count", "int", "documents that were recommended")
MODEL_NAME = Attribute("vitrine.model.name", "string", "the ranking model")
MODEL_VERSION = Attribute("vitrine.model.version", "string", "its version")
SCORE_TOP = Attribute("vitrine.score.top", "double", "score of the first result, in [0, 1]")
SCORE_MARGIN = Attribute("vitrine.score.margin", "double", "how far the second is behind it")
SCORE_BUCKET = Attribute("vitrine.score.bucket", "string", "the first result's score", TENTHS)
DEGRADED = Attribute("vitrine.ranking.degraded", "boolean", "whether a part of it was missing")
MISSING = Attribute("vitrine.ranking.missing", "string[]", "the parts that were missing", PARTS)
RECOMMENDATION_ID = Attribute(
    "vitrine.recommendation.id", "string", "as in the response", form="[0-9a-f]{32}"
)
TOPIC_OUTCOME = Attribute(
    "vitrine.topic_signal.outcome", "string", "how asking Wikipedia went", tuple(Outcome)
)
TOPIC_PAGES = Attribute("vitrine.topic_signal.pages", "int", "pages it found")
CACHE = Attribute("vitrine.cache.name", "string", "which cache", ("answers", "topic_signal"))
CACHE_OUTCOME = Attribute("vitrine.cache.outcome", "string", "whether it knew", ("hit", "miss"))
STAGE = Attribute("vitrine.stage", "string", "the part of the work", STAGES)

# Feedback and documents
FEEDBACK_KIND = Attribute("vitrine.feedback.kind", "string", "what was done", tuple(Kind))
RANK_BUCKET = Attribute("vitrine.feedback.rank_bucket", "string", "where it stood", RANKS)
REPEATED = Attribute("vitrine.feedback.repeated", "boolean", "whether it had been told before")
BATCH_SIZE = Attribute("vitrine.batch.size", "int", "rows written together")
DOCUMENT_OUTCOME = Attribute(
    "vitrine.document.outcome", "string", "what became of a row", (*Written, "rejected")
)
OUTCOME_COUNTS = {
    each: Attribute(f"vitrine.batch.{each}", "int", f"rows that were {each}")
    for each in DOCUMENT_OUTCOME.values
}

# Requests
PROBLEM = Attribute("vitrine.problem", "string", "kind of the problem in the response", PROBLEMS)
DURATION = Attribute("vitrine.request.duration", "double", "seconds until the response was sent")
DEBUG = Attribute(
    "vitrine.debug", "boolean", "asked for by the header `vitrine-debug: 1`: the trace is kept"
)
BROKEN_OFF = Attribute(
    "vitrine.request.broken_off", "boolean", "the response did not get to its end"
)
STAGE_DURATIONS = {
    each: Attribute(f"vitrine.duration.{each.replace(' ', '_')}", "double", f"seconds: {each}")
    for each in STAGES
}

# Span events
CACHE_MISS = Event("cache_miss", "nothing was kept for this request")
FALLBACK_INVOKED = Event("fallback_model_invoked", "the ranking model failed, fusion ranked")
SCHEMA_FAILED = Event("schema_validation_failed", "the input was not valid (422)")
RETRY = Event("retry_started", "Wikipedia's search is asked again")
CIRCUIT = Event("circuit_opened", "Wikipedia's search is not asked for a while")
OCCURRENCE = Attribute("vitrine.occurrence", "string", "what happened", (RETRY, CIRCUIT))

# Log records
SERVED = Event("recommendation.served", "one recommendation, with everything about it")
ANSWERED = Event("request.answered", "any other request")

# Metrics
RECOMMEND_DURATION = Metric(
    "vitrine.recommend.duration", "histogram", "s", "making one recommendation",
    (DEGRADED, "error.type"), QUICK,
)  # fmt: skip
STAGE_DURATION = Metric(
    "vitrine.stage.duration", "histogram", "s", "one stage", (STAGE, "error.type"), QUICK
)
RECOMMENDATIONS = Metric(
    "vitrine.recommendations", "counter", "{recommendation}", "recommendations served",
    (MODEL_NAME, MODEL_VERSION, DEGRADED),
)  # fmt: skip
TOPIC_REQUESTS = Metric(
    "vitrine.topic_signal.requests", "counter", "{request}", "how asking for the topic signal went",
    (TOPIC_OUTCOME, "error.type"),
)  # fmt: skip
CACHE_REQUESTS = Metric(
    "vitrine.cache.requests", "counter", "{request}", "lookups", (CACHE, CACHE_OUTCOME)
)
QUERY_OOV = Metric(
    "vitrine.query.oov_ratio", "histogram", "1", "share of unknown terms", (), SHARES
)
TOP_SCORE = Metric(
    "vitrine.score.top", "histogram", "1", "score of the first result",
    (MODEL_NAME, MODEL_VERSION), SHARES,
)  # fmt: skip
FEEDBACK = Metric(
    "vitrine.feedback", "counter", "{feedback}", "feedback, each told once",
    (FEEDBACK_KIND, RANK_BUCKET, MODEL_NAME, MODEL_VERSION), after="feedback",
)  # fmt: skip
BATCHES = Metric(
    "vitrine.batch.sizes", "histogram", "{row}", "rows written together", (), SIZES, after="a write"
)
DOCUMENTS_WRITTEN = Metric(
    "vitrine.documents.written", "counter", "{document}", "rows imported", (DOCUMENT_OUTCOME,),
    after="a write",
)  # fmt: skip
PROBLEM_COUNT = Metric(
    "vitrine.problems", "counter", "{problem}", "requests that were answered with a problem",
    (PROBLEM, "http.response.status_code"), after="a problem",
)  # fmt: skip
OCCURRENCES = Metric(
    "vitrine.occurrences", "counter", "{occurrence}", "retries, and openings of the circuit",
    (OCCURRENCE,), after="a retry",
)  # fmt: skip
CATALOGUE_SIZE = Metric(
    "vitrine.catalogue.documents", "gauge", "{document}", "documents that can be recommended"
)
MODEL_AGE = Metric(
    "vitrine.model.age", "gauge", "s", "since the ranking model was trained",
    (MODEL_NAME, MODEL_VERSION), after="training",
)  # fmt: skip
ACTIVE_REQUESTS = Metric("vitrine.requests.active", "gauge", "{request}", "requests under way")
JOURNAL_DROPPED = Metric(
    "vitrine.journal.dropped", "counter", "{recommendation}", "recommendations not remembered"
)
SIGNAL = Attribute("vitrine.signal", "string", "kind of telemetry", ("traces", "metrics", "logs"))
LOST = Metric(
    "vitrine.telemetry.lost", "counter", "{item}",
    "spans and records, or requests with metrics, that the collector did not take", (SIGNAL,),
)  # fmt: skip
LOOP_LAG = Metric(
    "vitrine.event_loop.lag", "histogram", "s", "how late a timer of the event loop fires",
    (), QUICK,
)  # fmt: skip

# The libraries' metrics that are kept, by names of the conventions, with buckets that fit
HTTP = ("http.request.method", "http.response.status_code", "error.type")
SERVER_DURATION = Metric(
    "http.server.request.duration", "histogram", "s", "answering a request",
    ("http.route", *HTTP, "url.scheme", "network.protocol.version"), QUICK,
)  # fmt: skip
CLIENT_DURATION = Metric(
    "http.client.request.duration", "histogram", "s", "a call to Wikipedia that was answered",
    (*HTTP, "server.address", "server.port", "network.protocol.version"), QUICK, after="a call",
)  # fmt: skip
DATABASE_DURATION = Metric(
    "db.client.operation.duration", "histogram", "s", "a statement that is part of a request",
    ("db.system.name", "db.operation.name", "error.type"), QUICK,
)  # fmt: skip
OF_LIBRARIES = {str(each): each for each in (SERVER_DURATION, CLIENT_DURATION, DATABASE_DURATION)}

ATTRIBUTES = {str(each): each for each in tuple(globals().values()) if isinstance(each, Attribute)}
ATTRIBUTES |= {str(each): each for each in (*OUTCOME_COUNTS.values(), *STAGE_DURATIONS.values())}
EVENTS = {str(each): each for each in tuple(globals().values()) if isinstance(each, Event)}
METRICS = {str(each): each for each in tuple(globals().values()) if isinstance(each, Metric)}
