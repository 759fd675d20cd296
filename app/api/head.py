"""HEAD wherever GET is answered (RFC 9110, section 9.3.2)."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Head:
    """ASGI middleware, innermost: asks the routes as GET does, and leaves the body out.

    Around it the request stays what it is, so that it is counted and traced as HEAD.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        inner = {**scope, "method": "GET"}

        async def bodiless(message: Message) -> None:
            scope.update(inner | {"method": "HEAD"})  # the route, for instance
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app(inner, receive, bodiless)
