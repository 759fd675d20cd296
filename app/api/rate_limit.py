"""Who counts as one client, and how many requests a second it may send."""

from collections.abc import Callable, MutableMapping
from ipaddress import ip_address

from cachetools import LRUCache
from starlette.types import Scope

CLIENTS_KNOWN = 10_000
IPV6_NETWORK = 64


def client_key(host: str) -> str:
    """What an address is counted as: itself, or its /64 network, which is what one user of IPv6
    has all addresses of."""
    if ":" not in host:
        return host
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    return address.packed[: IPV6_NETWORK // 8].hex()


def client_of(scope: Scope) -> str:
    """The client of a request; behind trusted proxies the one that they name."""
    return client_key(scope["client"][0]) if scope.get("client") else ""


class RateLimit:
    """The generic cell rate algorithm: a steady rate, with bursts.

    Two numbers a client, and the clients longest unseen forgotten first, which is why this is not
    a library: those at hand keep every client and run timers.
    """

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float]) -> None:
        self._interval, self._tolerance = 1 / per_second, burst / per_second
        self._clock = clock
        self._due: MutableMapping[str, float] = LRUCache(CLIENTS_KNOWN)

    def wait(self, client: str) -> float:
        """Count one request; 0 if it may go on, else the seconds until it may."""
        now = self._clock()
        due = max(self._due.get(client, now), now) + self._interval
        if due - now > self._tolerance:
            return due - now - self._tolerance
        self._due[client] = due
        return 0.0
