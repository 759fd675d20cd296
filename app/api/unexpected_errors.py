"""Middleware for unhandled exceptions."""

import logging

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import Problem
from app.telemetry.kit.exceptions import EVENT, EVENT_NAME

log = logging.getLogger(__name__)


class Unexpected:
    """ASGI middleware that logs an unhandled exception and responds with a problem (500).

    The telemetry kit has one too; this one also works when telemetry is off.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_noting_start(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_noting_start)
        except ClientDisconnect:
            return
        except Exception:
            log.exception("unhandled error", extra={EVENT_NAME: EVENT})
            if started:  # too late for another response: abort the connection
                raise
            detail = "This is a fault of the service, not of your request; a retry may help."
            problem = Problem(500, "internal", "Internal error", detail)
            await problem.response()(scope, receive, send)
