"""Every name of our own that a signal may carry, declared once: what it means and what bounds it.

Names of the semantic conventions come from their package and are not declared again. The kit's own
names (`CORE`) stand below the same prefix. A test looks at everything the other tests make the
service emit, and fails on a name that is declared nowhere, on another type, and on a value out of
bounds. `docs/telemetry.md` is generated from here.
"""

from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE

from app.catalogue.feedback_journal import Kind
from app.catalogue.store import Written
from app.recommend.stages import ANALYZE, FETCH_TOPIC, RANK, RETRIEVE, SCORE, STAGES, WRITE
from app.recommend.topic_signal import Outcome
from app.telemetry.kit.vocabulary import (
    FAILED,
    OPT_IN,
    SECONDS,
    Attribute,
    CoreNames,
    Event,
    Metric,
    Span,
    Vocabulary,
    required,
)

SCOPE = "vitrine"
"""The service's name, its instrumentation scope, and the prefix of every name of our own."""
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
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

RETRY = Event("retry_started", "Wikipedia's search is asked again")
CIRCUIT = Event("circuit_opened", "Wikipedia's search is not asked for a while", warns=True)

# The question
TERM_COUNT = Attribute("vitrine.query.term_count", "int", "terms that are looked up", examples=[2])
LENGTH_BUCKET = Attribute(
    "vitrine.query.length_bucket", "string", "characters of the query", LENGTHS
)
OOV_RATIO = Attribute(
    "vitrine.query.oov_ratio",
    "double",
    "share of the terms that occur in no document, in [0, 1]",
    examples=[0.5],
)
CORRECTED = Attribute(
    "vitrine.query.corrected", "int", "words that were read as others", examples=[0]
)
QUERY_TEXT = Attribute(
    "vitrine.query.text",
    "string",
    "what was typed; with VITRINE_TELEMETRY__QUERY_TEXT=plain only",
    examples=["stale bread"],
)

# The answer
CANDIDATES = Attribute(
    "vitrine.candidate.count", "int", "documents that were scored", examples=[40]
)
RESULTS = Attribute("vitrine.result.count", "int", "documents that were recommended", examples=[5])
MODEL_NAME = Attribute("vitrine.model.name", "string", "the ranking model", examples=["fusion"])
MODEL_VERSION = Attribute("vitrine.model.version", "string", "its version", examples=["1"])
SCORE_TOP = Attribute(
    "vitrine.score.top", "double", "score of the first result, in [0, 1]", examples=[0.8312]
)
SCORE_MARGIN = Attribute(
    "vitrine.score.margin", "double", "how far the second is behind it", examples=[0.0421]
)
SCORE_BUCKET = Attribute("vitrine.score.bucket", "string", "the first result's score", TENTHS)
DEGRADED = Attribute("vitrine.ranking.degraded", "boolean", "whether a part of it was missing")
MISSING = Attribute("vitrine.ranking.missing", "string[]", "the parts that were missing", PARTS)
RECOMMENDATION_ID = Attribute(
    "vitrine.recommendation.id",
    "string",
    "as in the response",
    form="[0-9a-f]{32}",
    examples=["0f8e1c5b7a9d4e6f8a1b2c3d4e5f6071"],
)
TOPIC_OUTCOME = Attribute(
    "vitrine.topic_signal.outcome", "string", "how asking Wikipedia went", tuple(Outcome)
)
TOPIC_PAGES = Attribute("vitrine.topic_signal.pages", "int", "pages it found", examples=[5])
CACHE = Attribute("vitrine.cache.name", "string", "which cache", ("answers", "topic_signal"))
CACHE_OUTCOME = Attribute("vitrine.cache.outcome", "string", "whether it knew", ("hit", "miss"))

# Feedback and documents
FEEDBACK_KIND = Attribute("vitrine.feedback.kind", "string", "what was done", tuple(Kind))
RANK_BUCKET = Attribute("vitrine.feedback.rank_bucket", "string", "where it stood", RANKS)
REPEATED = Attribute("vitrine.feedback.repeated", "boolean", "whether it was known already")
BATCH_SIZE = Attribute("vitrine.batch.size", "int", "rows written together", examples=[100])
DOCUMENT_OUTCOME = Attribute(
    "vitrine.document.outcome", "string", "what became of a row", (*Written, "rejected")
)
OUTCOME_COUNTS = {
    each: Attribute(f"vitrine.batch.{each}", "int", f"rows that were {each}", examples=[12])
    for each in DOCUMENT_OUTCOME.values
}

