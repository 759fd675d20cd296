"""Controlled delay for requests: is the time they wait for the event loop a queue that stays?

CoDel, as folly adapted it for services (folly/executors/Codel.h): while every request of the last
interval waited longer than the target there is a standing queue, and requests that waited twice the
target are refused. Those admitted then are the recent ones, whose callers still wait, and a burst
that drains by itself is served in full. What differs, because times are known to 4 ms only: waiting
times are smoothed, and the overload is over when they are half the target.
"""

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 0.1
TARGET_STEPS, INTERVAL_STEPS = 2.5, 50
"""Target and interval are at least so many times what one request keeps the loop busy: a queue of
two or three requests is no overload. For 2 ms these are folly's defaults, 5 and 100 ms."""
LONGEST_SECONDS = 1.0
"""Who waited longer is refused in any state: the caller has most likely given up."""
WAIT_SMOOTHING, STEP_SMOOTHING = 0.2, 0.05
LONGEST_STEP = 0.1


class QueueDelay:
    """Decides about each request at the moment its work could start. One per event loop."""

    def __init__(self, target: float, clock: Callable[[], float]) -> None:
        """`target`: seconds that are no queue; `clock` counts seconds, monotonically."""
        self._least_target, self._clock = target, clock
        self.overloaded = False
        self._refused = 0
        self._waited, self._above_since = 0.0, float("inf")
        self._step, self._seen, self._admitted = 0.0, float("-inf"), False

    def refuses(self, received: float, waited_before: float) -> bool:
        """Whether a request waited too long.

        `received`: when its head was read, by the clock. `waited_before`: how many seconds it lay
        in the kernel before. Who waited for no other request waited for the machine, which no
        refusal makes faster.
        """
        now = self._clock()
        behind_another = self._seen > received - waited_before
        waited = now - received + waited_before if behind_another else 0.0
        if self._admitted and received <= self._seen:
            self._learn_step(now - self._seen)
        target = max(self._least_target, TARGET_STEPS * self._step)
        self._judge(waited, target, now)
        most = 2 * target if self.overloaded else max(2 * target, LONGEST_SECONDS)
        refused = waited > most
        self._refused += refused
        self._seen, self._admitted = now, not refused
        return refused

    def _learn_step(self, seconds: float) -> None:
        """How long one request keeps the loop busy before it turns to the next: seen where a
        request that had been read before starts directly after one that was admitted."""
        self._step += STEP_SMOOTHING * (min(seconds, LONGEST_STEP) - self._step)

    def _judge(self, waited: float, target: float, now: float) -> None:
        interval = max(INTERVAL_SECONDS, INTERVAL_STEPS * self._step)
        if now - self._seen > interval:  # whatever waited is done
            self._waited, self._above_since = waited, float("inf")
        self._waited += WAIT_SMOOTHING * (waited - self._waited)
        if self._waited <= target:
            self._above_since = float("inf")
            if self.overloaded and self._waited <= target / 2:
                self._change(overloaded=False)
        else:
            self._above_since = min(self._above_since, now)
            if not self.overloaded and now - self._above_since >= interval:
                self._change(overloaded=True)

    def _change(self, *, overloaded: bool) -> None:
        self.overloaded = overloaded
        if overloaded:
            self._refused = 0
            log.warning("overloaded: requests wait for the CPU, some are answered with 503")
        else:
            log.warning("no longer overloaded; %d requests were refused", self._refused)
