"""Declared names: what a service emits, with types, bounds and meaning.

A name is a `str` that knows its bounds, so that it can be passed to OpenTelemetry as it is, checked
in tests (`testing.py`) and documented. `CoreNames` holds what the kit itself emits below a
service's prefix; a service declares its own names beside them and collects both in a `Vocabulary`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

REQUIRED, RECOMMENDED, OPT_IN = "required", "recommended", "opt_in"
Carried = Mapping[str, str]
"""The attributes of a signal with their requirement levels: one of the three above, or the
condition under which an attribute is required.
https://opentelemetry.io/docs/specs/semconv/general/attribute-requirement-level/"""
FAILED = "If it failed."
SpanKind = Literal["server", "client", "internal"]
AttributeType = Literal["string", "int", "double", "boolean", "string[]"]
Instrument = Literal["counter", "histogram", "gauge"]
Value = str | bool | int | float | tuple[str, ...]
Attributes = dict[str, Value]

SECONDS = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
)  # fmt: skip
"""Bucket bounds of durations, from a cached answer to a timeout."""


def plain_names(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The same with names that are exactly `str`: a subclass slows down every dictionary and
    encoder that it goes through."""
    return {str(name): value for name, value in attributes.items()}


def required(*names: str) -> dict[str, str]:
    """Attributes that are always there; `error.type` is where it failed."""
    return {name: FAILED if name == "error.type" else REQUIRED for name in names}


class Attribute(str):
    """The name of an attribute, with its values or the regular expression (`form`) they match."""

    __slots__ = ("examples", "form", "kind", "meaning", "values")
    kind: AttributeType
    meaning: str
    values: tuple[str, ...]
    form: str
    examples: tuple[str | float, ...]

    def __new__(
        cls,
        name: str,
        kind: AttributeType,
        meaning: str,
        values: Sequence[str] = (),
        form: str = "",
        examples: Sequence[str | float] = (),
    ) -> Self:
        """`kind` is the type of its values; `examples` are for the registry."""
        self = super().__new__(cls, name)
        self.kind, self.meaning, self.values, self.form = kind, meaning, tuple(values), form
        self.examples = tuple(examples)
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:
        return str(self), self.kind, self.meaning, self.values, self.form, self.examples


class Span(str):
    """The name of a span, or its form, with the attributes that it carries."""

    __slots__ = ("carries", "kind", "meaning")
    kind: SpanKind
    meaning: str
    carries: Carried

    def __new__(cls, name: str, kind: SpanKind, meaning: str, carries: Carried) -> Self:
        """`name` is the stage's; of requests and calls a form such as `{http.route}`."""
        self = super().__new__(cls, name)
        self.kind, self.meaning, self.carries = kind, meaning, carries
        return self


class Event(str):
    """The name of a span event or of a log record.

    `warns`: it is logged as a warning. `wide`: it is the one record of a request, and carries
    everything that is known about the request.
    """

    __slots__ = ("carries", "meaning", "warns", "wide")
    meaning: str
    warns: bool
    wide: bool
    carries: Carried

    def __new__(
        cls,
        name: str,
        meaning: str,
        carries: Mapping[str, str] = {},
        *,
        warns: bool = False,
        wide: bool = False,
    ) -> Self:
        """`meaning` is a sentence for the reference, and the body of the log record."""
        self = super().__new__(cls, name)
        self.meaning, self.carries, self.warns, self.wide = meaning, carries, warns, wide
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[str, str, Carried], dict[str, bool]]:
        return (str(self), self.meaning, self.carries), {"warns": self.warns, "wide": self.wide}


