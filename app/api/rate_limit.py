"""Rate limit per client (GCRA), and what counts as one client."""

from collections.abc import Callable, MutableMapping
from ipaddress import ip_address

from cachetools import LRUCache
from starlette.types import Scope

CLIENTS_KNOWN = 10_000
IPV6_NETWORK = 64


def client_key(host: str) -> str:
    """The key of a client: its IPv4 address, or its IPv6 /64 network, all of which one user has."""
    if ":" not in host:
        return host
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    return address.packed[: IPV6_NETWORK // 8].hex()


def client_of(scope: Scope) -> str:
    """The client key of a request; behind trusted proxies, of the address that they forward."""
    return client_key(scope["client"][0]) if scope.get("client") else ""


class RateLimit:
    """The generic cell rate algorithm (GCRA): a sustained rate, with bursts.

    Not a library, because those available keep every client and run timers. This keeps one number
    for each of the CLIENTS_KNOWN most recent clients.
    """

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float]) -> None:
        self._interval, self._tolerance = 1 / per_second, burst / per_second
        self._clock = clock
        self._due: MutableMapping[str, float] = LRUCache(CLIENTS_KNOWN)

    def wait(self, client: str, requests: int = 1) -> float:
        """Count requests; 0 if they are allowed, else the seconds until they would be."""
        now = self._clock()
        due = max(self._due.get(client, now), now) + requests * self._interval
        if due - now > self._tolerance:
            return due - now - self._tolerance
        self._due[client] = due
        return 0.0
