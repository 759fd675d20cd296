"""The SDK's bounded attributes, with a fast path for values that need no cleaning."""

from collections.abc import Mapping
from threading import Lock
from types import NoneType

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.util.types import AnyValue

PLAIN = frozenset({bool, int, float, bytes, NoneType})
"""Types (exactly these, no subclasses) whose values the SDK keeps unchanged, as it keeps strings
that are not too long."""


class QuickAttributes(BoundedAttributes):
    """Attributes of a span or log record while it is being written.

    Everything that needs more than a type check (sequences, mappings, invalid keys, long strings, a
    reached limit) is left to the SDK, which cleans, truncates, warns and counts.
    """

    dropped = 0
    _immutable = False

    def __init__(
        self, maxlen: int | None, attributes: Mapping[str, AnyValue] | None, longest: int | None
    ) -> None:
        # Sets the base class's fields without its checks: SpanLimits has checked the limits.
        self._dict: dict[str, AnyValue] = {}
        self.maxlen, self.max_value_len = maxlen, longest
        self._lock = Lock()
        if attributes:
            self._set_items(attributes)

    def __setitem__(self, key: str, value: AnyValue) -> None:
        held = self._dict
        if (
            not self._immutable
            and (self.maxlen is None or len(held) < self.maxlen)
            and _is_clean(key, value, self.max_value_len)
        ):
            if key in held:
                held.pop(key, None)  # move it to the end, as the SDK does
            held[key] = value
        else:
            super().__setitem__(key, value)

    def _set_items(self, attributes: Mapping[str, AnyValue]) -> None:
        held, longest = self._dict, self.max_value_len
        if (
            self._immutable
            or (self.maxlen is not None and len(held) + len(attributes) > self.maxlen)
            or not _are_clean(attributes, longest)
        ):
            super()._set_items(attributes)
            return
        if held and not held.keys().isdisjoint(attributes):
            for key in attributes:
                held.pop(key, None)
        held.update(attributes)


def _is_clean(key: object, value: object, longest: int | None) -> bool:
    """Whether the SDK keeps an attribute unchanged."""
    if not isinstance(key, str) or not key:
        return False
    if type(value) is str:
        return longest is None or len(value) <= longest
    return type(value) in PLAIN


def _are_clean(attributes: Mapping[str, AnyValue], longest: int | None) -> bool:
    """As `_is_clean` for each; inlined, which takes half the time."""
    for key, value in attributes.items():
        if not isinstance(key, str) or not key:
            return False
        if type(value) is str:
            if longest is not None and len(value) > longest:
                return False
        elif type(value) not in PLAIN:
            return False
    return True
