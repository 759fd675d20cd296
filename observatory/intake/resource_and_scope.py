"""Resource and scope of a group of records, encoded once per group."""

from typing import Any, NamedTuple, Self

from observatory.intake.attribute_values import RecordRejected, as_text, pairs
from observatory.intake.otlp_messages import InstrumentationScope, Resource, parse
from observatory.store.native_format import EMPTY, MAX_NAME_BYTES, Pairs, text

UNREADABLE = "its resource or scope is damaged, or nested too deeply"


def envelope(kind: Any, content: bytes) -> Any:
    """Parse a message that wraps records, of class `kind`.

    Raises:
        DecodeError: it is damaged, which invalidates the whole request.

    """
    return kind.FromString(content)


class Origin(NamedTuple):
    """A resource: the service that sent the records."""

    service: bytes
    attributes: Pairs

    @classmethod
    def read(cls, resource: bytes) -> Self | None:
        """Parse and convert; None if it is damaged."""
        try:
            return cls.of(parse(Resource, resource))
        except RecordRejected:
            return None

    @classmethod
    def of(cls, resource: Any) -> Self:
        """Convert a Resource."""
        service = EMPTY
        for each in resource.attributes:
            if each.key == b"service.name":
                service = text(as_text(each.value, each.value.WhichOneof("value"))[:MAX_NAME_BYTES])
        return cls(service, pairs(resource.attributes))

    @property
    def size(self) -> int:
        """Bytes that it adds to each row."""
        return len(self.attributes.keys) + len(self.attributes.values)


class Scope(NamedTuple):
    """An instrumentation scope: the library that created the records."""

    name: bytes
    version: bytes
    attributes: Pairs
    dropped: int

    @classmethod
    def read(cls, scope: bytes) -> Self | None:
        """Parse and convert; None if it is damaged."""
        try:
            return cls.of(parse(InstrumentationScope, scope))
        except RecordRejected:
            return None

    @classmethod
    def of(cls, scope: Any) -> Self:
        """Convert an InstrumentationScope."""
        return cls(
            text(scope.name),
            text(scope.version),
            pairs(scope.attributes),
            scope.dropped_attributes_count,
        )

    @property
    def size(self) -> int:
        """Bytes that it adds to each row."""
        return len(self.name) + len(self.attributes.keys) + len(self.attributes.values)
