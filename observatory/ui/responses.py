"""JSON responses of the API, and errors as RFC 9457 problem details."""

import json
import re
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from observatory.query.reader import TooManyQueries
from observatory.query.statements import NotAllowed
from observatory.store.engine import EngineError, EngineGone, EngineStopping
from observatory.ui.static_files import HEADERS


class JsonResponse(Response):
    """A JSON response that is not cached."""

    def __init__(
        self,
        content: Any,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str = "application/json",
    ) -> None:
        """`content`: a JSON value, or bytes that are JSON already."""
        given = HEADERS | {"Cache-Control": "no-store"} | dict(headers or {})
        super().__init__(content, status, given, media_type)

    def render(self, content: Any) -> bytes:
        """Encode as UTF-8; lone surrogates become question marks."""
        if isinstance(content, bytes):
            return content
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.encode(errors="replace")


MEDIA_TYPE = "application/problem+json"
MAX_DETAIL_LENGTH = 2000
"""Characters; the engine's messages quote the statement."""
RETRY_SECONDS = 1
_CODE = re.compile(r"^Code: (\d+)\. (?:DB::Exception: )?", re.DOTALL)
_NESTED = re.compile(r"Code: \d+\. DB::Exception: ")
_TAIL = re.compile(r"(?:\s*\((?:version [^()]*(?:\([^()]*\))?|[A-Z_]+)\)\.?)+\s*$")
_STACK = re.compile(r"\s*(?:Stack trace:.*|, Stack trace \(when copying.*)$", re.DOTALL)


class Problem(Exception):
    """An error that is sent as problem details; raise it anywhere below a handler."""

    def __init__(self, status: int, name: str, title: str, detail: str) -> None:
        """`name` completes the type URI `urn:vitrine:problem:…`."""
        super().__init__(detail)
        self.status, self.name, self.title, self.detail = status, name, title, detail

    def response(self) -> JsonResponse:
        """The response; with Retry-After for 503."""
        content = {
            "type": f"urn:vitrine:problem:{self.name}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        retry = {"Retry-After": str(RETRY_SECONDS)} if self.status == 503 else {}
        return JsonResponse(content, self.status, retry, MEDIA_TYPE)


def stopping() -> Problem:
    """503 for a request that the shutdown of the observatory interrupts."""
    return Problem(503, "stopping", "The observatory is stopping", "Retry when it runs again.")


def invalid(parameter: str, detail: str) -> Problem:
    """422 for a parameter; `detail` is appended to its name."""
    return Problem(422, "invalid-input", "The input is not valid", f"{parameter}: {detail}")


def query_problem(error: EngineError | NotAllowed | TooManyQueries) -> Problem:
    """The problem for a query that was refused or failed."""
    if isinstance(error, NotAllowed):
        return Problem(403, "not-allowed", "Not allowed", str(error))
    if isinstance(error, TooManyQueries):
        return Problem(503, "busy", "Too many queries at once", str(error))
    return engine_problem(error) or Problem(
        400, "query-failed", "The query failed", short_message(error)
    )


def engine_problem(error: EngineError) -> Problem | None:
    """The problem if the engine was unavailable; None if the query itself failed."""
    if isinstance(error, EngineStopping):
        return stopping()
    if isinstance(error, EngineGone):
        return Problem(503, "restarted", "The engine was restarted", "Retry in a moment.")
    return None


def short_message(error: EngineError) -> str:
    """The engine's message without version, error class and stack trace."""
    message = _STACK.sub("", str(error))
    message = _NESTED.sub("", _CODE.sub("", message))
    message = _TAIL.sub("", message).strip()
    return message if len(message) <= MAX_DETAIL_LENGTH else message[:MAX_DETAIL_LENGTH] + "…"
