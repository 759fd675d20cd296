"""The last line: an error that nothing else answers."""

import logging

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import Problem

log = logging.getLogger(__name__)


class Unexpected:
    """ASGI middleware: logs it, and answers with a problem."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            return  # nobody waits for an answer
        except Exception:
            log.exception("unhandled error", extra={"otel.event.name": "exception"})
            if begun:  # too late for an answer; the connection must break
                raise
            told = "This is a fault of the service, not of your request; trying again may help."
            problem = Problem(500, "internal", "Something went wrong here", told)
            await problem.response()(scope, receive, send)
