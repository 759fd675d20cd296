"""Refusals that must cost little: what is too much for one client, or for the service as a whole.

This stands outside of everything else, telemetry included, so that a refusal takes a fraction of
the time of an answer. Refusals are counted in the metrics; they have no trace and no log record.
"""

import math
import time
from collections import Counter
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import Problem
from app.api.queue_delay import QueueDelay
from app.api.rate_limit import RateLimit, client_of
from app.settings import LimitSettings
from app.telemetry.kit.minimal_scope import route_path

UNGUARDED = frozenset({"/livez", "/readyz", "/version"})
"""Always answered: operators ask these to find out what is wrong."""
RECEIVED = "vitrine.received"
"""Key in a scope: when the server had read the head of the request (monotonic seconds), and for how
many seconds it had lain in the kernel by then. Missing where that says nothing of this process."""
Refused = Callable[[str, int | None, Scope | None], None]
"""Counts a refusal: the problem's name, its status (None: closed without an answer), and the
request, if its head was read."""
WAIT = {"Retry-After": "1"}
WAITED = Problem(
    503, "overloaded", "Too busy", "More is asked than can be answered; try again soon.", WAIT
)
FULL = Problem(
    503, "overloaded", "Too busy", "As much work as allowed is under way; try again soon.", WAIT
)


class Admission:
    """ASGI middleware; answers 429 and 503 itself."""

    def __init__(
        self,
        app: ASGIApp,
        limits: LimitSettings,
        refused: Refused,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.app = app  # OpenTelemetry's instrumentation looks for itself along this name
        self._limits, self._refused = limits, refused
        self._rate = RateLimit(limits.requests_per_second, limits.burst, clock)
        self._delay = QueueDelay(limits.queue_seconds, clock)
        self._places = Places(limits.in_flight, limits.client_in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or route_path(scope) in UNGUARDED:
            await self.app(scope, receive, send)
            return
        client = client_of(scope)
        place = Place(self._places, client)
        try:
            self._admit(scope, client)
            place.begin(has_body=_has_body(scope))
        except Problem as problem:
            self._refused(problem.name, problem.status_code, scope)
            await problem.answer(send)
            return
        try:
            await self.app(scope, place.receiving(receive), place.sending(send))
        finally:
            place.give_back()

    def _admit(self, scope: Scope, client: str) -> None:
        """Raises Problem."""
        received, delay = scope.get(RECEIVED), self._delay
        waited = delay.overloaded if received is None else delay.refuses(*received)
        if wait := self._rate.wait(client):
            most = f"At most {self._limits.requests_per_second:g} requests a second; slow down."
            seconds = {"Retry-After": str(math.ceil(wait))}
            raise Problem(429, "rate-limited", "Too many requests", most, seconds)
        if waited:
            raise WAITED


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


class Places:
    """How many requests are worked on: in all, and by client."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._taken = 0
        self._taken_by: Counter[str] = Counter()

    def check(self, client: str) -> None:
        """Raises Problem where there is no room."""
        if self._taken >= self._most:
            raise FULL
        if self._taken_by[client] >= self._most_of_one:
            most = f"At most {self._most_of_one} requests of one client at a time; slow down."
            raise Problem(429, "rate-limited", "Too many requests", most, WAIT)

    def take(self, client: str) -> None:
        """Raises Problem where there is no room."""
        self.check(client)
        self._taken += 1
        self._taken_by[client] += 1

    def give_back(self, client: str) -> None:
        """One that was taken."""
        self._taken -= 1
        self._taken_by[client] -= 1
        if not self._taken_by[client]:
            del self._taken_by[client]


class Place:
    """One request's place: taken when the request is complete, given back when its answer is made,
    however slowly that is read then."""

    __slots__ = ("_answered", "_client", "_complete", "_places", "_taken")

    def __init__(self, places: Places, client: str) -> None:
        self._places, self._client = places, client
        self._complete = self._taken = self._answered = False

    def begin(self, *, has_body: bool) -> None:
        """Raises Problem where there is no room.

        A body does not take a place while it comes, but without room it would come in vain.
        """
        if has_body:
            self._places.check(self._client)
        else:
            self._take()

    def _take(self) -> None:
        self._complete = True
        self._places.take(self._client)
        self._taken = True

    def give_back(self) -> None:
        """The work is done; no harm where none is under way."""
        self._answered = True
        if self._taken:
            self._taken = False
            self._places.give_back(self._client)

    def receiving(self, receive: Receive) -> Receive:
        """`receive`, after which the place is taken. It raises Problem where there is no room."""

        async def received() -> Message:
            message = await receive()
            last = message["type"] == "http.request" and not message.get("more_body", False)
            if last and not self._complete and not self._answered:
                self._take()
            return message

        return received

    def sending(self, send: Send) -> Send:
        """`send`, before which the place is given back if nothing is left to be made."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                made = any(name == b"content-length" for name, _ in message["headers"])
            else:  # one without a length is made while it is sent
                made = not message.get("more_body", False)
            if made:
                self.give_back()
            await send(message)

        return sent
