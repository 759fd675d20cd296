"""What spans of the service look like, part by part; `trees.py` puts them together."""

from typing import Any

from opentelemetry.semconv.attributes.db_attributes import (
    DB_OPERATION_NAME,
    DB_QUERY_TEXT,
    DB_SYSTEM_NAME,
)
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
)
from opentelemetry.semconv.attributes.server_attributes import SERVER_ADDRESS, SERVER_PORT
from opentelemetry.semconv.attributes.url_attributes import URL_FULL, URL_PATH, URL_SCHEME

from app.recommend.stages import (
    ANALYZE,
    AWAIT_LOCK,
    FETCH_TOPIC,
    RANK,
    RETRIEVE,
    SCORE,
    TRANSACTION,
)
from app.recommend.types import LEGS
from app.telemetry import vocabulary as v
from tests.fake_wikipedia import PATH
from tests.telemetry.span_trees import (
    AtOnce,
    Attributes,
    Event,
    Like,
    Link,
    Part,
    Tree,
    at_once,
    client,
    span,
)

COUNT = Like("count", int, r"[1-9]\d?")
"""Of documents: how many are near enough depends on the embeddings."""
WEIGHTS = Like("weights", str, r"(\w+=[01]\.\d{4} ?)+")
SECONDS = Like("seconds", float, r"\d+\.\d+(e-\d+)?")
SCORE_VALUE = Like("score", float, r"[01]\.\d{1,4}")
YES_OR_NO = Like("answered", bool, "True|False")
BUCKET = Like("bucket", str, "|".join(v.TENTHS))
RECOMMENDATION = Like("recommendation", str, "[0-9a-f]{32}")
PORT = Like("port", int, r"\d+")
STAND_IN = Like("stand-in", str, rf"http://127\.0\.0\.1:\d+{PATH}")

FUSION: dict[str, Any] = {v.MODEL_NAME: "fusion", v.MODEL_VERSION: "2"}
WORDS = "SELECT rowid, -bm25(words) FROM words WHERE words MATCH ? ORDER BY rowid"
SHOWN = (
    "SELECT p.key, ? || stems || ?, number, heading, fragment, id, title, "
    "substr(text, start + ?, stop - start), category, url, updated_at FROM passages p "
    "JOIN documents d ON d.key = p.document JOIN words ON words.rowid = p.key WHERE p.key IN ({})"
)
DOCUMENT = "SELECT id, title, text, category, url, updated_at FROM documents WHERE id = ?"
TITLE = (
    "SELECT p.key, d.key, title FROM documents d JOIN passages p ON p.document = d.key WHERE id = ?"
)
VECTORS = "SELECT passage, vector FROM embeddings WHERE model = ? AND passage IN (?)"
BREAD = "stale bread"
"""A question of two terms that five documents of the shelf and more have to do with."""


def server(name: str, status: int, about: Attributes, *parts: Part) -> Tree:
    """The span of a request; `name` is its method and route, as every such span is named."""
    method, _, route = name.partition(" ")
    emitted: dict[str, Any] = {
        URL_SCHEME: "http",
        HTTP_REQUEST_METHOD: method,
        HTTP_RESPONSE_STATUS_CODE: status,
    }
    if route:
        emitted |= {HTTP_ROUTE: route, URL_PATH: route}
    if status >= 500:
        emitted[ERROR_TYPE] = str(status)
    return span(name, emitted | dict(about), *parts, kind="SERVER")


def stages(topic: Tree | None = None, **others: Part | None) -> tuple[Tree | AtOnce, ...]:
    """The stages of a recommendation in their order: the normal tree, stated here only.

    `topic`: what runs beside the retrieval. `others`: stages that differ by name; None: absent.
    """
    pages = topic is not None and bool(topic.attributes[v.TOPIC_PAGES])
    normal: dict[str, Any] = {
        "analyze": analyzed(), "retrieve": retrieved(), "score": scored(pages=pages),
        "rank": ranked(pages=pages),
    }  # fmt: skip
    found = normal | others
    if topic:
        found["retrieve"] = at_once(*(each for each in (found["retrieve"], topic) if each))
    return tuple(each for each in found.values() if each)


def answered(
    *first: Part,
    topic: Tree | None = None,
    missing: tuple[str, ...] | None = None,
    name: str = "POST /recommend",
    cache: str = "miss",
    **others: Part | None,
) -> Tree:
    """The span of a request that was answered with a recommendation; for `others` see `stages`.

    `first`: parts before the stages. `missing`: by default what failed in `topic`. `cache`: what
    the cache of answers had: after a hit only the analysis and `topic` remain; empty: not asked.
    """
    if missing is None:
        missing = ("topic_signal",) if topic and ERROR_TYPE in topic.attributes else ()
    about: dict[str, Any] = {
        **FUSION, v.DEGRADED: bool(missing), v.RECOMMENDATION_ID: RECOMMENDATION,
    }  # fmt: skip
    if missing:
        about[v.MISSING] = missing
    if cache:
        about |= {v.CACHE_OUTCOME: cache, v.ANSWERED: YES_OR_NO}
    if cache == "miss":
        first = (v.CACHE_MISS, *first)
    if cache == "hit":
        return server(name, 200, about, *first, analyzed(), *filter(None, [topic]))
    return server(name, 200, about, *first, *stages(topic, **others))


