"""Host check against DNS rebinding: refuses requests for unknown host names.

Starlette's TrustedHostMiddleware knows patterns of names only: it cannot allow every IP address and
every name without a dot, as used by containers and in local networks, and responds with plain text.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import Problem
from app.settings import ServerSettings

LOOPBACK = "*.localhost"


class HostGuard:
    """ASGI middleware that responds with 421.

    Another site can make its own domain name resolve to this machine. It cannot do so with an IP
    address or with a name without a dot, which public DNS does not have: these are allowed. So are
    requests without a Host header, which no browser sends.
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
        """Whether the list contains the name, or a pattern for one of its parent domains."""
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
        f"“{host[:80]}” is not an allowed host name. To allow it, add it to "
        "VITRINE_SERVER__ALLOWED_HOSTS and restart the service."
    )
    return Problem(421, "misdirected", "Unknown host name", what_to_do)
