"""What a group of records has in common, encoded once for all of them."""

from typing import Any, NamedTuple, Self

from observatory.intake.attribute_values import Refused, pairs, said
from observatory.intake.otlp_messages import InstrumentationScope, Resource, parsed
from observatory.store.native_format import EMPTY, LONGEST_NAME, Pairs, text

UNREADABLE = "its resource or scope is damaged, or nested too deeply"


def envelope(kind: Any, content: bytes) -> Any:
    """What wraps records, of class `kind`.

    Raises:
        DecodeError: it is damaged, and with it the message.

    """
    return kind.FromString(content)


class Origin(NamedTuple):
    """A resource: who sent it."""

    service: bytes
    attributes: Pairs

    @classmethod
    def read(cls, resource: bytes) -> Self | None:
        """As `of`; None where it can't be read."""
        try:
            return cls.of(parsed(Resource, resource))
        except Refused:
            return None

    @classmethod
    def of(cls, resource: Any) -> Self:
        """Read off a Resource."""
        service = EMPTY
        for each in resource.attributes:
            if each.key == b"service.name":
                service = text(said(each.value, each.value.WhichOneof("value"))[:LONGEST_NAME])
        return cls(service, pairs(resource.attributes))

    @property
    def size(self) -> int:
        """Bytes that a row has of it."""
        return len(self.attributes.keys) + len(self.attributes.values)


class Scope(NamedTuple):
    """An instrumentation scope: which library made it."""

    name: bytes
    version: bytes
    attributes: Pairs
    dropped: int

    @classmethod
    def read(cls, scope: bytes) -> Self | None:
        """As `of`; None where it can't be read."""
        try:
            return cls.of(parsed(InstrumentationScope, scope))
        except Refused:
            return None

    @classmethod
    def of(cls, scope: Any) -> Self:
        """Read off an InstrumentationScope."""
        return cls(
            text(scope.name),
            text(scope.version),
            pairs(scope.attributes),
            scope.dropped_attributes_count,
        )

    @property
    def size(self) -> int:
        """Bytes that a row has of it."""
        return len(self.name) + len(self.attributes.keys) + len(self.attributes.values)
