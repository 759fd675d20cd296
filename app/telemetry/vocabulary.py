"""Declares every telemetry name of the service, with its meaning, type and bounds.

Names of the semantic conventions come from their package. The kit's names (`CORE`) have the same
prefix. A test checks everything that the service emits in other tests, and fails for an undeclared
name, a wrong type or a value out of bounds. `docs/telemetry.md` is generated from this module.
"""

from opentelemetry.semconv._incubating.attributes.feature_flag_attributes import (
    FEATURE_FLAG_KEY,
    FEATURE_FLAG_PROVIDER_NAME,
    FEATURE_FLAG_RESULT_REASON,
    FEATURE_FLAG_RESULT_VALUE,
    FEATURE_FLAG_RESULT_VARIANT,
    FEATURE_FLAG_VERSION,
)
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE

from app.catalogue.feedback_journal import Kind
from app.catalogue.feedback_log import RowOutcome
from app.catalogue.store import Written
from app.model.click_model import RANKS as MODEL_RANKS
from app.model.gate import Check
from app.model.judgement_files import Reason, Source
from app.model.stages import (
    COMPUTE_FEATURES,
    EVALUATE,
    FIT,
    GATE,
    LOAD,
    REGISTER,
    TRAIN,
    TRAINING_STAGES,
    VALIDATE,
)
from app.recommend.batch import RowOutcome as BatchOutcome
from app.recommend.batch import RowReason
from app.recommend.reference_profile import FEATURES
from app.recommend.stages import (
    ANALYZE,
    ANSWER_ITEM,
    AWAIT_LOCK,
    COMPARE_SHADOW,
    COMPARE_STUDENT,
    DISTILL,
    DRIFT_ENDED,
    DRIFT_STARTED,
    EMBED_SAMPLE,
    ENCODE_QUERIES,
    ESTIMATE_ONLINE,
    EVALUATE_DRIFT,
    FETCH_TOPIC,
    FLUSH,
    LOAD_MODEL,
    MODEL_PROMOTED,
    MODEL_REFUSED,
    MODEL_ROLLED_BACK,
    PROCESS_CHUNK,
    PROMOTE,
    RANK,
    REFRESH,
    RETRIEVE,
    ROLL_BACK,
    RUN_BATCH,
    SCORE,
    STAGES,
    TRANSACTION,
    WRITE,
)
from app.recommend.topic_signal import Outcome
from app.recommend.types import LEGS
from app.telemetry.kit.vocabulary import (
    FAILED,
    OPT_IN,
    REQUIRED,
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
"""The service's name, its instrumentation scope, and the prefix of its names."""
LENGTHS = ("1-20", "21-50", "51-100", "101-200", "201-500", "501+")
TENTHS = tuple(f"{low / 10:.1f}-{(low + 1) / 10:.1f}" for low in range(10))
RANKS = ("1", "2-3", "4-10", "11+")
PARTS = ("topic_signal", "ranking_model", "results")
RESOURCES = ("requests", "connections", "topic_signal_calls", "journal_buffer")
"""Limited resources besides those of the kit."""
PROBLEMS = (
    "body-timeout", "broken-off", "disk-full", "gate-refused", "head-timeout", "head-too-large",
    "internal", "invalid-input", "malformed", "media-type", "method-not-allowed", "misdirected",
    "model-refused", "no-earlier-model", "not-acceptable", "not-found", "overloaded",
    "rate-limited", "storage-busy", "storage-corrupt", "storage-failed", "storage-read-only",
    "storage-schema", "storage-unavailable", "too-large", "unauthorized", "writing-off", "other",
)  # fmt: skip
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

RETRY = Event("retry_started", "a call to Wikipedia's search is retried")
CIRCUIT = Event(
    "circuit_opened", "calls to Wikipedia's search are suspended for a while", warns=True
)

PROMOTED = Event(MODEL_PROMOTED, "another version of the model was promoted")
ROLLED_BACK = Event(MODEL_ROLLED_BACK, "an earlier version of the model serves again", warns=True)
REFUSED = Event(
    MODEL_REFUSED, "a version of the model can't be used; the last good one serves", warns=True
)
NOTHING_FOUND = Event(
    "found_nothing", "Wikipedia's search answers, but finds no pages for any query", warns=True
)
DRIFT_BEGAN = Event(
    DRIFT_STARTED, "queries or answers differ from the model's reference profile", warns=True
)
DRIFT_OVER = Event(DRIFT_ENDED, "queries and answers are like the model's reference profile again")

FLAG_EVALUATED = Event(
    "feature_flag.evaluation", "the flag that decides which version answers was evaluated",
    {
        **required(FEATURE_FLAG_KEY, FEATURE_FLAG_RESULT_REASON, FEATURE_FLAG_PROVIDER_NAME),
        FEATURE_FLAG_RESULT_VARIANT: "If the provider has a name for the value.",
        FEATURE_FLAG_RESULT_VALUE: "If the provider has no name for it.",
        FEATURE_FLAG_VERSION: "If the user is known: the challenger and its share.",
        ERROR_TYPE: FAILED,
    },
)  # fmt: skip

# The query
TERM_COUNT = Attribute("vitrine.query.term_count", "int", "number of search terms", examples=[2])
LENGTH_BUCKET = Attribute(
    "vitrine.query.length_bucket", "string", "length of the query in characters", LENGTHS
)
OOV_RATIO = Attribute(
    "vitrine.query.oov_ratio",
    "double",
    "fraction of the terms that occur in no document",
    examples=[0.5],
)
CORRECTED = Attribute(
    "vitrine.query.corrected", "int", "number of words with corrected spelling", examples=[0]
)
QUERY_TEXT = Attribute(
    "vitrine.query.text",
    "string",
    "the query as typed; only with VITRINE_TELEMETRY__QUERY_TEXT=plain",
    examples=["stale bread"],
)

# The recommendation
CANDIDATES = Attribute(
    "vitrine.candidate.count", "int", "number of scored documents", examples=[40]
)
RESULTS = Attribute("vitrine.result.count", "int", "number of recommended documents", examples=[5])
MODEL_NAME = Attribute(
    "vitrine.model.name", "string", "name of the ranking model", examples=["fusion"]
)
MODEL_VERSION = Attribute(
    "vitrine.model.version", "string", "version of the ranking model", examples=["1"]
)
MODEL_REPLACED = Attribute(
    "vitrine.model.replaced", "string", "version that served before", examples=["fusion"]
)
FORCED = Attribute(
    "vitrine.model.forced", "boolean", "whether it was promoted although the gate had refused it"
)
WATCHER = Attribute(
    "vitrine.watcher", "string", "what watches the model", ("drift", "shadow", "student")
)
SHADOW_VERSION = Attribute(
    "vitrine.shadow.version", "string", "version of the challenger", examples=["4-0c1d2e3f"]
)
SHADOW_OVERLAP = Attribute(
    "vitrine.shadow.overlap", "double",
    "fraction of the first ten results that champion and challenger share", examples=[0.8],
)  # fmt: skip
SHADOW_CONCORDANCE = Attribute(
    "vitrine.shadow.concordance", "double",
    "fraction of the pairs in either first ten that both order alike; Kendall's tau is twice that "
    "minus 1", examples=[0.9],
)  # fmt: skip
SHADOW_SHIFT = Attribute(
    "vitrine.shadow.score_shift", "double",
    "mean absolute difference of the scores of the same candidates", examples=[0.05],
)  # fmt: skip
DRIFT_FEATURE = Attribute(
    "vitrine.drift.feature", "string", "what is compared with the reference profile", FEATURES
)
DRIFTED = Attribute(
    "vitrine.drift.drifted", "string[]", "the features that differ, the most different first",
    FEATURES,
)  # fmt: skip
DRIFTING = Attribute("vitrine.drift.drifting", "boolean", "whether drift is confirmed")
DRIFT_REQUESTS = Attribute("vitrine.drift.requests", "int", "answers in the window", examples=[500])
DRIFT_DISTINCT = Attribute(
    "vitrine.drift.distinct_queries", "int", "distinct queries in the window", examples=[420]
)
CENTROID_DISTANCE = Attribute(
    "vitrine.drift.centroid_distance", "double",
    "1 minus the cosine of the queries' centroid to the reference's", examples=[0.04],
)  # fmt: skip
EMBEDDING_SPREAD = Attribute(
    "vitrine.drift.embedding_spread", "double",
    "1 minus the length of the queries' mean vector; 0: all are equal", examples=[0.87],
)  # fmt: skip

# The online metric
ONLINE_STATISTIC = Attribute(
    "vitrine.online.statistic", "string", "the estimate, or a bound of its 95 % interval",
    ("estimate", "low", "high"),
)  # fmt: skip
ONLINE_RANK = Attribute(
    "vitrine.online.rank", "string", "rank of a result", tuple(map(str, range(1, MODEL_RANKS + 1)))
)
ONLINE_OUTCOME = Attribute(
    "vitrine.online.outcome", "string", "what became of a row of feedback", tuple(RowOutcome)
)
ONLINE_RECOMMENDATIONS = Attribute(
    "vitrine.online.recommendations", "int", "recommendations that were judged", examples=[5200]
)
ONLINE_PENDING = Attribute(
    "vitrine.online.pending", "int", "recommendations that are too recent to count", examples=[90]
)

# Training
TRAINING_SOURCE = Attribute(
    "vitrine.training.source",
    "string",
    "kind of the judgements",
    tuple(each.value for each in Source),
)
ROW_OUTCOME = Attribute(
    "vitrine.training.outcome", "string", "what became of a row of the judgements",
    ("used", "dropped", "quarantined"),
)  # fmt: skip
ROW_REASON = Attribute(
    "vitrine.training.reason",
    "string",
    "why a row was not used",
    tuple(each.value for each in Reason),
)
ROWS_READ = Attribute("vitrine.training.rows_read", "int", "rows of the judgements", examples=[400])
ROWS_USED = Attribute(
    "vitrine.training.rows_used", "int", "rows that could be used", examples=[390]
)
TUNE_QUERIES = Attribute(
    "vitrine.training.tune_queries", "int", "queries that were trained on", examples=[174]
)
TEST_QUERIES = Attribute(
    "vitrine.training.test_queries", "int", "queries that were evaluated on", examples=[174]
)
EVALUATED_NDCG = Attribute(
    "vitrine.evaluation.ndcg", "double", "mean nDCG@10 of the trained version", examples=[0.78]
)
NDCG_DIFFERENCE = Attribute(
    "vitrine.evaluation.difference", "double", "its difference to the champion's nDCG@10",
    examples=[0.012],
)  # fmt: skip
EVALUATED_BRIER = Attribute(
    "vitrine.evaluation.brier", "double", "Brier score of its relevance", examples=[0.08]
)
GATE_PASSED = Attribute("vitrine.gate.passed", "boolean", "whether the gate let it pass")
GATE_CHECKS = Attribute(
    "vitrine.gate.failed",
    "string[]",
    "the checks that refused it",
    tuple(each.value for each in Check),
)
ENCODER_NAME = Attribute(
    "vitrine.encoder.name", "string", "name of the dense leg's encoder",
    examples=["student-of-all-MiniLM-L6-v2"],
)  # fmt: skip
ENCODER_VERSION = Attribute(
    "vitrine.encoder.version", "string", "hash of the dense leg's encoder",
    examples=["53aa51172d142c89"],
)  # fmt: skip
STUDENT_COSINE = Attribute(
    "vitrine.student.cosine", "double",
    "cosine of a query's vectors by the student and by its teacher", examples=[0.85],
)  # fmt: skip
STUDENT_OVERLAP = Attribute(
    "vitrine.student.overlap", "double",
    "fraction of the dense leg's first ten documents that both find", examples=[0.7],
)  # fmt: skip
TRAINING_TEXTS = Attribute(
    "vitrine.encoder.texts", "int", "number of texts the encoder learns from", examples=[12000]
)
SCORE_TOP = Attribute(
    "vitrine.score.top", "double", "score of the first result, in [0, 1]", examples=[0.8312]
)
SCORE_MARGIN = Attribute(
    "vitrine.score.margin",
    "double",
    "difference between the scores of the first and the second result",
    examples=[0.0421],
)
SCORE_BUCKET = Attribute(
    "vitrine.score.bucket", "string", "score of the first result, in tenths", TENTHS
)
CALIBRATED = "If a user typed a query, and a calibrator fits the model."
RELEVANCE = Attribute(
    "vitrine.relevance.probability", "double",
    "calibrated probability that the first result answers the query, in [0, 1]", examples=[0.93],
)  # fmt: skip
ANSWERED = Attribute(
    "vitrine.relevance.answered", "boolean", "whether that is enough to call the query answered"
)
DEGRADED = Attribute("vitrine.ranking.degraded", "boolean", "whether a part was unavailable")
MISSING = Attribute("vitrine.ranking.missing", "string[]", "the unavailable parts", PARTS)
CONTRIBUTIONS = {
    leg: Attribute(
        f"vitrine.contribution.{leg}", "double",
        f"what the leg “{leg}” added to the score of the first result", examples=[0.2247],
    )
    for leg in LEGS
}  # fmt: skip
WEIGHTS = Attribute(
    "vitrine.score.weights", "string", "weights of the legs that were applied",
    examples=["lexical=0.4250 dense=0.2975 latent=0.1275 topic=0.1500"],
)  # fmt: skip
RESULT_CATEGORY = Attribute(
    "vitrine.result.category", "string", "keyed hash of the category of the first result",
    form="[0-9a-f]{16}", examples=["5f1d0b8e9a3c7642"],
)  # fmt: skip
RECOMMENDATION_ID = Attribute(
    "vitrine.recommendation.id",
    "string",
    "id of the recommendation, as in the response",
    form="[0-9a-f]{32}",
    examples=["0f8e1c5b7a9d4e6f8a1b2c3d4e5f6071"],
)
TOPIC_OUTCOME = Attribute(
    "vitrine.topic_signal.outcome", "string", "outcome of the call to Wikipedia", tuple(Outcome)
)
TOPIC_PAGES = Attribute("vitrine.topic_signal.pages", "int", "number of pages found", examples=[5])
TOPIC_STRENGTH = Attribute(
    "vitrine.topic_signal.strength", "double",
    "how well the best candidate matches a page, in [0, 1]", examples=[0.8312],
)  # fmt: skip
CACHE = Attribute("vitrine.cache.name", "string", "name of the cache", ("answers", "topic_signal"))
CACHE_OUTCOME = Attribute(
    "vitrine.cache.outcome", "string", "outcome of the lookup", ("hit", "miss")
)

# Feedback and documents
FEEDBACK_KIND = Attribute("vitrine.feedback.kind", "string", "kind of feedback", tuple(Kind))
RANK_BUCKET = Attribute(
    "vitrine.feedback.rank_bucket", "string", "rank of the document in the recommendation", RANKS
)
REPEATED = Attribute(
    "vitrine.feedback.repeated", "boolean", "whether the same feedback was already stored"
)
FEEDBACK_OUTCOME = Attribute(
    "vitrine.feedback.outcome", "string", "what became of feedback when it arrived",
    ("new", "repeated", "unknown_recommendation", "not_recommended"),
)  # fmt: skip
BATCH_SIZE = Attribute("vitrine.batch.size", "int", "number of rows in a batch", examples=[100])
DOCUMENT_OUTCOME = Attribute(
    "vitrine.document.outcome", "string", "outcome of writing a row", (*Written, "rejected")
)
OUTCOME_COUNTS = {
    each: Attribute(f"vitrine.batch.{each}", "int", f"number of {each} rows", examples=[12])
    for each in DOCUMENT_OUTCOME.values
}

BATCH_OUTCOME = Attribute(
    "vitrine.batch.outcome", "string", "what became of a row with a query", tuple(BatchOutcome)
)
BATCH_REASON = Attribute(
    "vitrine.batch.reason", "string", "why a row with a query was not processed", tuple(RowReason)
)
BATCH_COUNTS = {
    each: Attribute(f"vitrine.batch.{each}", "int", f"number of queries {each}", examples=[12])
    for each in BatchOutcome
}
RESUMED_AFTER = Attribute(
    "vitrine.batch.resumed_after", "int", "rows that an earlier run had done", examples=[0]
)

DATABASE = Attribute(
    "vitrine.storage.name", "string", "database that is written", ("catalogue", "journal")
)
CHANGE = Attribute(
    "vitrine.catalogue.change", "string", "kind of change of a passage",
    ("created", "updated", "deleted"),
)  # fmt: skip
CHANGE_COUNTS = {
    each: Attribute(f"vitrine.catalogue.{each}", "int", f"passages {each}", examples=[12])
    for each in CHANGE.values
}
CHANGED_BY = Attribute(
    "vitrine.catalogue.changed_by", "string", "which process wrote the catalogue",
    ("this_process", "another_process"),
)  # fmt: skip
CHANGED_CATEGORIES = Attribute(
    "vitrine.catalogue.categories", "string[]",
    "keyed hashes of the categories with the most changes, as in `vitrine.result.category`",
    form="[0-9a-f]{16}", examples=["5f1d0b8e9a3c7642"],
)  # fmt: skip
EMBEDDER = Attribute(
    "vitrine.embedder.version", "string", "name, version and hash of the embedding model",
    examples=["wordllama-l2-supercat-rarity 0.3.9+5f1d0b8e9a3c7642"],
)  # fmt: skip
DOCUMENTS = Attribute("vitrine.catalogue.size", "int", "documents in the catalogue", examples=[480])

# Events
CACHE_MISS = Event("cache_miss", "the cache has no entry for this request")
FALLBACK_INVOKED = Event("fallback_model_invoked", "the ranking model failed, fusion ranked")
SERVED = Event(
    "recommendation.served",
    "a recommendation was served; the event has everything known about the request",
    wide=True,
)

# Spans
ANALYZED = Span(
    ANALYZE, "internal", "analysing the query",
    {
        **required(TERM_COUNT, LENGTH_BUCKET, OOV_RATIO, CORRECTED, ERROR_TYPE),
        QUERY_TEXT: OPT_IN,
    },
)  # fmt: skip
RETRIEVED = Span(RETRIEVE, "internal", "retrieving candidates", required(CANDIDATES, ERROR_TYPE))
FETCHED = Span(
    FETCH_TOPIC,
    "internal",
    "fetching pages from Wikipedia or the cache",
    required(TOPIC_OUTCOME, TOPIC_PAGES, ERROR_TYPE),
)
SCORED = Span(
    SCORE, "internal", "scoring candidates",
    {
        **required(MODEL_NAME, MODEL_VERSION, WEIGHTS, ERROR_TYPE),
        TOPIC_STRENGTH: "If Wikipedia found pages.",
    },
)  # fmt: skip
RANKED = Span(
    RANK, "internal", "ranking the candidates",
    {
        **required(RESULTS, ERROR_TYPE),
        **dict.fromkeys((SCORE_TOP, SCORE_BUCKET), "If there is a result."),
        **dict.fromkeys(CONTRIBUTIONS.values(), "If there is a result, and the leg has a weight."),
        SCORE_MARGIN: "If there are two results.",
        **dict.fromkeys((RELEVANCE, ANSWERED), CALIBRATED),
    },
)  # fmt: skip
WRITTEN = Span(
    WRITE, "internal", "writing a batch of documents",
    {
        **required(BATCH_SIZE, ERROR_TYPE),
        **dict.fromkeys(OUTCOME_COUNTS.values(), "If there are such rows."),
    },
)  # fmt: skip
ENCODED = Span(
    ENCODE_QUERIES, "internal", "encoding the queries of a batch at once",
    required(BATCH_SIZE, ERROR_TYPE),
)  # fmt: skip
ITEM_ANSWERED = Span(
    ANSWER_ITEM, "internal", "answering one item of a batch; linked to its caller",
    {
        **dict.fromkeys(
            (MODEL_NAME, MODEL_VERSION, DEGRADED, RESULTS), "If it was answered."
        ),
        SCORE_TOP: "If there is a result.",
        **dict.fromkeys((RELEVANCE, ANSWERED), CALIBRATED),
        ERROR_TYPE: FAILED,
    },
)  # fmt: skip
CHUNK_PROCESSED = Span(
    PROCESS_CHUNK, "internal", "answering and writing some rows of a file; linked to their callers",
    {
        **dict.fromkeys((BATCH_SIZE, *BATCH_COUNTS.values()), "If it was written."),
        ERROR_TYPE: FAILED,
    },
)  # fmt: skip
BATCH_RUN = Span(
    RUN_BATCH, "internal", "answering the queries of a file",
    {
        **dict.fromkeys(
            (BATCH_SIZE, *BATCH_COUNTS.values(), RESUMED_AFTER), "If it reached the end."
        ),
        ERROR_TYPE: FAILED,
    },
)  # fmt: skip
LOADED = Span(
    LOAD_MODEL, "internal", "loading a version that has become champion or challenger",
    {
        **dict.fromkeys((MODEL_NAME, MODEL_VERSION), "If it can be used."),
        ERROR_TYPE: FAILED,
    },
)  # fmt: skip
CHANGED: dict[str, str] = {
    **dict.fromkeys((MODEL_VERSION, MODEL_REPLACED, FORCED), "If it was done."),
    ERROR_TYPE: FAILED,
}
PROMOTION = Span(PROMOTE, "internal", "making a version the champion", CHANGED)
ROLLBACK = Span(ROLL_BACK, "internal", "making an earlier version the champion again", CHANGED)
AWAITED = Span(AWAIT_LOCK, "internal", "waiting for other writers", required(DATABASE, ERROR_TYPE))
TRANSACTED = Span(
    TRANSACTION, "internal", "writing, up to the durable commit", required(DATABASE, ERROR_TYPE)
)
FLUSHED = Span(
    FLUSH, "internal", "writing buffered recommendations in the background",
    required(BATCH_SIZE, ERROR_TYPE),
)  # fmt: skip
REFRESHED = Span(
    REFRESH, "internal", "applying changes of the catalogue to the index",
    required(CHANGED_BY, *CHANGE_COUNTS.values(), ERROR_TYPE),
)  # fmt: skip
COMPARED = Span(
    COMPARE_SHADOW, "internal",
    "the challenger's scores of a request's candidates; linked to the request",
    {
        **required(MODEL_NAME, MODEL_VERSION, SHADOW_VERSION, ERROR_TYPE),
        **dict.fromkeys(
            (SHADOW_OVERLAP, SHADOW_CONCORDANCE, SHADOW_SHIFT), "If the challenger did not fail."
        ),
    },
)  # fmt: skip
STUDENT_COMPARED = Span(
    COMPARE_STUDENT, "internal",
    "a query's vector by the student and by its teacher; linked to the request",
    {
        **required(ENCODER_NAME, ENCODER_VERSION, ERROR_TYPE),
        **dict.fromkeys((STUDENT_COSINE, STUDENT_OVERLAP), "If the teacher did not fail."),
    },
)  # fmt: skip
DRIFT_EVALUATED = Span(
    EVALUATE_DRIFT, "internal", "comparing a window of answers with the reference profile",
    {
        **required(
            MODEL_NAME, MODEL_VERSION, DRIFTING, DRIFT_REQUESTS, DRIFT_DISTINCT,
            CENTROID_DISTANCE, EMBEDDING_SPREAD, ERROR_TYPE,
        ),
        DRIFTED: "If a feature differs.",
    },
)  # fmt: skip
ONLINE_ESTIMATED = Span(
    ESTIMATE_ONLINE, "internal", "estimating each version's quality from feedback",
    {
        **dict.fromkeys((ONLINE_RECOMMENDATIONS, ONLINE_PENDING), "If the journal can be read."),
        ERROR_TYPE: FAILED,
    },
)  # fmt: skip
TRAINED = Span(
    TRAIN, "internal", "training a version of the model",
    {TRAINING_SOURCE: "If it was trained.", GATE_PASSED: "If it was trained.", ERROR_TYPE: FAILED},
)  # fmt: skip
JUDGEMENTS_LOADED = Span(
    LOAD, "internal", "reading the judgements", required(TRAINING_SOURCE, ROWS_READ, ERROR_TYPE)
)
JUDGEMENTS_VALIDATED = Span(
    VALIDATE, "internal", "deciding which rows can be used",
    required(ROWS_READ, ROWS_USED, TUNE_QUERIES, TEST_QUERIES, ERROR_TYPE),
)  # fmt: skip
FEATURES_COMPUTED = Span(
    COMPUTE_FEATURES, "internal", "retrieving candidates for all queries",
    required(TUNE_QUERIES, TEST_QUERIES, CANDIDATES, ERROR_TYPE),
)  # fmt: skip
FITTED = Span(
    FIT, "internal", "fitting ranker and calibrator",
    required(MODEL_NAME, MODEL_VERSION, ERROR_TYPE),
)  # fmt: skip
EVALUATED = Span(
    EVALUATE, "internal", "comparing the version with the champion and BM25",
    {
        **required(EVALUATED_NDCG, TEST_QUERIES, ERROR_TYPE),
        NDCG_DIFFERENCE: "If a version is trained.",
        EVALUATED_BRIER: "If it has a calibrator.",
    },
)  # fmt: skip
JUDGED = Span(
    GATE, "internal", "deciding whether the version may be registered",
    {**required(GATE_PASSED, ERROR_TYPE), GATE_CHECKS: "If it did not pass."},
)  # fmt: skip
REGISTERED = Span(REGISTER, "internal", "storing the version as challenger", CHANGED)
DISTILLED = Span(
    DISTILL, "internal", "fitting the query encoder on the catalogue",
    {
        **dict.fromkeys((ENCODER_NAME, ENCODER_VERSION), "If it was fitted."),
        ERROR_TYPE: FAILED,
    },
)  # fmt: skip
SAMPLED = Span(
    EMBED_SAMPLE, "internal", "embedding what the query encoder learns from, by its teacher",
    {TRAINING_TEXTS: "If it succeeded.", ERROR_TYPE: FAILED},
)  # fmt: skip
CORE = CoreNames(
    SCOPE, stages=(*STAGES, *TRAINING_STAGES),
    background=(
        FLUSH, COMPARE_SHADOW, COMPARE_STUDENT, EVALUATE_DRIFT, ESTIMATE_ONLINE, RUN_BATCH,
        PROCESS_CHUNK, *TRAINING_STAGES, DISTILL, EMBED_SAMPLE,
    ),
    occurrences=(
        RETRY, CIRCUIT, NOTHING_FOUND, PROMOTED, ROLLED_BACK, REFUSED, DRIFT_BEGAN, DRIFT_OVER,
    ),
    problems=PROBLEMS, resources=RESOURCES, degraded=DEGRADED,
    wide={
        RESULT_CATEGORY: "If there is a result with a category.",
        CHANGED_CATEGORIES: "If the request applied changes of the catalogue.",
    },
    started={
        **required(MODEL_NAME, MODEL_VERSION, EMBEDDER, DOCUMENTS),
        WEIGHTS: "If the model has fixed weights.",
    },
    request={
        **dict.fromkeys((MODEL_NAME, MODEL_VERSION), "If it is a recommendation or feedback."),
        RECOMMENDATION_ID: "If it is a recommendation or feedback.",
        DEGRADED: "If it is a recommendation.",
        MISSING: "If a part was unavailable.",
        CACHE_OUTCOME: "If a user typed a query.",
        ANSWERED: CALIBRATED,
        **dict.fromkeys((BATCH_SIZE, *BATCH_COUNTS.values()), "If it is a batch."),
        **dict.fromkeys((FEEDBACK_KIND, RANK_BUCKET, REPEATED), "If it is feedback."),
    },
)  # fmt: skip

# Metrics
RECOMMEND_DURATION = Metric(
    "vitrine.recommend.duration", "histogram", "s", "duration of a recommendation",
    {
        **dict.fromkeys((MODEL_NAME, MODEL_VERSION, DEGRADED), "If it succeeded."),
        ERROR_TYPE: FAILED,
    },
    SECONDS,
)  # fmt: skip
RECOMMENDATIONS = Metric(
    "vitrine.recommendations", "counter", "{recommendation}", "recommendations served",
    (MODEL_NAME, MODEL_VERSION, DEGRADED),
)  # fmt: skip
TOPIC_REQUESTS = Metric(
    "vitrine.topic_signal.requests", "counter", "{request}", "requests for the topic signal",
    (TOPIC_OUTCOME, ERROR_TYPE),
)  # fmt: skip
CACHE_REQUESTS = Metric(
    "vitrine.cache.requests", "counter", "{request}", "cache lookups", (CACHE, CACHE_OUTCOME)
)
EMPTY = Metric(
    "vitrine.recommendations.empty", "counter", "{recommendation}",
    "recommendations without results; degraded: there should be some",
    (MODEL_NAME, MODEL_VERSION, DEGRADED),
    after="an empty answer",
)  # fmt: skip
QUERY_OOV = Metric(
    "vitrine.query.oov_ratio", "histogram", "1", "fraction of unknown terms", (), SHARES
)
TOP_SCORE = Metric(
    "vitrine.score.top", "histogram", "1", "score of the first result",
    (MODEL_NAME, MODEL_VERSION), SHARES,
)  # fmt: skip
FIRST_RELEVANCE = Metric(
    "vitrine.relevance.probability", "histogram", "1",
    "calibrated probability that the first result answers the query",
    (ANSWERED, MODEL_NAME, MODEL_VERSION), SHARES,
)  # fmt: skip
FEEDBACK = Metric(
    "vitrine.feedback", "counter", "{feedback}", "feedback, without repetitions",
    (FEEDBACK_KIND, RANK_BUCKET, MODEL_NAME, MODEL_VERSION), after="feedback",
)  # fmt: skip
FEEDBACK_RECEIVED = Metric(
    "vitrine.feedback.received", "counter", "{feedback}", "feedback that arrived, by outcome",
    (FEEDBACK_OUTCOME,), after="feedback",
)  # fmt: skip
BATCHES = Metric(
    "vitrine.batch.sizes", "histogram", "{row}", "rows per batch", (), SIZES, after="a write"
)
BATCH_ROWS = Metric(
    "vitrine.batch.rows", "counter", "{row}", "queries of batches by outcome",
    {BATCH_OUTCOME: REQUIRED, BATCH_REASON: "If it was not processed."}, after="a batch",
)  # fmt: skip
DOCUMENTS_WRITTEN = Metric(
    "vitrine.documents.written", "counter", "{document}", "rows by outcome", (DOCUMENT_OUTCOME,),
    after="a write",
)  # fmt: skip
TRAINING_ROWS = Metric(
    "vitrine.training.rows", "counter", "{row}", "rows of judgements by outcome",
    {ROW_OUTCOME: REQUIRED, ROW_REASON: "If it was not used."}, after="training",
)  # fmt: skip
TRAININGS = Metric(
    "vitrine.trainings", "counter", "{training}", "trainings that reached the gate",
    (TRAINING_SOURCE, GATE_PASSED), after="training",
)  # fmt: skip
CATALOGUE_CHANGES = Metric(
    "vitrine.catalogue.changes", "counter", "{passage}",
    "changed passages that the index has applied", (CHANGE, CHANGED_BY), after="a change",
)  # fmt: skip
INSTANCE = Metric(
    "vitrine.instance.info", "gauge", "1", "always 1; its attributes say what is running",
    (CORE.settings_hash, MODEL_NAME, MODEL_VERSION, EMBEDDER),
)  # fmt: skip
CATALOGUE_SIZE = Metric(
    "vitrine.catalogue.documents", "gauge", "{document}", "documents in the catalogue"
)
MODEL_AGE = Metric(
    "vitrine.model.age", "gauge", "s", "time since the ranking model was trained",
    (MODEL_NAME, MODEL_VERSION), after="training",
)  # fmt: skip
MODEL_REFUSALS = Metric(
    "vitrine.model.refused", "gauge", "{version}",
    "champion and challenger versions that can't be used, and are replaced by the last good one",
)  # fmt: skip
SHADOW = "a challenger"
SHADOWED = (MODEL_NAME, MODEL_VERSION, SHADOW_VERSION)
SHADOW_COMPARISONS = Metric(
    "vitrine.shadow.comparisons", "counter", "{comparison}", "comparisons with the challenger",
    (*SHADOWED, ERROR_TYPE), after=SHADOW,
)  # fmt: skip
SHADOW_OVERLAPS = Metric(
    "vitrine.shadow.overlap", "histogram", "1", SHADOW_OVERLAP.meaning, SHADOWED, SHARES,
    after=SHADOW,
)  # fmt: skip
SHADOW_CONCORDANCES = Metric(
    "vitrine.shadow.concordance", "histogram", "1", SHADOW_CONCORDANCE.meaning, SHADOWED, SHARES,
    after=SHADOW,
)  # fmt: skip
SHADOW_SHIFTS = Metric(
    "vitrine.shadow.score_shift", "histogram", "1", SHADOW_SHIFT.meaning, SHADOWED, SHARES,
    after=SHADOW,
)  # fmt: skip
STUDENT = "a comparison of the student"
STUDENT_COMPARISONS = Metric(
    "vitrine.student.comparisons", "counter", "{comparison}",
    "comparisons of the student encoder with its teacher",
    (ENCODER_NAME, ENCODER_VERSION, ERROR_TYPE), after=STUDENT,
)  # fmt: skip
STUDENT_COSINES = Metric(
    "vitrine.student.cosine", "histogram", "1", STUDENT_COSINE.meaning,
    (ENCODER_NAME, ENCODER_VERSION), SHARES, after=STUDENT,
)  # fmt: skip
STUDENT_OVERLAPS = Metric(
    "vitrine.student.overlap", "histogram", "1", STUDENT_OVERLAP.meaning,
    (ENCODER_NAME, ENCODER_VERSION), SHARES, after=STUDENT,
)  # fmt: skip
WATCH_DROPPED = Metric(
    "vitrine.watch.dropped", "counter", "{answer}",
    "answers that drift detection, the shadow or the student's teacher did not see, because too "
    "many were waiting",
    (WATCHER,),
)  # fmt: skip
DRIFT_PSI = Metric(
    "vitrine.drift.psi", "gauge", "1",
    "population stability index: how much a feature differs from the reference profile",
    (MODEL_NAME, MODEL_VERSION, DRIFT_FEATURE), after="an evaluation of drift",
)  # fmt: skip
DRIFT_DETECTED = Metric(
    "vitrine.drift.detected", "gauge", "1", "1 while queries or answers have drifted, else 0",
    (MODEL_NAME, MODEL_VERSION), after="an evaluation of drift",
)  # fmt: skip
ONLINE = "an estimate of the online metric"
ONLINE_QUALITY = Metric(
    "vitrine.online.quality", "gauge", "1",
    "attractiveness of a version's first five results, weighted by rank, corrected for the "
    "position bias", (MODEL_NAME, MODEL_VERSION, ONLINE_STATISTIC), after=ONLINE,
)  # fmt: skip
ONLINE_UNCORRECTED = Metric(
    "vitrine.online.uncorrected", "gauge", "1", "the same without the correction",
    (MODEL_NAME, MODEL_VERSION, ONLINE_STATISTIC), after=ONLINE,
)  # fmt: skip
ONLINE_CLICK_THROUGH = Metric(
    "vitrine.online.click_through", "gauge", "1",
    "fraction of a version's recommendations of which a result was liked",
    (MODEL_NAME, MODEL_VERSION), after=ONLINE,
)  # fmt: skip
ONLINE_AT_RANK = Metric(
    "vitrine.online.liked_at_rank", "gauge", "1",
    "fraction of a version's results at a rank that were liked",
    (MODEL_NAME, MODEL_VERSION, ONLINE_RANK), after=ONLINE,
)  # fmt: skip
ONLINE_EXAMINATION = Metric(
    "vitrine.online.examination", "gauge", "1",
    "how often users look at a rank, relative to the first one", (ONLINE_RANK,), after=ONLINE,
)  # fmt: skip
ONLINE_FEEDBACK = Metric(
    "vitrine.online.feedback", "gauge", "{feedback}",
    "rows of feedback on the latest recommendations", (ONLINE_OUTCOME,), after=ONLINE,
)  # fmt: skip
ENCODER_REFUSED = Metric(
    "vitrine.encoder.refused", "gauge", "{encoder}",
    "1 if the chosen encoder can't be used as it should; the attributes name the one in use",
    (ENCODER_NAME, ENCODER_VERSION),
)  # fmt: skip
JOURNAL_DROPPED = Metric(
    "vitrine.journal.dropped", "counter", "{recommendation}", "recommendations not in the journal"
)

VOCABULARY = Vocabulary.of(
    CORE,
    [
        *globals().values(), *OUTCOME_COUNTS.values(), *CHANGE_COUNTS.values(),
        *CONTRIBUTIONS.values(), *BATCH_COUNTS.values(),
    ],
)  # fmt: skip
