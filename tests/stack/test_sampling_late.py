"""Spans after the decision for their trace follow that decision.

It is decided for a trace COLLECTOR_DECISION_WAIT after its first span came, or
COLLECTOR_DECISION_WAIT_AFTER_ROOT after its root did if that is earlier; to that up to a second
is added, as it is decided once a second, and parts of a second in either are cut off (v0.144.0
takes less than 1s for 1s). Measured with 10s and 2s: a trace is in the store 12.0 to 12.1 s after
it was sent without a root, 3.8 to 4.0 s with one; about a second of that is the exporter's.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.observatory.messages import request
from tests.observatory.observatory_process import Observatory
from tests.stack.generated_traces import ERROR, SLOW, Made, trace
from tests.stack.sampling_collector import LATE, Sampler, sampling
from tests.stack.test_sampling import CALLS
from tests.waiting import until

pytestmark = pytest.mark.lasting


@pytest.fixture
def strict(otelcol: Path, tmp_path: Path, store: Observatory) -> Iterator[Sampler]:
    """Keeps what is special, and decides a second after the first span of a trace."""
    with sampling(otelcol, tmp_path, store, COLLECTOR_SAMPLING_PERCENTAGE=0) as sampler:
        yield sampler


def parted(made: Made, last: Span) -> list[Span]:
    """All spans but the one that comes late."""
    return [each for each in made.spans if each is not last]


def root(made: Made) -> Span:
    [found] = [each for each in made.spans if not each.parent_span_id]
    return found


def child(made: Made) -> Span:
    return next(each for each in made.spans if each.parent_span_id)


def send(sampler: Sampler, spans: list[Span]) -> None:
    sampler.send_message(request("traces", spans, {"service.name": sampler.service}))


def counted(sampler: Sampler, name: str) -> int:
    """Failures among the calls that metrics of spans have."""
    failed = {"span.name": name, "status.code": "STATUS_CODE_ERROR"}
    return sampler.report(CALLS, **failed)


def test_a_late_span_of_a_kept_trace_is_kept(strict: Sampler) -> None:
    made = trace("degraded")
    late = child(made)
    send(strict, parted(made, late))
    strict.decided(1)
    send(strict, [late])
    until(lambda: strict.stored() == {made.trace: len(made.spans)})
    until(lambda: strict.report(LATE, sampled="true") == 1)


def test_a_late_span_of_a_dropped_trace_is_dropped_though_it_failed(strict: Sampler) -> None:
    """A trace is not revived: a failure that comes too late is in its log record, and counted."""
    made = trace()
    late = child(made)
    late.status.CopyFrom(ERROR)
    send(strict, parted(made, late))
    strict.decided(1)
    send(strict, [late])
    until(lambda: strict.report(LATE, sampled="false") == 1)
    until(lambda: counted(strict, late.name) == 1)
    other = trace("failed")
    strict.send([other])
    strict.decided(2)
    assert strict.stored() == {other.trace: len(other.spans)}


def test_a_trace_longer_than_the_wait_is_judged_by_what_it_began_with(strict: Sampler) -> None:
    """Its root, which alone says that it was slow, comes with its end: it is not kept for that."""
    failed, slow = trace(), trace("slow", lasts=SLOW)
    child(failed).status.CopyFrom(ERROR)
    ends = [root(failed), root(slow)]
    send(strict, [each for made in (failed, slow) for each in parted(made, root(made))])
    strict.decided(2)
    send(strict, ends)
    until(lambda: strict.report(LATE, sampled="false") == 1)
    until(lambda: strict.stored() == {failed.trace: len(failed.spans)})


def test_a_root_is_waited_for_no_longer_than_its_own_wait(
    otelcol: Path, tmp_path: Path, store: Observatory
) -> None:
    """With a wait for the rest that no test outlives."""
    waits = {"COLLECTOR_DECISION_WAIT": "1h", "COLLECTOR_DECISION_WAIT_AFTER_ROOT": "1s"}
    with sampling(otelcol, tmp_path, store, **waits) as sampler:
        made, rootless = trace(), trace()
        send(sampler, [*made.spans, *parted(rootless, root(rootless))])
        sampler.decided(1)
        assert sampler.stored() == {made.trace: len(made.spans)}


def test_a_trace_id_that_is_used_again_stays_as_it_was_decided(strict: Sampler) -> None:
    """Whoever sends the same `traceparent` again and again has but one decision for all."""
    made = trace()
    strict.send([made])
    strict.decided(1)
    again = trace("failed")
    for each in again.spans:
        each.trace_id = made.spans[0].trace_id
    send(strict, again.spans)
    until(lambda: strict.report(LATE, sampled="false") == len(again.spans))
    assert strict.stored() == {}
