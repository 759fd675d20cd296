"""Parses a request of ClickHouse's HTTP interface: statement, data, parameters, settings, password.

https://clickhouse.com/docs/interfaces/http
"""

import hmac
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers, QueryParams

from observatory.clickhouse_http import compressed_frames
from observatory.compression import (
    DEFLATE,
    GZIP,
    BodyError,
    TooLarge,
    decompress_lz4,
    decompress_zstd,
    inflate,
)
from observatory.store.engine import Escaped

MAX_QUERY_BYTES = 262_144
_QUOTED = rb"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`"""
_INSERT = re.compile(
    rb"""\s*INSERT\s(?:[^'"`]|"""
    + _QUOTED
    + rb""")*?(?:\sFORMAT\s+(?!VALUES\b)\w+(?:[ \t]*\n|\s)"""
    + rb"""|[\s)](?:FORMAT\s+)?VALUES\s*(?=\(|\Z))""",
    re.IGNORECASE | re.DOTALL,
)
"""An INSERT up to its data; in binary formats the data begins after one line feed."""
_SELECTS = re.compile(_QUOTED + rb"|(\bSELECT\b)", re.IGNORECASE | re.DOTALL)
ACCEPTED = frozenset(
    (
        *("query", "query_id", "database", "default_format", "user", "password", "compress"),
        *("decompress", "client_protocol_version", "session_id", "session_timeout"),
        *("session_check", "close_session", "quota_key", "wait_end_of_query", "buffer_size"),
        *("send_progress_in_http_headers", "http_headers_progress_interval_ms"),
        *("enable_http_compression", "http_zlib_compression_level", "stacktrace"),
        *("cancel_http_readonly_queries_on_client_close", "http_wait_end_of_query"),
        *("http_response_buffer_size", "network_compression_method", "network_compression"),
        *("http_write_exception_in_output_format", "add_http_cors_header"),
    )
)
"""Parameters of the HTTP interface itself; all others except `param_…` are query settings."""


class Refusal(Exception):
    """A refused request: HTTP status, ClickHouse error code and name, and the reason."""

    def __init__(self, http: int, code: int, name: str, message: str) -> None:
        super().__init__(message)
        self.http, self.code, self.name = http, code, name


@dataclass(frozen=True, slots=True)
class StatementRequest:
    """One statement as received."""

    sql: str
    data: bytes
    """Rows of an INSERT, in the statement's format."""
    database: str
    format: str
    """Output format if the statement has no FORMAT clause."""
    parameters: Mapping[str, str]
    framed: bool
    """Whether the response is sent in ClickHouse's own compressed frames."""
    protocol: int
    """Protocol version of the client for Native; 0 if it sends none."""
    settings: Mapping[str, str]
    """Settings of the query, as text."""


def parse_request(query: QueryParams, headers: Headers, body: bytes, most: int) -> StatementRequest:
    """The statement from the query string or the body (at most `most` bytes decompressed).

    Raises:
        Refusal: the body's compression is unknown, or it or the statement is too long.

    """
    body = _decompress(
        headers.get("content-encoding", "").lower(), query.get("decompress") == "1", body, most
    )
    statement, data = _split(query.get("query", "").encode(errors="replace"), body)
    sql = statement.decode(errors="replace")
    if len(sql) > MAX_QUERY_BYTES:
        raise Refusal(
            413, 307, "TOO_MANY_BYTES", f"a statement has at most {MAX_QUERY_BYTES:,} bytes"
        )
    return StatementRequest(
        sql=sql,
        data=data,
        database=query.get("database") or headers.get("x-clickhouse-database") or "default",
        format=query.get("default_format") or headers.get("x-clickhouse-format") or _usual(headers),
        parameters={
            name.removeprefix("param_"): Escaped(value)
            for name, value in query.items()
            if name.startswith("param_")
        },
        framed=query.get("compress") == "1",
        protocol=_number(query.get("client_protocol_version", "0")),
        settings={
            name: value
            for name, value in query.items()
            if name not in ACCEPTED and not name.startswith("param_")
        },
    )


def _usual(headers: Headers) -> str:
    """ClickHouse's default format; with column names for a person who uses curl in a shell."""
    by_hand = headers.get("user-agent", "").startswith("curl/")
    return "TabSeparatedWithNames" if by_hand else "TabSeparated"


def _split(given: bytes, body: bytes) -> tuple[bytes, bytes]:
    """Statement and INSERT data; `given`: the part of both that the URL has."""
    given = given.rstrip(b"; \t\r\n")
    if not given:
        end = _end_of_insert(body[:MAX_QUERY_BYTES])
        return (body, b"") if end is None else (body[:end], body[end:])
    end = _end_of_insert(given + b"\n")
    if end is not None:
        return given[:end], given[end:] + body
    return (
        given + b"\n" + body if body else given
    ), b""  # the body continues the statement, as with a ClickHouse server


def _end_of_insert(text: bytes) -> int | None:
    """Where the data of an INSERT begins; None if it has none."""
    found = _INSERT.match(text)
    if found is None or any(each[1] for each in _SELECTS.finditer(found[0])):
        return None
    return found.end()


def too_large(most: int) -> Refusal:
    """The body has more than `most` bytes, compressed or decompressed."""
    return Refusal(413, 307, "TOO_MANY_BYTES", f"a body has at most {most:,} bytes")


def _number(digits: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", digits):
        raise Refusal(400, 72, "CANNOT_PARSE_NUMBER", f"a version is a number, not {digits[:40]!r}")
    return int(digits)


def may_write(query: QueryParams, headers: Headers, token: str) -> bool:
    """Whether the request has the write token; without a password it may only read.

    Raises:
        Refusal: the password is wrong.

    """
    password = _password(query, headers)
    if password in ("", "null"):  # a JDBC driver sends "null" for no password
        return False
    if token and hmac.compare_digest(password.encode(), token.encode()):
        return True
    raise Refusal(
        403,
        516,
        "AUTHENTICATION_FAILED",
        "wrong password: reading needs none, writing needs the token",
    )


def _password(query: QueryParams, headers: Headers) -> str:
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            return b64decode(credentials).decode().partition(":")[2]
        except ValueError:  # neither base64 nor UTF-8
            return credentials
    if scheme.lower() == "bearer":
        return credentials
    return headers.get("x-clickhouse-key") or query.get("password", "")


def _decompress(encoding: str, framed: bool, body: bytes, most: int) -> bytes:
    try:
        if encoding in ("", "identity"):
            plain = body
        elif encoding in ("gzip", "deflate"):
            plain = inflate(body, GZIP if encoding == "gzip" else DEFLATE, most)
        elif encoding in ("lz4", "zstd"):
            plain = (decompress_lz4 if encoding == "lz4" else decompress_zstd)(body, most)
        else:
            known = "identity, gzip, deflate, lz4 or zstd"
            raise Refusal(415, 73, "UNKNOWN_COMPRESSION_METHOD", f"send {known}, not {encoding}")
        return compressed_frames.decode_frames(plain, most) if framed else plain
    except BodyError as error:
        raise Refusal(
            400, 271, "CANNOT_DECOMPRESS", f"can't decompress the body: {error}"
        ) from error
    except TooLarge as error:
        raise too_large(most) from error
