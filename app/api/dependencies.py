"""What several handlers depend on: the running parts, permission to write, known categories."""

import secrets
from collections.abc import Iterable
from itertools import islice
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.api.admission import CHARGE, Charge
from app.api.problems import Problem, invalid
from app.api.rate_limit import client_of
from app.catalogue.store import Catalogue
from app.composition import Parts


async def _parts(request: Request) -> Parts:
    parts: Parts = request.state.parts
    return parts


async def _charge(request: Request) -> Charge:
    charge: Charge = request.scope[CHARGE]
    return charge


ChargeDep = Annotated[Charge, Depends(_charge)]
MAX_LISTED = 50
"""Categories that an error message lists at most."""
PartsDep = Annotated[Parts, Depends(_parts)]
_bearer = HTTPBearer(auto_error=False, description="VITRINE_TOKEN")


async def may_write(
    parts: PartsDep, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> None:
    """Raises Problem (401, 403) unless the request carries the token of the settings."""
    token = parts.settings.token
    if token is None:
        detail = "Set VITRINE_TOKEN (16 characters or more) and restart the service."
        raise Problem(403, "writing-off", "Writing is disabled", detail)
    sent = given.credentials if given else ""
    if not secrets.compare_digest(sent.encode(), token.get_secret_value().encode()):
        detail = "Send “Authorization: Bearer …” with the token from VITRINE_TOKEN."
        raise Problem(401, "unauthorized", "Unauthorized", detail, {"WWW-Authenticate": "Bearer"})


def split_user(request: Request, parts: Parts) -> str | None:
    """What tells this user apart from others, as the settings say; None if it is not needed, or
    the request has none. Not a dependency: solving one costs a cached answer a tenth of its CPU.
    """
    kind, _, name = parts.settings.split.key.partition(":")
    if not parts.split.share:
        return None
    if kind == "client":
        return client_of(request.scope) or None
    return (request.headers if kind == "header" else request.cookies).get(name)


def check_categories(catalogue: Catalogue, names: Iterable[str], pointer: str) -> None:
    """Raises Problem (422, with a list of the categories) for one that no document has.

    `pointer`: where the request names the categories.
    """
    unknown = [name for name in names if not catalogue.has_category(name)]
    if not unknown:
        return
    known = [name for name in catalogue.categories() if name]
    more = f" and {len(known) - MAX_LISTED} more" if len(known) > MAX_LISTED else ""
    listed = ", ".join(islice(known, MAX_LISTED)) or "none"
    raise invalid(pointer, f"there is no category “{min(unknown)}”; there are: {listed}{more}")
