"""Responses as a ClickHouse server sends them.

The query id of the request, or a new one, is returned in a header.
"""

import gzip
import json
import re
from collections.abc import Callable
from functools import partial
from uuid import uuid4

import lz4.frame
from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response

from observatory.clickhouse_http import compressed_frames
from observatory.clickhouse_http.request import Refusal
from observatory.compression import compress_zstd
from observatory.memory_budget import RETRY_SECONDS
from observatory.store.engine import EngineError, EngineGone, Result

TYPES = {
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8",
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
}
ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": compress_zstd,
    "lz4": lz4.frame.compress,
    "gzip": partial(gzip.compress, compresslevel=1),
}
STATUSES = {
    **dict.fromkeys((46, 47, 50, 56, 60, 73, 81, 115, 336), 404),  # unknown name
    **dict.fromkeys((6, 25, 26, 27, 38, 41, 44, 53, 62, 70, 72, 131), 400),  # cannot be parsed
    202: 503,
    164: 403,
    497: 403,
    159: 408,
}
"""HTTP statuses of ClickHouse error codes, as a server has them; 500 for the others."""
_ID = re.compile("[!-~]{1,256}")
_CODE = re.compile(r"Code: (\d+)\.")


def content_encoding(query: QueryParams, headers: Headers) -> str:
    """The content encoding to use for this client; empty for none."""
    accepted = headers.get("accept-encoding", "").lower()
    if query.get("enable_http_compression") != "1":
        return ""
    return next((name for name in ENCODERS if name in accepted), "")


def result(
    found: Result, output: str, query_id: str, *, framed: bool = False, encoding: str = ""
) -> Response:
    """Rows in the format `output`; compressed in frames (`framed`) or by HTTP (`encoding`)."""
    facts = {
        "read_rows": found.rows_read,
        "read_bytes": found.bytes_read,
        "written_rows": found.rows_written,
        "result_rows": found.rows,
        "result_bytes": len(found.content),
        "elapsed_ns": round(found.seconds * 10**9),
    }
    # Without this summary the Java client treats a result as empty.
    summary = json.dumps({name: str(fact) for name, fact in facts.items()})
    content = (
        compressed_frames.encode_frames(found.content)
        if framed and found.content
        else found.content
    )
    encoding_header = {"Content-Encoding": encoding} if encoding else {}
    return Response(
        ENCODERS[encoding](content) if encoding else content,
        headers=_headers(query_id, output) | {"X-ClickHouse-Summary": summary} | encoding_header,
        media_type=TYPES.get(output, "application/octet-stream"),
    )


def failed(error: EngineError, query_id: str, *, framed: bool) -> Response:
    """An error of the engine, with its code."""
    found = _CODE.search(str(error))
    code = int(found[1]) if found else 1002
    http = 503 if isinstance(error, EngineGone) else STATUSES.get(code, 500)
    return _error(http, code, str(error), query_id, framed=framed)


def refused(refusal: Refusal, query_id: str, *, framed: bool) -> Response:
    """An error of this interface, in the engine's form."""
    message = f"Code: {refusal.code}. DB::Exception: {refusal}. ({refusal.name})"
    return _error(refusal.http, refusal.code, message, query_id, framed=framed)


def query_id_of(given: str) -> str:
    """The query id: `given` if it is valid in a header, otherwise a new one."""
    return given if _ID.fullmatch(given) else str(uuid4())


def _error(http: int, code: int, message: str, query_id: str, *, framed: bool) -> Response:
    headers = {**_headers(query_id), "X-ClickHouse-Exception-Code": str(code)}
    if http == 503:
        headers["Retry-After"] = str(RETRY_SECONDS)
    content = message.encode(errors="replace") + b"\n"
    body = compressed_frames.encode_frames(content) if framed else content
    return Response(body, http, headers=headers, media_type="text/plain")


def _headers(query_id: str, output: str = "") -> dict[str, str]:
    return {
        "X-ClickHouse-Server-Display-Name": "observatory",
        "X-ClickHouse-Query-Id": query_id,
        "X-ClickHouse-Timezone": "UTC",
        "X-Content-Type-Options": "nosniff",  # a query's result must not run as a script
        "Cross-Origin-Resource-Policy": "same-origin",
        **({"X-ClickHouse-Format": output} if output else {}),
    }
