"""JSON responses of the API, and RFC 9457 problem details with what to do about them."""

import json
import re
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from observatory.query.reader import TooMany
from observatory.query.statements import NotAllowed
from observatory.store.engine import EngineError
from observatory.ui.static_files import HEADERS


class Answer(Response):
    """JSON; what came from telemetry is data in it and never more."""

    def __init__(
        self,
        content: Any,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str = "application/json",
    ) -> None:
        """`content`: what JSON can say, or bytes that are JSON already."""
        given = HEADERS | {"Cache-Control": "no-store"} | dict(headers or {})
        super().__init__(content, status, given, media_type)

    def render(self, content: Any) -> bytes:
        """As UTF-8; halves of surrogate pairs, which it can't say, become question marks."""
        if isinstance(content, bytes):
            return content
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.encode(errors="replace")


MEDIA_TYPE = "application/problem+json"
LONGEST_DETAIL = 2000
"""Characters; the engine quotes what it was given."""
RETRY_SECONDS = 1
_CODE = re.compile(r"^Code: (\d+)\. (?:DB::Exception: )?", re.DOTALL)
_NESTED = re.compile(r"Code: \d+\. DB::Exception: ")
_TAIL = re.compile(r"(?:\s*\((?:version [^()]*(?:\([^()]*\))?|[A-Z_]+)\)\.?)+\s*$")
_STACK = re.compile(r"\s*(?:Stack trace:.*|, Stack trace \(when copying.*)$", re.DOTALL)


class Problem(Exception):
    """An error with an answer: raise it anywhere below a handler."""

    def __init__(self, status: int, name: str, title: str, detail: str) -> None:
        """`name` completes the type, `urn:vitrine:problem:…`."""
        super().__init__(detail)
        self.status, self.name, self.title, self.detail = status, name, title, detail

    def answer(self) -> Answer:
        """The problem as an answer."""
        content = {
            "type": f"urn:vitrine:problem:{self.name}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        again = {"Retry-After": str(RETRY_SECONDS)} if self.status == 503 else {}
        return Answer(content, self.status, again, MEDIA_TYPE)


def invalid(parameter: str, detail: str) -> Problem:
    """422 for a parameter; `detail` goes on from its name."""
    return Problem(422, "invalid-input", "The input is not valid", f"{parameter}: {detail}")


def refused(error: EngineError | NotAllowed | TooMany) -> Problem:
    """For a query that was not run, or not to its end."""
    if isinstance(error, NotAllowed):
        return Problem(403, "not-allowed", "Readers may not do this", str(error))
    if isinstance(error, TooMany):
        return Problem(503, "busy", "Too many queries at once", str(error))
    return Problem(400, "query-failed", "The query can't be answered", said(error))


def said(error: EngineError) -> str:
    """The engine's message without its version, the name of the error's class and stacks."""
    words = _STACK.sub("", str(error))
    words = _NESTED.sub("", _CODE.sub("", words))
    words = _TAIL.sub("", words).strip()
    return words if len(words) <= LONGEST_DETAIL else words[:LONGEST_DETAIL] + "…"
