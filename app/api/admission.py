"""Admission control: refuses requests beyond the limits of one client or of the service.

The outermost middleware, outside of telemetry too, so that a refusal costs a fraction of a
response. Refusals are counted in the metrics; they have no trace and no log record.
"""

import math
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import Problem, invalid
from app.api.queue_delay import QueueDelay
from app.api.rate_limit import RateLimit, client_of
from app.settings import LimitSettings
from app.telemetry.kit.minimal_scope import route_path
from app.telemetry.kit.requests import RECEIVED

CHARGE = "vitrine.charge"
"""Key in the ASGI scope of the request's `Charge`."""
EXEMPT = frozenset({"/livez", "/readyz", "/version"})
"""Paths without admission control: operators need them during an overload."""
Refused = Callable[[str, int | None, Scope | None], None]
"""Counts a refusal: the problem's name, its status (None: closed without a response), and the
request if its head was read."""
WAIT = {"Retry-After": "1"}
QUEUED_TOO_LONG = Problem(
    503, "overloaded", "Too busy", "The service is overloaded; retry soon.", WAIT
)
AT_CAPACITY = Problem(
    503, "overloaded", "Too busy", "Too many concurrent requests; retry soon.", WAIT
)


class Admission:
    """ASGI middleware that responds with 429 and 503."""

    def __init__(
        self,
        app: ASGIApp,
        limits: LimitSettings,
        refused: Refused,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.app = app  # OpenTelemetry's instrumentation follows this attribute to find itself
        self._limits, self._refused = limits, refused
        self._rate = RateLimit(limits.requests_per_second, limits.burst, clock)
        self._delay = QueueDelay(limits.queue_seconds, clock)
        self.in_flight = InFlight(limits.in_flight, limits.client_in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or route_path(scope) in EXEMPT:
            await self.app(scope, receive, send)
            return
        client = client_of(scope)
        slot = Slot(self.in_flight, client)
        try:
            self._admit(scope, client)
            slot.begin(has_body=_has_body(scope))
        except Problem as problem:
            self._refused(problem.name, problem.status_code, scope)
            await problem.answer(send)
            return
        scope[CHARGE] = Charge(slot, partial(self._check_rate, client), self._limits.burst)
        try:
            await self.app(scope, slot.wrap_receive(receive), slot.wrap_send(send))
        finally:
            slot.release()

    def _admit(self, scope: Scope, client: str) -> None:
        """Raises Problem."""
        received, delay = scope.get(RECEIVED), self._delay
        waited = delay.overloaded if received is None else delay.refuses(*received)
        self._check_rate(client)
        if waited:
            raise QUEUED_TOO_LONG

    def _check_rate(self, client: str, requests: int = 1) -> None:
        """Raises Problem."""
        if wait := self._rate.wait(client, requests):
            most = f"At most {self._limits.requests_per_second:g} requests a second; slow down."
            seconds = {"Retry-After": str(math.ceil(wait))}
            raise Problem(429, "rate-limited", "Too many requests", most, seconds)


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


class InFlight:
    """Counts concurrent requests, in total and per client, against the limits."""

    def __init__(self, most: int, most_per_client: int) -> None:
        self._most, self._most_per_client = most, most_per_client
        self.count = 0
        self._count_by_client: Counter[str] = Counter()

    @property
    def heaviest(self) -> int:
        """The most that one request can count as."""
        return min(self._most, self._most_per_client)

    def check(self, client: str, weight: int = 1) -> None:
        """Raises Problem at a limit."""
        if self.count + weight > self._most:
            raise AT_CAPACITY
        if self._count_by_client[client] + weight > self._most_per_client:
            most = f"At most {self._most_per_client} concurrent requests per client; slow down."
            raise Problem(429, "rate-limited", "Too many requests", most, WAIT)

    def acquire(self, client: str, weight: int = 1) -> None:
        """Count a request, by its weight. Raises Problem at a limit."""
        self.check(client, weight)
        self.count += weight
        self._count_by_client[client] += weight

    def release(self, client: str, weight: int = 1) -> None:
        """Uncount a request."""
        self.count -= weight
        self._count_by_client[client] -= weight
        if not self._count_by_client[client]:
            del self._count_by_client[client]


class Charge:
    """Lets a request that was admitted as one count as several: a handler calls it with the number
    of items when it has read them."""

    __slots__ = ("_burst", "_check_rate", "_slot")

    def __init__(self, slot: "Slot", check_rate: Callable[[int], None], burst: int) -> None:
        self._slot, self._check_rate, self._burst = slot, check_rate, burst

    def __call__(self, items: int) -> None:
        """Raises Problem at a limit of the rate, or of requests in flight."""
        if items > self._burst:
            detail = f"has {items} items; at most {self._burst} requests are accepted at once"
            raise invalid("/items", detail)
        if items > 1:
            self._check_rate(items - 1)
        self._slot.weigh(items)


class Slot:
    """One request's share of `InFlight`: acquired when the request is complete, released when its
    response is complete, even if the client reads it slowly."""

    __slots__ = ("_answered", "_client", "_complete", "_in_flight", "_weight")

    def __init__(self, in_flight: InFlight, client: str) -> None:
        self._in_flight, self._client = in_flight, client
        self._complete = self._answered = False
        self._weight = 0

    def begin(self, *, has_body: bool) -> None:
        """Raises Problem at a limit.

        A request with a body acquires its slot after the body; the limit is checked before it too,
        so that no body is received in vain.
        """
        if has_body:
            self._in_flight.check(self._client)
        else:
            self._take()

    def _take(self) -> None:
        self._complete = True
        self._in_flight.acquire(self._client)
        self._weight = 1

    def weigh(self, requests: int) -> None:
        """Let the request count as several, at most as many as one client may have in flight.
        Raises Problem at a limit."""
        more = min(requests, self._in_flight.heaviest) - self._weight
        if more > 0:
            self._in_flight.acquire(self._client, more)
            self._weight += more

    def release(self) -> None:
        """Release the slot; no effect if it is not acquired."""
        self._answered = True
        if self._weight:
            self._in_flight.release(self._client, self._weight)
            self._weight = 0

    def wrap_receive(self, receive: Receive) -> Receive:
        """`receive` that acquires the slot with the last part. It raises Problem at a limit."""

        async def received() -> Message:
            message = await receive()
            last = message["type"] == "http.request" and not message.get("more_body", False)
            if last and not self._complete and not self._answered:
                self._take()
            return message

        return received

    def wrap_send(self, send: Send) -> Send:
        """`send` that releases the slot before the last part of the response."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                complete = any(name == b"content-length" for name, _ in message["headers"])
            else:  # a response without a length is produced while it is sent
                complete = not message.get("more_body", False)
            if complete:
                self.release()
            await send(message)

        return sent
