"""What handlers depend on: the running parts, and the right to write."""

import secrets
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.api.problems import Problem
from app.composition import Parts


async def _parts(request: Request) -> Parts:
    parts: Parts = request.state.parts
    return parts


PartsDep = Annotated[Parts, Depends(_parts)]
_bearer = HTTPBearer(auto_error=False, description="VITRINE_TOKEN")


async def may_write(
    parts: PartsDep, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> None:
    """Raises Problem unless the request carries the token of the settings."""
    token = parts.settings.token
    if token is None:
        told = "Writing is off. Set VITRINE_TOKEN (16 characters or more) and start again."
        raise Problem(403, "writing-off", "Writing is off", told)
    sent = given.credentials if given else ""
    if not secrets.compare_digest(sent.encode(), token.get_secret_value().encode()):
        told = "Send “Authorization: Bearer …” with the token of VITRINE_TOKEN."
        raise Problem(401, "unauthorized", "Not allowed", told, {"WWW-Authenticate": "Bearer"})
