"""One bound in bytes on what the observatory's own process holds: received, decoded, unsent.

What a request takes while it is worked on counts in its `Account`, which the request's context
carries, and is given back when the answer is sent. What outlives a request (rows that wait for the
store) is taken and given back by who holds it.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

RETRY_SECONDS = 1


class Full(Exception):
    """There is no room for more at the moment; ask again later."""


class MemoryBudget:
    """Bytes that may be held at a time. Thread-safe."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._taken = 0
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """Bytes that are held now."""
        return self._taken

    def take(self, count: int) -> None:
        """Count bytes that are held from now on.

        Raises:
            Full: there is no room for so many, and nothing is counted.

        """
        with self._lock:
            if count > 0 and self._taken + count > self.size:
                raise Full("too much is held at the moment; ask again")
            self._taken += count

    def give_back(self, count: int) -> None:
        """So many are held no more."""
        with self._lock:
            self._taken -= count

    @contextmanager
    def account(self) -> Iterator["Account"]:
        """What one request holds: its context's `take` counts here, until it ends."""
        account = Account(self)
        token = _ACCOUNT.set(account)
        try:
            yield account
        finally:
            _ACCOUNT.reset(token)
            account.close()


class Account:
    """Bytes that one request holds. Thread-safe."""

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self._taken = 0
        self._closed = False
        self._lock = threading.Lock()

    def take(self, count: int) -> None:
        """As MemoryBudget's, until this is closed; then nothing is counted any more."""
        with self._lock:
            if not self._closed:
                self._budget.take(count)
                self._taken += count

    def cover(self, count: int) -> None:
        """Hold at least so many."""
        with self._lock:
            missing = max(0, count - self._taken)
        self.take(missing)

    def give_back(self, count: int) -> None:
        """So many of them are held no more."""
        self.take(-count)

    def close(self) -> None:
        """Give everything back."""
        with self._lock:
            self._closed = True
            self._budget.give_back(self._taken)


_ACCOUNT: ContextVar[Account | None] = ContextVar("account", default=None)


def take(count: int) -> None:
    """Count bytes for the request whose context this is; outside of requests nothing is counted.

    Raises:
        Full: there is no room for so many.

    """
    account = _ACCOUNT.get()
    if account is not None:
        account.take(count)
