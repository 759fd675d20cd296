"""A budget bounds what is kept though nothing is special about it, and nothing else.

A budget of n spans is for traces of less than n in one second of the clock. It is decided for all
traces of a message at once, which may fall on the end of a second: hence twice the budget.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.observatory.messages import request
from tests.observatory.observatory_process import Observatory
from tests.stack.generated_traces import Made, together, trace
from tests.stack.sampling_collector import Sampler, sampling

pytestmark = pytest.mark.lasting

BUDGET, STRANGERS = 60, 30
SPANS = 5
STRANGER = "not-vitrine"
OURS = "vitrine(-.*)?"
Budgeted = Callable[..., AbstractContextManager[Sampler]]


@pytest.fixture
def budgeted(otelcol: Path, tmp_path: Path, store: Observatory) -> Budgeted:
    """Collectors with small budgets."""

    @contextmanager
    def begin(**variables: object) -> Iterator[Sampler]:
        budgets = {
            "COLLECTOR_SAMPLING_BUDGET": BUDGET,
            "COLLECTOR_STRANGERS_BUDGET": STRANGERS,
            "COLLECTOR_DEBUG_BUDGET": BUDGET,
        }
        with sampling(otelcol, tmp_path, store, **budgets, **variables) as sampler:
            yield sampler

    return begin


def some(count: int, kind: str = "plain", about: Mapping[str, bool] | None = None) -> list[Made]:
    return [trace(kind, stages=SPANS - 1, about=about) for _ in range(count)]


def kept(sampler: Sampler, made: list[Made]) -> int:
    """How many of them, all whole."""
    stored = sampler.stored()
    found = [stored[each.trace] for each in made if each.trace in stored]
    assert found == [SPANS] * len(found)
    return len(found)


def within(budget: int) -> range:
    """How many traces that may be."""
    most = (budget - 1) // SPANS
    return range(most, 2 * most + 1)


def test_the_share_keeps_to_its_budget_and_failures_do_not(budgeted: Budgeted) -> None:
    plain, failed = some(100), some(100, "failed")
    with budgeted() as sampler:
        sampler.send([*failed, *plain])
        sampler.decided(200)
        assert kept(sampler, failed) == 100
        assert kept(sampler, plain) in within(BUDGET)


def test_failures_take_nothing_from_the_budget(budgeted: Budgeted) -> None:
    plain, failed = some(within(BUDGET)[0]), some(100, "failed")
    with budgeted() as sampler:
        sampler.send([*failed, *plain])
        sampler.decided(len(plain) + len(failed))
        assert kept(sampler, plain) == len(plain)


def test_what_is_asked_for_has_a_budget_of_its_own(budgeted: Budgeted) -> None:
    asked, plain = some(100, about={"vitrine.debug": True}), some(100)
    with budgeted(COLLECTOR_SAMPLING_PERCENTAGE=0) as sampler:
        sampler.send([*asked, *plain])
        sampler.decided(200)
        assert kept(sampler, asked) in within(BUDGET)
        assert kept(sampler, plain) == 0


def test_a_trace_with_as_many_spans_as_a_budget_never_fits(budgeted: Budgeted) -> None:
    large, fits = some(2, about={"vitrine.debug": True})
    for made, spans in ((large, BUDGET), (fits, BUDGET - 1)):
        more = [Span() for _ in range(spans - SPANS)]
        for each in more:
            each.CopyFrom(made.spans[0])
            each.span_id = uuid4().bytes[:8]
        made.parts[0].extend(more)
    with budgeted(COLLECTOR_SAMPLING_PERCENTAGE=0) as sampler:
        sampler.send([large, fits])
        sampler.decided(2)
        assert sampler.stored() == {fits.trace: BUDGET - 1}


@pytest.mark.parametrize("service", [STRANGER, "vitrines-rival", None])
def test_other_services_share_a_budget_of_their_own(
    budgeted: Budgeted, service: str | None
) -> None:
    ours, others = some(within(BUDGET)[0]), some(100)
    with budgeted(COLLECTOR_SERVICES=OURS) as sampler:
        message = together(others, service)
        message.MergeFrom(together(ours, sampler.service))
        sampler.send_message(message)
        sampler.decided(len(ours) + len(others))
        assert kept(sampler, ours) == len(ours)
        assert kept(sampler, others) in within(STRANGERS)


def test_unless_services_are_named_every_service_is_ours(budgeted: Budgeted) -> None:
    others = some(within(BUDGET)[0])
    with budgeted() as sampler:
        sampler.send_message(together(others, STRANGER))
        sampler.decided(len(others))
        assert kept(sampler, others) == len(others)


def test_a_trace_that_goes_through_our_service_is_ours(budgeted: Budgeted) -> None:
    both = some(within(BUDGET)[0])
    with budgeted(COLLECTOR_SERVICES=OURS) as sampler:
        first = [each for one in both for each in one.parts[0]]
        message = request("traces", first, {"service.name": STRANGER})
        rest = [each for one in both for part in one.parts[1:] for each in part]
        message.MergeFrom(request("traces", rest, {"service.name": sampler.service}))
        sampler.send_message(message)
        sampler.decided(len(both))
        assert kept(sampler, both) == len(both)