class Metric(str):
    """The name of a metric, with the attributes it may carry and the bounds of its buckets.

    `after` is what must have happened before it is emitted; empty for a metric that is present from
    the first request on.
    """

    __slots__ = ("after", "attributes", "bounds", "carries", "instrument", "meaning", "unit")
    instrument: Instrument
    unit: str
    meaning: str
    carries: Carried
    attributes: tuple[str, ...]
    bounds: tuple[float, ...]
    after: str

    def __new__(  # noqa: PLR0913, PLR0917 - one declaration a metric
        cls,
        name: str,
        instrument: Instrument,
        unit: str,
        meaning: str,
        attributes: Sequence[str] | Carried = (),
        bounds: Sequence[float] = (),
        after: str = "",
    ) -> Self:
        """`unit` in UCUM, as OpenTelemetry has it; `bounds` are upper bounds. `attributes` without
        requirement levels are `required`."""
        self = super().__new__(cls, name)
        self.instrument, self.unit, self.meaning = instrument, unit, meaning
        self.carries = attributes if isinstance(attributes, Mapping) else required(*attributes)
        self.attributes, self.bounds, self.after = tuple(attributes), tuple(bounds), after
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (
            str(self), self.instrument, self.unit, self.meaning, self.carries, self.bounds,
            self.after,
        )  # fmt: skip


_HTTP = ("http.request.method", "http.response.status_code", "error.type")
SERVER_DURATION = Metric(
    "http.server.request.duration", "histogram", "s", "answering a request",
    ("http.route", *_HTTP, "url.scheme", "network.protocol.version"), SECONDS,
)  # fmt: skip
CLIENT_DURATION = Metric(
    "http.client.request.duration", "histogram", "s", "an outgoing call that was answered",
    (*_HTTP, "server.address", "server.port", "network.protocol.version"), SECONDS, "a call",
)  # fmt: skip
DATABASE_DURATION = Metric(
    "db.client.operation.duration", "histogram", "s", "a statement that is part of a request",
    ("db.system.name", "db.operation.name", "error.type"), SECONDS,
)  # fmt: skip
OF_LIBRARIES = (SERVER_DURATION, CLIENT_DURATION, DATABASE_DURATION)
"""The metrics of the instrumentation libraries that are kept."""
CALL = Span(
    "{http.request.method} {url.template}", "client", "a call to another service",
    {
        **required("http.request.method", "url.full", "server.address", "server.port"),
        "url.template": "If the caller knows it.",
        "http.response.status_code": "If there was a response.",
        "error.type": FAILED,
    },
)  # fmt: skip
STATEMENT = Span(
    "{db.operation.name}", "client", "a statement",
    {
        **required("db.system.name", "db.operation.name", "error.type"),
        "db.query.text": RECOMMENDED,
    },
)  # fmt: skip


