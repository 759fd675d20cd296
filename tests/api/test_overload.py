"""Queues that form before a request's work begins: which are refused, and which are no overload.

Time is simulated: an event loop reads all requests that have come, then works on them in turn, as
uvloop does; nothing depends on the machine.
"""

import random
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from app.api.queue_delay import QueueDelay
from tests.cases import cases

READ, REFUSE, JIFFY = 50e-6, 60e-6, 0.004
"""Seconds: what reading and refusing a request takes, and how exactly Linux knows when it came."""


class Result(NamedTuple):
    """When each request came, and how long its answer took (or its refusal)."""

    answered: list[tuple[float, float]]
    refused: list[tuple[float, float]]

    def p99(self) -> float:
        return float(np.percentile([took for _, took in self.answered], 99))


def simulate(
    rate: Callable[[float], float], seconds: float, service: float, pause: float = 0
) -> Result:
    """Requests at random moments, `rate(when)` a second; `pause`: the loop stands still at 1 s."""
    chance, now = random.Random(1), 0.0
    delay = QueueDelay(0.005, lambda: now)
    came, moment = list[float](), 0.0
    while (moment := moment + chance.expovariate(rate(moment))) < seconds:
        came.append(moment)
    result, next_ = Result([], []), 0
    while next_ < len(came):
        now = max(now, came[next_])
        if pause and now > 1:
            now, pause = now + pause, 0
        read = list[tuple[float, float, float]]()
        while next_ < len(came) and came[next_] <= now:
            lay = (now // JIFFY - came[next_] // JIFFY) * JIFFY
            now += READ
            read.append((came[next_], now, lay))
            next_ += 1
        chance.shuffle(read)
        for at, received, lay in read:
            refused = delay.refuses(received, lay)
            now += REFUSE if refused else service * chance.uniform(0.7, 1.3)
            (result.refused if refused else result.answered).append((at, now - at))
    return result


@cases("service", [0.0005, 0.002, 0.02])
def test_three_times_too_much_keeps_what_is_answered_quick(service: float) -> None:
    light = simulate(lambda _: 0.2 / service, 20, service)
    heavy = simulate(lambda _: 3 / service, 20, service)
    assert light.refused == []
    assert heavy.p99() <= 10 * light.p99()
    left = 1 - 3 / service * (READ + REFUSE)  # of the loop's time, for answers
    assert len(heavy.answered) > 0.9 * left * 20 / service


@cases("load", [0.5, 0.8])
def test_a_load_that_can_be_answered_is(load: float) -> None:
    result = simulate(lambda _: load / 0.002, 20, 0.002)
    assert len(result.refused) < 0.01 * len(result.answered)


def test_it_is_itself_again_soon_after() -> None:
    service = 0.002
    result = simulate(lambda at: (3 if 2 < at < 12 else 0.2) / service, 20, service)
    assert any(2 < at < 12 for at, _ in result.refused)
    assert not any(at > 12.5 for at, _ in result.refused)
    assert max(took for at, took in result.answered if at > 12.5) < 0.02


def test_a_pause_of_the_process_is_no_overload() -> None:
    """A collection of garbage, or a machine that was busy elsewhere."""
    result = simulate(lambda _: 100, 5, 0.002, pause=0.3)
    assert len(result.refused) < 10  # of the thirty that came meanwhile


def test_no_one_is_refused_who_waited_for_no_other_request() -> None:
    """On a machine that is busy with other things, refusing does not help."""
    now = 0.0
    delay = QueueDelay(0.005, lambda: now)
    for _ in range(50):
        now += 0.08
        assert not delay.refuses(now - 0.03, 0.04)
    assert not delay.overloaded


def test_who_waited_too_long_behind_others_has_given_up() -> None:
    now = 10.1
    delay = QueueDelay(0.005, lambda: now)
    assert not delay.refuses(10, 0)
    now = 12
    assert delay.refuses(10, 0)
    assert not delay.refuses(11.5, 0)
    assert delay.refuses(11.5, 1.0)


def test_a_few_requests_with_pauses_between_are_no_standing_queue() -> None:
    now = 0.0
    delay = QueueDelay(0.005, lambda: now)
    for _ in range(20):
        now += 0.5
        assert not delay.refuses(now - 0.05, 0)
    assert not delay.overloaded
