"""Answers of the API: JSON that no browser takes for anything else, and that nobody keeps."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from observatory.page.files import HEADERS


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
