"""Host check: requests under a name that is not this service's (DNS rebinding) are refused.

Starlette's TrustedHostMiddleware knows patterns of names only: it cannot allow every address and
every short name, by which containers and machines nearby ask, and answers 400 in plain text.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import Problem
from app.settings import ServerSettings

LOOPBACK = "*.localhost"


class HostGuard:
    """ASGI middleware; answers 421 itself.

    A page of another site can make its own domain name resolve to this machine. It cannot make an
    address its own, nor a name without a dot, which public DNS does not have: these are allowed.
    So is a request without a Host header, which no browser sends.
    """

    def __init__(self, app: ASGIApp, server: ServerSettings) -> None:
        self._app = app
        listed = (each.strip().lower() for each in server.allowed_hosts.split(","))
        self._allowed = {LOOPBACK, server.host.lower(), *filter(None, listed)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for name, value in scope["headers"]:
                if name == b"host" and not self._allows(host := value.decode("latin-1")):
                    await _misdirected(host).response()(scope, receive, send)
                    return
        await self._app(scope, receive, send)

    def _allows(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").removesuffix(".")
        except ValueError:
            return False
        return "." not in name or self._lists(name) or _is_address(name) or "*" in self._allowed

    def _lists(self, name: str) -> bool:
        """Whether the name stands in the list, or a pattern for all names below a domain."""
        _, *parents = name.split(".")
        patterns = {"*." + ".".join(parents[at:]) for at in range(len(parents))}
        return name in self._allowed or not patterns.isdisjoint(self._allowed)


def _is_address(name: str) -> bool:
    try:
        ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


def _misdirected(host: str) -> Problem:
    what_to_do = (
        f"“{host[:80]}” is no name of this service. If it should be, add it to "
        "VITRINE_SERVER__ALLOWED_HOSTS and start again."
    )
    return Problem(421, "misdirected", "Asked by an unknown name", what_to_do)
