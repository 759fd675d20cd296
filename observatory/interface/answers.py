"""Answers as a ClickHouse server gives them."""

import re
from uuid import uuid4

from starlette.responses import Response

from observatory.engine import EngineError
from observatory.interface import frames
from observatory.interface.asked import Asked, Refusal

TYPES = {
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8",
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
}
STATUSES = {60: 404, 81: 404, 47: 404, 46: 404, 62: 400, 6: 400, 164: 403, 497: 403, 159: 408}
"""HTTP's for some of ClickHouse's codes; 500 for the others."""
_CODE = re.compile(r"Code: (\d+)\.")


def result(content: bytes, output: str, question: Asked) -> Response:
    """Rows in the format asked for."""
    body = frames.closed(content) if question.framed else content
    return Response(
        body, headers=_headers(output), media_type=TYPES.get(output, "application/octet-stream")
    )


def inserted() -> Response:
    """Rows were stored."""
    return Response(b"", headers=_headers(""))


def failed(error: EngineError, question: Asked) -> Response:
    """The engine said no."""
    found = _CODE.search(str(error))
    code = int(found[1]) if found else 1002
    return _error(STATUSES.get(code, 500), code, str(error), framed=question.framed)


def refused(refusal: Refusal, *, framed: bool) -> Response:
    """We said no."""
    said = f"Code: {refusal.code}. DB::Exception: {refusal}. ({refusal.name})"
    return _error(refusal.http, refusal.code, said, framed=framed)


def _error(http: int, code: int, message: str, *, framed: bool) -> Response:
    headers = {**_headers(""), "X-ClickHouse-Exception-Code": str(code)}
    said = message.encode() + b"\n"
    body = frames.closed(said) if framed else said
    return Response(body, http, headers=headers, media_type="text/plain")


def _headers(output: str) -> dict[str, str]:
    return {
        "X-ClickHouse-Server-Display-Name": "observatory",
        "X-ClickHouse-Query-Id": str(uuid4()),
        "X-ClickHouse-Timezone": "UTC",
        "X-Content-Type-Options": "nosniff",  # what a query says is no script of another page
        "Cross-Origin-Resource-Policy": "same-origin",
        **({"X-ClickHouse-Format": output} if output else {}),
    }
