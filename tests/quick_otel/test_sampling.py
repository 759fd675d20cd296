"""The quick form of a parent-based sampler decides as the SDK's."""

from itertools import product

from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from quick_otel.sampling import QuickParentBased, quick
from tests.cases import cases
from tests.quick_otel.programs import Picky

STATE = TraceState([("vendor", "x")])
PARENTS = [
    None,
    *(
        set_span_in_context(NonRecordingSpan(SpanContext(7, span, remote, TraceFlags(bits), STATE)))
        for span, remote, bits in product((0, 8), (True, False), (0, 1, 3))
    ),
]


@cases("odd", range(5))
@cases("picky", [False, True])
def test_each_kind_of_parent_has_its_sampler(odd: int, picky: bool) -> None:
    special = Picky() if picky else ALWAYS_OFF
    samplers = [special if place == odd else ALWAYS_ON for place in range(5)]
    made = ParentBased(*samplers)
    ours = quick(made)
    assert isinstance(ours, QuickParentBased)
    for parent in PARENTS:
        of_both = [
            vars(sampler.should_sample(parent, 1, "x", attributes={"a": 1}))
            for sampler in (made, ours)
        ]
        assert of_both[0] == of_both[1]


def test_other_samplers_are_left_as_they_are() -> None:
    sampler = Picky()
    assert quick(sampler) is sampler
