"""What spans and log records are asked to have: the parameter `attr`, and the SQL it comes to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from observatory.page.asking import Asked
from observatory.page.problems import invalid

MOST = 8
RESOURCE = "resource."
NAME = "name"
_WRITTEN = re.compile(r"(?P<key>.+?)(?:(?P<operator>!=|=|~)(?P<value>.*))?", re.DOTALL)


class Condition(NamedTuple):
    """A part of a WHERE clause, from constants of ours, and the parameters bound in it."""

    sql: str
    values: dict[str, Any]

    @classmethod
    def all_of(cls, conditions: Sequence["Condition"]) -> "Condition":
        """Those together."""
        values = {name: value for each in conditions for name, value in each.values.items()}
        return cls(" AND ".join(f"({each.sql})" for each in conditions) or "1", values)


@dataclass(frozen=True, slots=True)
class AttributeTest:
    """What an attribute has to be; `resource.…` are a resource's, `name` is a span's name."""

    key: str
    operator: str = ""
    """`=`, `!=`, `~`: contains, whatever the case; nothing: it is there."""
    value: str = ""

    @classmethod
    def read(cls, said: str) -> "AttributeTest":
        """As it is written in `attr`.

        Raises:
            Problem: 422.

        """
        found = _WRITTEN.fullmatch(said)
        if not found or said[0] in "!=~":
            raise invalid("attr", "is key, key=value, key!=value or key~text")
        return cls(found["key"], found["operator"] or "", found["value"] or "")

    @property
    def of_resource(self) -> bool:
        """Whether it is about what sent the span."""
        return self.key.startswith(RESOURCE)

    def column(self, number: int, own: str) -> str:
        """SQL for the value, where a table's own attributes are in the column `own`."""
        if self.key == NAME and own == "SpanAttributes":
            return "SpanName"
        return f"{self._map(own)}[{{key{number}:String}}]"

    def condition(self, number: int, own: str) -> Condition:
        """As SQL; `number` tells its parameters from those of other tests."""
        text, value = self.column(number, own), f"{{value{number}:String}}"
        values = {f"value{number}": self.value} if self.operator else {}
        parts = []
        if text != "SpanName":
            values[f"key{number}"] = self.key.removeprefix(RESOURCE)
            parts.append(f"mapContains({self._map(own)}, {{key{number}:String}})")
            if self.operator == "=":  # what the index over the values knows
                parts.append(f"has(mapValues({self._map(own)}), {value})")
        if self.operator == "~":
            parts.append(f"positionCaseInsensitiveUTF8({text}, {value}) > 0")
        elif self.operator:
            parts.append(f"{text} {self.operator} {value}")
        return Condition(" AND ".join(parts) or "1", values)

    def _map(self, own: str) -> str:
        return "ResourceAttributes" if self.of_resource else own


def attribute_tests(asked: Asked) -> Sequence[AttributeTest]:
    """Those that were given.

    Raises:
        Problem: 422.

    """
    said = asked.texts("attr")
    if len(said) > MOST:
        raise invalid("attr", f"may be given {MOST} times at most")
    return tuple(AttributeTest.read(each) for each in said)
