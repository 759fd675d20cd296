"""Limits on request and response bodies: size, time and the memory budget."""

import asyncio
import logging
from collections.abc import Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from observatory.compression import BodyError, TooLarge
from observatory.memory_budget import Account, BudgetExceeded, MemoryBudget, reserve

logger = logging.getLogger(__name__)

BODY_SECONDS = 30
"""Deadline for receiving a request body."""
UNREAD_SECONDS, READ_BYTES_A_SECOND = 30, 256 << 10
"""A client has UNREAD_SECONDS, plus time in proportion to the size, to read a response."""
CHUNK = 256 << 10


async def body(request: Request, most: int) -> bytes:
    """The body as received, at most `most` bytes. Its size counts in the request's account.

    Raises:
        TooLarge: it has more bytes.
        BodyError: the client disconnected, or was too slow.
        BudgetExceeded: the memory budget is exhausted.

    """
    chunks, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > most:
                    raise TooLarge
                reserve(len(chunk))
                chunks.append(chunk)
    except ClientDisconnect as error:
        raise BodyError("the client disconnected") from error
    except TimeoutError as error:
        raise BodyError(f"the body did not arrive within {BODY_SECONDS} seconds") from error
    return b"".join(chunks)


class BoundedResponses:
    """Middleware: the memory of a request and its response counts in the budget until it is sent.

    When the budget is exhausted, or the server stops before the response is ready (uvicorn then
    cancels the request), the response of `refusal(scope, stopping)` is sent instead. A response
    that the client does not read in time is aborted.
    """

    def __init__(
        self, app: ASGIApp, budget: MemoryBudget, refusal: Callable[[Scope, bool], Response]
    ) -> None:
        self._app, self._budget, self._refusal = app, budget, refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with self._budget.account() as account:
            sender = _Sender(send, account)
            try:
                await self._app(scope, receive, sender)
            except BudgetExceeded:
                if sender.started:
                    raise
                await self._refusal(scope, False)(scope, receive, send)
            except asyncio.CancelledError:
                if not sender.started:
                    await self._refusal(scope, True)(scope, receive, send)
            except UnreadError:
                logger.warning(
                    "a client did not read its response in time; the response is aborted"
                )


class _Sender:
    """Sends a response in chunks; counts its body in the account before anything is sent."""

    def __init__(self, send: Send, account: Account) -> None:
        self.started = False
        self._send, self._account = send, account
        self._pending: list[Message] = []

    async def __call__(self, message: Message) -> None:
        if message["type"] != "http.response.body":
            self._pending.append(message)
            return
        content = message.get("body", b"")
        self._account.reserve_at_least(len(content))
        self.started = True
        for each in self._pending:
            await self._send(each)
        self._pending.clear()
        await _sent(self._send, content, message.get("more_body", False))


class UnreadError(Exception):
    """The client does not read its response."""


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
