"""What a declared name is: a text that knows its meaning and its bounds."""

from collections.abc import Sequence
from typing import Literal, Self

AttributeType = Literal["string", "int", "double", "boolean", "string[]"]
Instrument = Literal["counter", "histogram", "gauge"]


class Attribute(str):
    """An attribute's name. `values`: all it can be; else `form`: a regular expression."""

    __slots__ = ("form", "kind", "meaning", "values")
    kind: AttributeType
    meaning: str
    values: tuple[str, ...]
    form: str

    def __new__(
        cls,
        name: str,
        kind: AttributeType,
        meaning: str,
        values: Sequence[str] = (),
        form: str = "",
    ) -> Self:
        """`kind` is the type of its values."""
        self = super().__new__(cls, name)
        self.kind, self.meaning, self.values, self.form = kind, meaning, tuple(values), form
        return self


class Event(str):
    """The name of a span event or of a log record."""

    __slots__ = ("meaning",)
    meaning: str

    def __new__(cls, name: str, meaning: str) -> Self:
        """`meaning` is a sentence for the reference."""
        self = super().__new__(cls, name)
        self.meaning = meaning
        return self


class Metric(str):
    """A metric's name. `bounds` are the upper bounds of a histogram's buckets.

    `after` is what must have happened before it is emitted; empty for a metric that is always
    present: from the first recommendation on.
    """

    __slots__ = ("after", "attributes", "bounds", "instrument", "meaning", "unit")
    instrument: Instrument
    unit: str
    meaning: str
    attributes: tuple[str, ...]
    bounds: tuple[float, ...]
    after: str

    def __new__(  # noqa: PLR0913
        cls,
        name: str,
        instrument: Instrument,
        unit: str,
        meaning: str,
        attributes: Sequence[str] = (),
        bounds: Sequence[float] = (),
        *,
        after: str = "",
    ) -> Self:
        """`unit` in UCUM, as OpenTelemetry has it."""
        self = super().__new__(cls, name)
        self.instrument, self.unit, self.meaning = instrument, unit, meaning
        self.attributes, self.bounds, self.after = tuple(attributes), tuple(bounds), after
        return self
