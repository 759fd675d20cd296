"""CoDel (controlled delay) for requests: detects a standing queue in front of the event loop.

As folly adapted CoDel for services (folly/executors/Codel.h): if every request of the last interval
waited longer than the target, there is a standing queue, and requests that waited twice the target
are refused. Recent requests, whose callers still wait, are admitted, and a short burst is served
completely. Differences, because waiting times are only known to 4 ms: they are smoothed, and the
overload ends when they are half the target.
"""

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 0.1
TARGET_STEPS, INTERVAL_STEPS = 2.5, 50
"""Minimum of target and interval, in multiples of the time that one request occupies the loop: a
queue of two or three requests is no overload. With 2 ms they are folly's defaults, 5 and 100 ms."""
LONGEST_SECONDS = 1.0
"""A request that waited longer is refused in any state: its caller has most likely given up."""
WAIT_SMOOTHING, STEP_SMOOTHING = 0.2, 0.05
LONGEST_STEP = 0.1


class QueueDelay:
    """Decides for each request, when its work could start, whether to refuse it.

    One per event loop.
    """

    def __init__(self, target: float, clock: Callable[[], float]) -> None:
        """`target`: acceptable waiting time in seconds; `clock`: monotonic, in seconds."""
        self._least_target, self._clock = target, clock
        self.overloaded = False
        self._refused = 0
        self._waited, self._above_since = 0.0, float("inf")
        self._step, self._seen, self._admitted = 0.0, float("-inf"), False

    def refuses(self, received: float, waited_before: float) -> bool:
        """Whether a request waited too long.

        `received`: when its head was read, by the clock. `waited_before`: seconds that it had
        waited in the kernel by then. A request that waited for no other request is never refused:
        it waited for the machine, and refusing does not make that faster.
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
        """Update the time that one request occupies the loop: the time between the starts of an
        admitted request and of the next one, if that one had been read before."""
        self._step += STEP_SMOOTHING * (min(seconds, LONGEST_STEP) - self._step)

    def _judge(self, waited: float, target: float, now: float) -> None:
        interval = max(INTERVAL_SECONDS, INTERVAL_STEPS * self._step)
        if now - self._seen > interval:  # the queue is empty
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
            log.warning("overloaded: requests wait for the CPU, some are refused with 503")
        else:
            log.warning("no longer overloaded; %d requests were refused", self._refused)
