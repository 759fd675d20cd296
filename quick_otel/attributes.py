"""The SDK's bounded attributes, with a short way for values that need no cleaning."""

import threading
from collections.abc import Mapping
from types import NoneType
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.util.types import AnyValue

PLAIN = frozenset({bool, int, float, bytes, NoneType})
"""Types (exactly these, no subclasses) whose values the SDK takes as they are, as it does strings
that are not too long."""


class QuickAttributes(BoundedAttributes):
    """Attributes of a span or log record while it is being written.

    Everything that needs more than a type check (sequences, mappings, wrong keys, long strings, no
    room left) goes the SDK's way, which cleans, truncates, warns and counts.
    """

    def __init__(
        self, maxlen: int | None, attributes: Mapping[str, AnyValue] | None, longest: int | None
    ) -> None:
        # The fields of the base class without its checks: the limits were checked where they
        # were made.
        self._dict: dict[str, AnyValue] = {}
        self.maxlen, self.max_value_len, self.dropped = maxlen, longest, 0
        self._lock = threading.Lock()
        self._immutable = False
        if attributes:
            self._set_items(attributes)

    def __setitem__(self, key: str, value: AnyValue) -> None:
        held = self._dict
        if (
            type(key) is str
            and key
            and not self._immutable
            and (self.maxlen is None or len(held) < self.maxlen)
            and self._is_clean(value)
        ):
            if key in held:
                held.pop(key, None)  # it moves to the end, as in the SDK
            held[key] = value
        else:
            super().__setitem__(key, value)

    def _is_clean(self, value: Any) -> bool:
        if type(value) is str:
            return self.max_value_len is None or len(value) <= self.max_value_len
        return type(value) in PLAIN

    def _set_items(self, attributes: Mapping[str, AnyValue]) -> None:
        held, longest = self._dict, self.max_value_len
        if self._immutable or (
            self.maxlen is not None and len(held) + len(attributes) > self.maxlen
        ):
            super()._set_items(attributes)
            return
        for key, value in attributes.items():
            if type(key) is not str or not key:
                break
            if type(value) is str:
                if longest is not None and len(value) > longest:
                    break
            elif type(value) not in PLAIN:
                break
        else:
            if held and not held.keys().isdisjoint(attributes):
                for key in attributes:
                    held.pop(key, None)
            held.update(attributes)
            return
        super()._set_items(attributes)