# Events
CACHE_MISS = Event("cache_miss", "nothing was kept for this request")
FALLBACK_INVOKED = Event("fallback_model_invoked", "the ranking model failed, fusion ranked")
SERVED = Event(
    "recommendation.served", "one recommendation, with everything known about it", wide=True
)

# Spans
ANALYZED = Span(
    ANALYZE, "internal", "reading the question",
    {
        **required(TERM_COUNT, LENGTH_BUCKET, OOV_RATIO, CORRECTED, ERROR_TYPE),
        QUERY_TEXT: OPT_IN,
    },
)  # fmt: skip
RETRIEVED = Span(RETRIEVE, "internal", "finding candidates", required(CANDIDATES, ERROR_TYPE))
ASKED = Span(
    FETCH_TOPIC, "internal", "asking Wikipedia", required(TOPIC_OUTCOME, TOPIC_PAGES, ERROR_TYPE)
)
SCORED = Span(
    SCORE, "internal", "scoring candidates", required(MODEL_NAME, MODEL_VERSION, ERROR_TYPE)
)
RANKED = Span(
    RANK, "internal", "choosing the results",
    {
        **required(RESULTS, ERROR_TYPE),
        **dict.fromkeys((SCORE_TOP, SCORE_BUCKET), "If there is a result."),
        SCORE_MARGIN: "If there are two results.",
    },
)  # fmt: skip
WRITTEN = Span(
    WRITE, "internal", "writing a batch of documents",
    {
        **required(BATCH_SIZE, ERROR_TYPE),
        **dict.fromkeys(OUTCOME_COUNTS.values(), "If there are such rows."),
    },
)  # fmt: skip
CORE = CoreNames(
    SCOPE, stages=STAGES, occurrences=(RETRY, CIRCUIT), problems=PROBLEMS, degraded=DEGRADED,
    request={
        **dict.fromkeys((MODEL_NAME, MODEL_VERSION), "If it recommends, or takes feedback."),
        RECOMMENDATION_ID: "If it recommends, or takes feedback.",
        DEGRADED: "If it recommends.",
        MISSING: "If a part was missing.",
        CACHE_OUTCOME: "If a person typed a query.",
        **dict.fromkeys((FEEDBACK_KIND, RANK_BUCKET, REPEATED), "If it takes feedback."),
    },
)  # fmt: skip

# Metrics
RECOMMEND_DURATION = Metric(
    "vitrine.recommend.duration", "histogram", "s", "making one recommendation",
    {DEGRADED: "If one was made.", ERROR_TYPE: FAILED}, SECONDS,
)  # fmt: skip
RECOMMENDATIONS = Metric(
    "vitrine.recommendations", "counter", "{recommendation}", "recommendations served",
    (MODEL_NAME, MODEL_VERSION, DEGRADED),
)  # fmt: skip
TOPIC_REQUESTS = Metric(
    "vitrine.topic_signal.requests", "counter", "{request}", "how asking for the topic signal went",
    (TOPIC_OUTCOME, ERROR_TYPE),
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
    "vitrine.feedback", "counter", "{feedback}", "feedback, each counted once",
    (FEEDBACK_KIND, RANK_BUCKET, MODEL_NAME, MODEL_VERSION), after="feedback",
)  # fmt: skip
BATCHES = Metric(
    "vitrine.batch.sizes", "histogram", "{row}", "rows written together", (), SIZES, after="a write"
)
DOCUMENTS_WRITTEN = Metric(
    "vitrine.documents.written", "counter", "{document}", "rows imported", (DOCUMENT_OUTCOME,),
    after="a write",
)  # fmt: skip
CATALOGUE_SIZE = Metric(
    "vitrine.catalogue.documents", "gauge", "{document}", "documents that can be recommended"
)
MODEL_AGE = Metric(
    "vitrine.model.age", "gauge", "s", "since the ranking model was trained",
    (MODEL_NAME, MODEL_VERSION), after="training",
)  # fmt: skip
JOURNAL_DROPPED = Metric(
    "vitrine.journal.dropped", "counter", "{recommendation}", "recommendations not remembered"
)

VOCABULARY = Vocabulary.of(CORE, [*globals().values(), *OUTCOME_COUNTS.values()])
