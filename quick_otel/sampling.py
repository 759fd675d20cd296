"""The SDK's default samplers, evaluated without a chain of calls."""

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import (
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    StaticSampler,
)
from opentelemetry.trace import Link, SpanKind, TraceFlags, TraceState
from opentelemetry.util.types import Attributes

from .current import current_span


class QuickParentBased(ParentBased):
    """Decides as the SDK's class; samplers with a constant decision are not called."""

    def __init__(self, made: ParentBased) -> None:
        """Take over the state of the SDK's sampler."""
        vars(self).update(vars(made))
        self._by_parent: dict[tuple[bool, int], Sampler] = {
            (True, 1): self._remote_parent_sampled,
            (True, 0): self._remote_parent_not_sampled,
            (False, 1): self._local_parent_sampled,
            (False, 0): self._local_parent_not_sampled,
        }

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,  # noqa: ARG002 - the SDK's does not read it either
    ) -> SamplingResult:
        parent = current_span(parent_context).get_span_context()
        sampler, state = self._root, None
        if parent is not None and parent.is_valid:
            sampled = parent.trace_flags & TraceFlags.SAMPLED
            sampler, state = self._by_parent[parent.is_remote, sampled], parent.trace_state
        if type(sampler) is StaticSampler:
            decision = sampler._decision
            kept = None if decision is Decision.DROP else attributes
            return SamplingResult(decision, kept, state)
        return sampler.should_sample(
            parent_context=parent_context,
            trace_id=trace_id,
            name=name,
            kind=kind,
            attributes=attributes,
            links=links,
        )


def quick(sampler: Sampler) -> Sampler:
    """The quick form of one of the SDK's samplers; any other sampler unchanged."""
    return QuickParentBased(sampler) if type(sampler) is ParentBased else sampler