def refused(name: str, status: int, problem: str, *parts: Part) -> Tree:
    """The span of a request that was answered with a problem."""
    if status == 422:
        parts = (v.CORE.invalid, *parts)
    return server(name, status, {v.CORE.problem: problem}, *parts)


def analyzed(terms: int = 2) -> Tree:
    """The analysis of a short question with words that are all known."""
    emitted = {v.TERM_COUNT: terms, v.LENGTH_BUCKET: "1-20", v.OOV_RATIO: 0.0, v.CORRECTED: 0}
    return span(ANALYZE, emitted)


def retrieved() -> Tree:
    return span(RETRIEVE, {v.CANDIDATES: COUNT}, select(WORDS))


def topic(
    outcome: str, pages: int, *parts: Part, error: str = "", cause: str = "", code: str = ""
) -> Tree:
    """The stage of the topic signal; with the first cause of a failure, if it is another one."""
    emitted: dict[Any, Any] = {v.TOPIC_OUTCOME: outcome, v.TOPIC_PAGES: pages}
    about = {ERROR_TYPE: error, v.CORE.cause: cause, v.CORE.code: code}
    return span(
        FETCH_TOPIC, emitted | {name: value for name, value in about.items() if value}, *parts
    )


def scored(*events: Event | str, error: str = "", cause: str = "", pages: bool = False) -> Tree:
    """The scoring; `pages`: Wikipedia found some."""
    emitted = FUSION | {v.WEIGHTS: WEIGHTS} | ({ERROR_TYPE: error} if error else {})
    emitted |= {v.CORE.cause: cause} if cause else {}
    return span(SCORE, emitted | ({v.TOPIC_STRENGTH: SCORE_VALUE} if pages else {}), *events)


def ranked(shown: int = 5, *, typed: bool = True, pages: bool = False) -> Tree:
    """The ranking of that many results, for a typed query or for a document."""
    emitted = {
        v.RESULTS: shown, v.SCORE_TOP: SCORE_VALUE, v.SCORE_BUCKET: BUCKET,
        v.SCORE_MARGIN: SCORE_VALUE,
    }  # fmt: skip
    legs = LEGS if pages else LEGS[:-1]
    emitted |= {v.CONTRIBUTIONS[leg]: SCORE_VALUE for leg in legs}
    if typed:
        emitted |= {v.RELEVANCE: SCORE_VALUE, v.ANSWERED: YES_OR_NO}
    return span(RANK, emitted, select(SHOWN.format(",".join("?" * shown))))


def noted(name: str, error: str) -> Event:
    """An event with the failure behind it."""
    return Event(name, {ERROR_TYPE: error})


def written(database: str) -> tuple[Tree, Tree]:
    """A write transaction, and the wait for its lock."""
    emitted = {v.DATABASE: database}
    return span(AWAIT_LOCK, emitted), span(TRANSACTION, emitted)


def get(
    status: int | None = None, *parts: Part, error: str | Like = "", phase: str = "first_byte"
) -> Tree:
    """A call to the stand-in, on a connection of its own, that ended in a phase."""
    emitted: dict[str, Any] = {
        HTTP_REQUEST_METHOD: "GET",
        URL_FULL: STAND_IN,
        SERVER_ADDRESS: "127.0.0.1",
        SERVER_PORT: PORT,
        "url.template": PATH,
        v.CORE.phase: phase,
        v.CORE.phase_seconds["connect"]: SECONDS,
    }
    if status or isinstance(error, Like):
        emitted[v.CORE.phase_seconds["first_byte"]] = SECONDS
    if status:
        emitted[HTTP_RESPONSE_STATUS_CODE] = status
    if error:
        emitted[ERROR_TYPE] = error
    return client(f"GET {PATH}", emitted, *parts)


def select(statement: str) -> Tree:
    """A statement."""
    about = {
        DB_SYSTEM_NAME: "sqlite", DB_OPERATION_NAME: "SELECT", DB_QUERY_TEXT: statement,
    }  # fmt: skip
    return client("SELECT", about)


def feedback(status: int, rank: str, repeated: bool, link: Link) -> Tree:
    """The span of a click on a result."""
    emitted = {
        **FUSION,
        v.FEEDBACK_KIND: "click",
        v.RANK_BUCKET: rank,
        v.REPEATED: repeated,
        v.RECOMMENDATION_ID: RECOMMENDATION,
    }
    return server("POST /feedback", status, emitted, link, *written("journal"))
