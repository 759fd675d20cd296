"""Traces like the service's, thousands of them, from a seed; each in two or three messages.

made = traces(Random(5), {"failed": 250, "slow": 100, "degraded": 150, "plain": 4500})
for message in messages(made, "vitrine"):
    over_grpc(collector, "traces", message)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from time import time_ns
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.observatory.messages import attributes, request, span

MILLISECOND = 10**6
SLOW = 250
"""Milliseconds: what the Collector takes for slow by default."""
STAGES = ("analyze query", "retrieve candidates", "score candidates", "rank candidates")
RECOMMEND, WRITE = "POST /recommend", "POST /documents"
ERROR = Status(code=Status.STATUS_CODE_ERROR)
PARTS = 3
GROUP = 100
"""Traces whose messages are sent one after another."""


@dataclass(frozen=True, slots=True)
class Made:
    """A trace: its kind, and its spans by the message that carries them."""

    kind: str
    parts: list[list[Span]] = field(default_factory=lambda: [[] for _ in range(PARTS)])

    @property
    def spans(self) -> list[Span]:
        return [each for part in self.parts for each in part]

    @property
    def trace(self) -> str:
        return str(self.spans[0].trace_id.hex())


def trace(
    kind: str = "plain",
    random: Random | None = None,
    lasts: int | None = None,
    stages: int | None = None,
    about: Mapping[str, Any] | None = None,
) -> Made:
    """One trace; it lasts so many milliseconds, `about` are further attributes of its root."""
    random = random or Random(time_ns())
    usual = random.randrange(SLOW, 3000) if kind == "slow" else random.randrange(8, SLOW)
    lasts = usual if lasts is None else lasts
    started = time_ns() - random.randrange(3000, 5000) * MILLISECOND
    of = random.randbytes(16)
    route = WRITE if kind == "slow" and random.random() < 0.5 else RECOMMEND
    report = {
        "http.request.method": "POST",
        "http.route": route.removeprefix("POST "),
        "vitrine.ranking.degraded": kind == "degraded",
    }
    root = span(
        route, trace_id=of, span_id=random.randbytes(8), kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=started, end_time_unix_nano=started + lasts * MILLISECOND,
        attributes=attributes(report | dict(about or {})),
    )  # fmt: skip
    spans = [
        root,
        *(_stage(name, root, random) for name in STAGES[: stages or random.randint(2, 4)]),
    ]
    if kind == "failed":
        failed = random.choice(spans)  # a failure that was dealt with is one too
        failed.status.CopyFrom(ERROR)
        failed.attributes.extend(attributes({"error.type": "TimeoutError"}))
    return _parted(kind, spans, random)


def _stage(name: str, root: Span, random: Random) -> Span:
    whole = root.end_time_unix_nano - root.start_time_unix_nano
    begins = root.start_time_unix_nano + random.randrange(whole // 2)
    return span(
        name, trace_id=root.trace_id, parent_span_id=root.span_id,
        span_id=random.randbytes(8), kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=begins,
        end_time_unix_nano=begins + random.randrange(whole // 2),
    )  # fmt: skip


def _parted(kind: str, spans: list[Span], random: Random) -> Made:
    """In any order, in two messages at least."""
    made = Made(kind)
    random.shuffle(spans)
    for number, each in enumerate(spans):
        made.parts[number if number < 2 else random.randrange(PARTS)].append(each)
    random.shuffle(made.parts)
    return made


def traces(random: Random, counts: Mapping[str, int]) -> list[Made]:
    """So many of each kind, in any order."""
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    random.shuffle(kinds)
    return [trace(kind, random) for kind in kinds]


def messages(made: list[Made], service: str | None) -> Iterator[Any]:
    """The spans of all, as exporters send them: in parts, with those of other traces."""
    resource = {"service.instance.id": "one"} | ({"service.name": service} if service else {})
    for first in range(0, len(made), GROUP):
        for part in range(PARTS):
            spans = [each for one in made[first : first + GROUP] for each in one.parts[part]]
            yield request("traces", spans, resource)


def together(made: list[Made], service: str | None) -> Any:
    """All in one message: it is decided for them at the same moment."""
    resource = {"service.name": service} if service else {}
    return request("traces", [each for one in made for each in one.spans], resource)
