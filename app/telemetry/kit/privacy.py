"""Removes private data (user input and identity) from spans before they are exported.

The instrumentation libraries put paths, query strings, addresses and messages of exceptions on
spans, and SQLAlchemy's statements contain literals. `PrivateSpans` wraps the exporter and removes
these, for spans of any SDK. The spans of stages contain only what `facts` declares.
"""

import re
import secrets
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Sampler, SamplingResult
from opentelemetry.semconv.attributes.db_attributes import (
    DB_OPERATION_NAME,
    DB_QUERY_TEXT,
    DB_SYSTEM_NAME,
)
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.exception_attributes import (
    EXCEPTION_ESCAPED,
    EXCEPTION_TYPE,
)
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
)
from opentelemetry.semconv.attributes.server_attributes import SERVER_ADDRESS, SERVER_PORT
from opentelemetry.semconv.attributes.url_attributes import URL_FULL, URL_PATH
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, TraceState

REMOVED = frozenset(
    {
        "url.query", "user_agent.original", "user_agent.synthetic.type", "client.address",
        "client.port", "network.protocol.version", "network.peer.address", "network.peer.port",
        "db.namespace", "http.request.method_original",
    }
)  # fmt: skip
"""Attributes of the libraries that contain callers' data, or that are of no use."""
FROM_THE_CALLER = frozenset({SERVER_ADDRESS, SERVER_PORT})
"""On a server span these are the Host header."""

_NUMBER = r"(?<![\w$:?@.])\d[\w.]*"
_SINGLE, _DOUBLE = (rf"{q}(?:[^{q}]|{q}{q})*(?:{q}|$)" for q in "'\"")
"""Text in quotes, which may be missing at its end."""
_SINGLE_ESCAPED, _DOUBLE_ESCAPED = (
    rf"{q}(?:[^{q}\\]|\\.?|{q}{q})*(?:{q}|$)" for q in "'\""
)  # fmt: skip
"""The same with backslashes before quotes."""
_STANDARD = rf"\b[eE]{_SINGLE_ESCAPED}|{_SINGLE}"  # E'…' is PostgreSQL's
_MYSQL = rf"{_SINGLE_ESCAPED}|{_DOUBLE_ESCAPED}"
_STRINGS = {"mysql": _MYSQL, "mariadb": _MYSQL, "sqlite": rf"{_SINGLE}|{_DOUBLE}"}
"""By `db.system.name`. Text in double quotes is a string in MySQL, and in SQLite if no column has
that name; elsewhere it is a name."""


class Hasher:
    """Keyed hash of texts: 16 hexadecimal digits; case is ignored."""

    def __init__(self, key: str | None = None) -> None:
        """Without a key, a random one is used: hashes are comparable in this process only."""
        self._key = key.encode()[:64] if key else secrets.token_bytes(16)

    def __call__(self, text: str) -> str:
        plain = text.casefold().encode("utf-8", "replace")
        return blake2b(plain, digest_size=8, key=self._key).hexdigest()


class PrivateSampler(Sampler):
    """Removes the caller's `tracestate`, which can contain any text."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def should_sample(  # noqa: PLR0913, PLR0917 - the SDK's signature
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Any = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        result = self._sampler.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )
        result.trace_state = None
        return result

    def get_description(self) -> str:
        return self._sampler.get_description()


class PrivateSpans(SpanExporter):
    """Wraps an exporter and removes private data from spans."""

    def __init__(self, exporter: SpanExporter, *, plain: bool = False) -> None:
        """`plain`: remove only messages of exceptions, and keep all attributes."""
        self._exporter, self._plain = exporter, plain

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([private(each, plain=self._plain) for each in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def private(span: ReadableSpan, *, plain: bool = False) -> ReadableSpan:
    """The span without private data; the same object if it contains none."""
    events = [each for each in map(_private_event, span.events) if each is not None]
    attributes = None if plain else _private_attributes(span)
    if attributes is None and len(events) == len(span.events) and not span.status.description:
        return span
    attributes = dict(span.attributes or {}) if attributes is None else attributes
    failed = next((each for each in span.events if each.name == "exception"), None)
    if failed is not None and failed.attributes and EXCEPTION_TYPE in failed.attributes:
        name = str(failed.attributes[EXCEPTION_TYPE])
        attributes.setdefault(ERROR_TYPE, name.rpartition(".")[2])
    abandoned = URL_FULL in attributes and not {HTTP_RESPONSE_STATUS_CODE, ERROR_TYPE} & set(
        attributes
    )
    if abandoned:  # the library sets no attribute for a cancelled call
        attributes[ERROR_TYPE] = "cancelled"
    status = Status(StatusCode.ERROR if abandoned else span.status.status_code)
    return _Rewritten(span, attributes, events, status)  # without the description of the status


def rewritten(span: ReadableSpan, attributes: dict[str, Any]) -> ReadableSpan:
    """The span with other attributes."""
    return _Rewritten(span, attributes, span.events, span.status)


class _Rewritten(ReadableSpan):
    """A span with other attributes, events and status, and the original counts of dropped items."""

    def __init__(
        self,
        span: ReadableSpan,
        attributes: dict[str, Any],
        events: Sequence[Event],
        status: Status,
    ) -> None:
        super().__init__(
            name=span.name,
            context=span.get_span_context(),
            parent=span.parent,
            resource=span.resource,
            attributes=attributes,
            events=events,
            links=span.links,
            kind=span.kind,
            status=status,
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )
        self._original = span

    @property
    def dropped_attributes(self) -> int:
        return self._original.dropped_attributes

    @property
    def dropped_events(self) -> int:
        return self._original.dropped_events

    @property
    def dropped_links(self) -> int:
        return self._original.dropped_links


def _private_attributes(span: ReadableSpan) -> dict[str, Any] | None:
    """The attributes without private data; None if nothing changes."""
    found = span.attributes or {}
    server = span.kind is SpanKind.SERVER
    removed = [name for name in found if name in REMOVED or (server and name in FROM_THE_CALLER)]
    path, url, database = found.get(URL_PATH), found.get(URL_FULL), DB_SYSTEM_NAME in found
    if not removed and path is None and url is None and not database:
        return None
    attributes = {name: value for name, value in found.items() if name not in removed}
    if path is not None:  # a path can contain user input; its template can't
        attributes.pop(URL_PATH)
        if HTTP_ROUTE in attributes:
            attributes[URL_PATH] = attributes[HTTP_ROUTE]
    if url is not None:
        attributes[URL_FULL] = urlsplit(str(url))._replace(query="", fragment="").geturl()
    if database:  # required by the conventions; the library puts it only into the span's name
        attributes.setdefault(DB_OPERATION_NAME, span.name)
        if DB_QUERY_TEXT in attributes:
            statement, system = str(attributes[DB_QUERY_TEXT]), str(found[DB_SYSTEM_NAME])
            attributes[DB_QUERY_TEXT] = without_literals(statement, system)
    return attributes


@lru_cache(1024)
def without_literals(statement: str, system: str = "") -> str:
    """SQL with `?` for each string and number that is not a parameter.

    Comments and PostgreSQL's `$$…$$` stay: bind every value.
    """
    literal = f"{_STRINGS.get(system, _STANDARD)}|{_NUMBER}"
    return re.sub(literal, "?", statement, flags=re.DOTALL)


def _private_event(event: Event) -> Event | None:
    """The event; None for an exception recorded by a library, because of its message."""
    recorded_by_sdk = event.name == "exception" and EXCEPTION_ESCAPED in (event.attributes or {})
    return None if recorded_by_sdk else event
