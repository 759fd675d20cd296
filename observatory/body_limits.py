"""Bodies of requests and answers: bounded in bytes, in time and by the memory budget."""

import asyncio
import logging
from collections.abc import Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from observatory.decompression import Damaged, TooLarge
from observatory.memory_budget import Full, MemoryBudget, take

logger = logging.getLogger(__name__)

BODY_SECONDS = 30
"""How long the body of a request may take to arrive."""
UNREAD_SECONDS, READ_BYTES_A_SECOND = 30, 256 << 10
"""How long an answer may take to be read: so long, and longer by its size."""
CHUNK = 256 << 10


async def body(request: Request, most: int) -> bytes:
    """The body as it was sent, of at most `most` bytes.

    Raises:
        TooLarge
        Damaged: the sender went away, or was too slow.
        Full: there is no memory for it.

    """
    chunks, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > most:
                    raise TooLarge
                take(len(chunk))
                chunks.append(chunk)
    except ClientDisconnect as error:
        raise Damaged("the sender went away") from error
    except TimeoutError as error:
        raise Damaged(f"the rest did not come within {BODY_SECONDS} seconds") from error
    return b"".join(chunks)


class BoundedAnswers:
    """Middleware: what a request and its answer hold counts in the budget until it is sent.

    An answer for which there is no room becomes a refusal; one that isn't read is broken off.
    """

    def __init__(
        self, app: ASGIApp, budget: MemoryBudget, refusal: Callable[[Scope], Response]
    ) -> None:
        self._app, self._budget, self._refusal = app, budget, refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with self._budget.account() as account:
            begun: list[Message] = []
            started = False

            async def bounded(message: Message) -> None:
                nonlocal started
                if message["type"] != "http.response.body":
                    begun.append(message)
                    return
                content = message.get("body", b"")
                account.cover(len(content))
                started = True
                for each in begun:
                    await send(each)
                begun.clear()
                await _sent(send, content, message.get("more_body", False))

            try:
                await self._app(scope, receive, bounded)
            except Full:
                if started:
                    raise
                await self._refusal(scope)(scope, receive, send)
            except UnreadError:
                logger.warning("an answer was not read in time and is broken off")


class UnreadError(Exception):
    """The client does not read its answer."""


async def _sent(send: Send, content: bytes, more: bool) -> None:
    view, kind = memoryview(content), "http.response.body"
    try:
        async with asyncio.timeout(UNREAD_SECONDS + len(content) / READ_BYTES_A_SECOND):
            for at in range(0, len(content), CHUNK):
                part = bytes(view[at : at + CHUNK])
                await send({"type": kind, "body": part, "more_body": True})
            await send({"type": kind, "body": b"", "more_body": more})
    except TimeoutError as error:
        raise UnreadError from error
