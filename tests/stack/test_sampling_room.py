"""What waits for its decision is forgotten by no lack of room, nor by an end that was asked for; a
decision is, in time.
"""

from pathlib import Path

import pytest

from tests.observatory.messages import request
from tests.observatory.observatory_process import Observatory
from tests.stack.generated_traces import ERROR, trace
from tests.stack.sampling_collector import sampling
from tests.waiting import until

pytestmark = pytest.mark.lasting

EARLY = "otelcol_processor_tail_sampling_sampling_trace_dropped_too_early"
LITTLE_ROOM = "processors: {tail_sampling: {num_traces: 20}}"
LITTLE_MEMORY = """
processors:
  tail_sampling: {decision_cache: {sampled_cache_size: 1, non_sampled_cache_size: 1}}
"""


def test_where_there_is_no_room_for_more_traces_their_sender_waits(
    otelcol: Path, tmp_path: Path, store: Observatory
) -> None:
    made = [trace("failed") for _ in range(100)]
    with sampling(otelcol, tmp_path, store, LITTLE_ROOM, COLLECTOR_SAMPLING_PERCENTAGE=0) as few:
        few.send(made)
        few.decided(len(made))
        assert few.stored() == {each.trace: len(each.spans) for each in made}
        assert few.report(EARLY) == 0


def test_what_waits_is_decided_for_when_the_collector_is_stopped(
    otelcol: Path, tmp_path: Path, store: Observatory
) -> None:
    """With waits that no test outlives. What was not sent on by then is when it begins again."""
    waits = {"COLLECTOR_DECISION_WAIT": "1h", "COLLECTOR_DECISION_WAIT_AFTER_ROOT": "1h"}
    made, plain = trace("failed"), trace()
    with sampling(otelcol, tmp_path, store, COLLECTOR_SAMPLING_PERCENTAGE=0, **waits) as sampler:
        sampler.send([made, plain])
        sampler.collector.stop()
        sampler.collector.start()
        until(lambda: sampler.stored() == {made.trace: len(made.spans)})


@pytest.mark.parametrize("failed", [True, False])
def test_a_late_span_whose_decision_is_forgotten_is_a_trace_of_its_own(
    otelcol: Path, tmp_path: Path, store: Observatory, failed: bool
) -> None:
    """100,000 others after it, as it is set: then a failure that comes late is kept, alone."""
    made, others = trace(), [trace(), trace()]
    late = next(each for each in made.spans if each.parent_span_id)
    if failed:
        late.status.CopyFrom(ERROR)
    first = [each for each in made.spans if each is not late]
    with sampling(otelcol, tmp_path, store, LITTLE_MEMORY, COLLECTOR_SAMPLING_PERCENTAGE=0) as one:
        one.send_message(request("traces", first, {"service.name": one.service}))
        one.decided(1)
        one.send(others)
        one.decided(3)
        one.send_message(request("traces", [late], {"service.name": one.service}))
        one.decided(4)
        assert one.stored() == ({made.trace: 1} if failed else {})
