"""What a request over ClickHouse's HTTP interface asks.

https://clickhouse.com/docs/interfaces/http
"""

import hmac
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers, QueryParams

from observatory.engine import Escaped
from observatory.interface import frames
from observatory.unpacking import DEFLATE, GZIP, Damaged, TooLarge, inflated, unlz4

LONGEST_QUERY = 262_144
_INSERT = re.compile(
    rb"""\s*INSERT\s(?:[^'"`]|'[^']*'|"[^"]*"|`[^`]*`)*?\sFORMAT\s+\w+(?:[ \t]*\n|\s)""",
    re.IGNORECASE,
)
"""An INSERT with its data behind it; of binary formats these begin after one line feed."""


class Refusal(Exception):
    """A request that is not carried out: HTTP's status, ClickHouse's code, and why."""

    def __init__(self, http: int, code: int, name: str, message: str) -> None:
        super().__init__(message)
        self.http, self.code, self.name = http, code, name


@dataclass(frozen=True, slots=True)
class Asked:
    """One statement, as it was sent."""

    sql: str
    data: bytes
    """Of an INSERT."""
    database: str
    format: str
    """Of the answer, where the statement names none."""
    parameters: Mapping[str, str]
    framed: bool
    """Whether the answer goes in ClickHouse's own compressed frames."""
    protocol: int
    """Which protocol version the client speaks in Native; 0: HTTP's own."""


def asked(query: QueryParams, headers: Headers, body: bytes, most: int) -> Asked:
    """The statement from the query string or the body, which has at most `most` bytes unpacked.

    Raises:
        Refusal: the body is packed in no known way, or the statement is too long.

    """
    body = _unpacked(
        headers.get("content-encoding", "").lower(), query.get("decompress") == "1", body, most
    )
    sql, data = query.get("query", ""), body
    if not sql:
        inline = _INSERT.match(body[:LONGEST_QUERY])
        statement, data = (inline[0], body[inline.end() :]) if inline else (body, b"")
        sql = statement.decode(errors="replace")
    if len(sql) > LONGEST_QUERY:
        raise Refusal(
            413, 307, "TOO_MANY_BYTES", f"a statement has at most {LONGEST_QUERY:,} bytes"
        )
    return Asked(
        sql=sql,
        data=data,
        database=query.get("database") or headers.get("x-clickhouse-database") or "default",
        format=query.get("default_format") or headers.get("x-clickhouse-format") or "TabSeparated",
        parameters={
            name.removeprefix("param_"): Escaped(value)
            for name, value in query.items()
            if name.startswith("param_")
        },
        framed=query.get("compress") == "1",
        protocol=_number(query.get("client_protocol_version", "0")),
    )


def too_large(most: int) -> Refusal:
    """The body has more than `most` bytes, packed or not."""
    return Refusal(413, 307, "TOO_MANY_BYTES", f"a body has at most {most:,} bytes")


def _number(said: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", said):
        raise Refusal(400, 72, "CANNOT_PARSE_NUMBER", f"a version is a number, not {said[:40]!r}")
    return int(said)


def may_write(query: QueryParams, headers: Headers, token: str) -> bool:
    """Whether the request has the token; without any password it may read.

    Raises:
        Refusal: it has a password, and the wrong one.

    """
    given = _password(query, headers)
    if not given:
        return False
    if token and hmac.compare_digest(given.encode(), token.encode()):
        return True
    raise Refusal(403, 516, "AUTHENTICATION_FAILED", "reading needs no password, writing the token")


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


def _unpacked(encoding: str, framed: bool, body: bytes, most: int) -> bytes:
    try:
        if encoding in ("", "identity"):
            plain = body
        elif encoding in ("gzip", "deflate"):
            plain = inflated(body, GZIP if encoding == "gzip" else DEFLATE, most)
        elif encoding == "lz4":
            plain = unlz4(body, most)
        else:
            known = "identity, gzip, deflate or lz4"
            raise Refusal(415, 73, "UNKNOWN_COMPRESSION_METHOD", f"send {known}, not {encoding}")
        return frames.opened(plain, most) if framed else plain
    except Damaged as error:
        raise Refusal(400, 271, "CANNOT_DECOMPRESS", f"can't unpack the body: {error}") from error
    except TooLarge as error:
        raise too_large(most) from error
