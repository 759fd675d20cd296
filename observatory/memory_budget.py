"""One limit in bytes on the data that the observatory's own process holds.

The memory of a request counts in its `Account` (a context variable) and is released when the
response is sent. Data that outlives the request, such as rows queued for the store, is reserved and
released by its owner.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

RETRY_SECONDS = 1


class BudgetExceeded(Exception):
    """The memory budget is exhausted; retry later."""


class MemoryBudget:
    """A limit on bytes held at the same time. Thread-safe."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._reserved = 0
        self._lock = threading.Lock()

    @property
    def reserved(self) -> int:
        """Bytes held now."""
        return self._reserved

    def reserve(self, count: int) -> None:
        """Reserve bytes.

        Raises:
            BudgetExceeded: the limit would be exceeded; nothing is reserved.

        """
        with self._lock:
            if count > 0 and self._reserved + count > self.size:
                raise BudgetExceeded("out of memory at the moment; retry")
            self._reserved += count

    def release(self, count: int) -> None:
        """Release bytes."""
        with self._lock:
            self._reserved -= count

    @contextmanager
    def account(self) -> Iterator["Account"]:
        """The account of one request: `reserve` in its context counts here until it ends."""
        account = Account(self)
        token = _ACCOUNT.set(account)
        try:
            yield account
        finally:
            _ACCOUNT.reset(token)
            account.close()


class Account:
    """Bytes held by one request. Thread-safe."""

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self._reserved = 0
        self._closed = False
        self._lock = threading.Lock()

    def reserve(self, count: int) -> None:
        """As MemoryBudget.reserve; no effect once the account is closed."""
        with self._lock:
            if not self._closed:
                self._budget.reserve(count)
                self._reserved += count

    def reserve_at_least(self, count: int) -> None:
        """Reserve what is missing to hold at least `count` bytes."""
        with self._lock:
            missing = max(0, count - self._reserved)
        self.reserve(missing)

    def release(self, count: int) -> None:
        """Release bytes."""
        self.reserve(-count)

    def close(self) -> None:
        """Release everything."""
        with self._lock:
            self._closed = True
            self._budget.release(self._reserved)


_ACCOUNT: ContextVar[Account | None] = ContextVar("account", default=None)


def reserve(count: int) -> None:
    """Reserve bytes for the current request; outside of a request this has no effect.

    Raises:
        BudgetExceeded: the limit would be exceeded.

    """
    account = _ACCOUNT.get()
    if account is not None:
        account.reserve(count)
