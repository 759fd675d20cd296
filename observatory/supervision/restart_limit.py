"""How often and how soon a process is restarted."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic


@dataclass(slots=True)
class RestartLimit:
    """At most `most` restarts in `window_seconds`, each after twice the delay of the one before."""

    most: int = 5
    window_seconds: float = 300
    first_delay: float = 0.5
    """Seconds."""
    clock: Callable[[], float] = monotonic
    _recent: deque[float] = field(default_factory=deque)

    @property
    def count(self) -> int:
        """Restarts within the window."""
        while self._recent and self._recent[0] <= self.clock() - self.window_seconds:
            self._recent.popleft()
        return len(self._recent)

    def next_delay(self) -> float | None:
        """Count a restart; returns the seconds to wait before it, or None if it is one too many."""
        count = self.count
        if count >= self.most:
            return None
        self._recent.append(self.clock())
        return float(self.first_delay * 2**count)

    def __str__(self) -> str:
        return f"{self.most} in {self.window_seconds / 60:g} minutes"