class CoreNames:
    """The names that the kit emits for every service, below the service's prefix."""

    def __init__(
        self,
        prefix: str,
        *,
        stages: Sequence[str] = (),
        occurrences: Sequence[Event] = (),
        problems: Sequence[str] = ("internal", "broken-off", "other"),
        request: Mapping[str, str] = {},
        degraded: Attribute | None = None,
    ) -> None:
        """`stages`, `occurrences`, `problems`: all there can be; they bound attributes. `request`:
        what the span of a request carries besides, from stages that are the whole of it.
        `degraded`: a name of the service's own for that; tools look for the end `.degraded`."""
        self.prefix, self.stages = prefix, tuple(stages)
        self.occurrences = {str(each): each for each in occurrences}
        self.problems = frozenset(problems)
        name = f"{prefix}.".__add__
        self.stage = Attribute(name("stage"), "string", "the part of the work", stages)
        self.stage_durations = {
            each: Attribute(
                name(f"duration.{each.replace(' ', '_')}"),
                "double",
                f"seconds: {each}",
                examples=[0.0042],
            )
            for each in stages
        }
        self.input_hash = Attribute(
            name("input.hash"), "string",
            "stands for the input: the same in one worker, everywhere with a key",
            form="[0-9a-f]{16}", examples=["5f1d0b8e9a3c7642"],
        )  # fmt: skip
        self.problem = Attribute(
            name("problem"), "string", "kind of the problem in the response", problems
        )
        self.duration = Attribute(
            name("request.duration"),
            "double",
            "seconds until the response was sent",
            examples=[0.0123],
        )
        self.degraded = degraded or Attribute(
            name("degraded"), "boolean", "whether a part of the request did less than it should"
        )
        self.debug = Attribute(
            name("debug"), "boolean",
            f"requested by the header `{prefix}-debug: 1`: the trace is kept",
        )  # fmt: skip
        self.aborted = Attribute(
            name("request.broken_off"), "boolean", "the response did not get to its end"
        )
        self.occurrence = Attribute(name("occurrence"), "string", "what happened", occurrences)
        self.signal = Attribute(
            name("signal"), "string", "kind of telemetry", ("traces", "metrics", "logs")
        )
        self.request = Span(
            "{http.request.method} {http.route}", "server", "answering a request",
            {
                **required("http.request.method", "url.scheme"),
                "http.route": "If there is a route.",
                "url.path": "If there is a route: its template.",
                "http.response.status_code": "If a response was sent.",
                "error.type": "If the answer is a 5xx, or broke off.",
                self.problem: "If the answer is a problem.",
                self.degraded: "If a part of it did less than it should.",
                self.debug: "If the header asks for it.",
                self.aborted: "If it broke off.",
                **request,
            },
        )  # fmt: skip
        self.answered = Event(
            "request.answered", "one request, with everything known about it", wide=True
        )
        self.invalid = Event("schema_validation_failed", "the input was not valid (422)")
        self.exception = Event(
            "exception", "a failure that the service was not built to live with",
            {
                **required("exception.type"),
                "exception.stacktrace": "If the exception is not reported already.",
                self.input_hash: "If a log record of a request with an input.",
            },
        )  # fmt: skip
        self.stage_duration = Metric(
            name("stage.duration"), "histogram", "s", "one stage", (self.stage, "error.type"),
            SECONDS,
        )  # fmt: skip
        self.problem_count = Metric(
            name("problems"), "counter", "{problem}", "requests answered with a problem",
            {self.problem: REQUIRED, "http.response.status_code": "If a response was sent."},
            after="a problem",
        )  # fmt: skip
        self.occurrence_count = Metric(
            name("occurrences"), "counter", "{occurrence}", "events that stages report",
            (self.occurrence,), after="a retry",
        )  # fmt: skip
        self.active_requests = Metric(
            name("requests.active"), "gauge", "{request}", "requests being worked on"
        )
        self.lost = Metric(
            name("telemetry.lost"), "counter", "{item}",
            "spans and records, or requests with metrics, that the collector did not accept",
            (self.signal,),
        )  # fmt: skip
        self.loop_lag = Metric(
            name("event_loop.lag"), "histogram", "s", "how late a timer of the event loop fires",
            (), SECONDS,
        )  # fmt: skip

    def declared(self) -> Iterable[object]:
        """Every declared name among the attributes of this object."""
        return (*vars(self).values(), *self.stage_durations.values(), *self.occurrences.values())


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Every name a service may emit beside those of the semantic conventions."""

    core: CoreNames
    attributes: Mapping[str, Attribute]
    events: Mapping[str, Event]
    metrics: Mapping[str, Metric]
    spans: Mapping[str, Span]

    @property
    def wide(self) -> Carried:
        """What the wide event of a request carries: what its span and its stages do, and more."""
        core = self.core
        stages = [self.spans[name].carries for name in core.stages if name in self.spans]
        return {
            **{name: "If the stage ran." for each in stages for name in each},
            **dict.fromkeys(core.stage_durations.values(), "If the stage ran."),
            **core.request.carries,
            core.duration: REQUIRED,
            core.input_hash: "If the request has an input that a person typed.",
        }

    @classmethod
    def of(cls, core: CoreNames, declared: Iterable[object]) -> Self:
        """Collect declared names, for example from `globals().values()`."""
        every = [*core.declared(), *declared, *OF_LIBRARIES, CALL, STATEMENT]
        return cls(
            core,
            {str(each): each for each in every if isinstance(each, Attribute)},
            {str(each): each for each in every if isinstance(each, Event)},
            {str(each): each for each in every if isinstance(each, Metric)},
            {str(each): each for each in every if isinstance(each, Span)},
        )
