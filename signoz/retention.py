"""How long SigNoz keeps each signal, in days.

SigNoz has two endpoints: v1 for traces and metrics (it alters the tables in the background), v2 for
logs. Both change ClickHouse's TTL; rows that are already stored keep theirs until they are merged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signoz.server import Server

V1, V2 = "/api/v1/settings/ttl", "/api/v2/settings/ttl"
HOURS = 24
"""Hours of a day; SigNoz answers in hours."""
UNMANAGED = 0
"""A value in days that leaves SigNoz's retention unchanged."""
DEFAULTS = {"traces": 15, "logs": 15, "metrics": 45}
"""Days. For traces and logs SigNoz's own default; for metrics more than its 30, because the
objectives' window is 30 days."""


class InvalidRetention(ValueError):
    """A setting is not a whole number of days; the message names it."""

    code = 2


@dataclass(frozen=True, slots=True)
class Retention:
    """The retention of one signal."""

    signal: str
    days: int

    def found(self, server: "Server") -> float:
        """The current retention, or the one that SigNoz is applying, in days."""
        if self.signal == "logs":
            return float(server.ask("GET", V2).get("default_ttl_days", 0))
        answer = server.ask("GET", f"{V1}?type={self.signal}")
        pending = "expected_" if answer.get("status") == "pending" else ""
        return float(answer.get(f"{pending}{self.signal}_ttl_duration_hrs", 0)) / HOURS

    def apply(self, server: "Server") -> None:
        """Set it."""
        if self.signal == "logs":
            body = {"type": "logs", "defaultTTLDays": self.days, "ttlConditions": []}
            server.ask("POST", V2, body)
        else:
            duration = f"{self.days * HOURS}h"
            server.ask("POST", f"{V1}?type={self.signal}&duration={duration}")


def variable(signal: str) -> str:
    """The name of its setting."""
    return f"SIGNOZ_RETENTION_{signal.upper()}_DAYS"


def retentions(settings: Mapping[str, str]) -> list[Retention]:
    """The signals whose retention is managed. Raises InvalidRetention."""
    found = [Retention(signal, _days(variable(signal), settings)) for signal in DEFAULTS]
    return [each for each in found if each.days != UNMANAGED]


def _days(name: str, settings: Mapping[str, str]) -> int:
    text = settings[name]
    if not (text.isascii() and text.isdigit()):
        raise InvalidRetention(f"{name} is {text!r}; it must be a whole number of days.")
    return int(text)
