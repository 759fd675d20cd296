"""Work in a thread of its own, for a share of the requests, which do not wait for it."""

import logging
import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

MAX_WAITING = 32
"""Items that wait at most; a shadow's holds the vectors of its candidates, about 0.2 MB."""
Item = TypeVar("Item")
log = logging.getLogger(__name__)


class SampledWork(Generic[Item]):
    """Runs `work` on a `share` of the offered items, evenly spread, one after the other."""

    def __init__(self, name: str, share: float, work: Callable[[Item], None]) -> None:
        """`name`: of the thread."""
        self._name, self._share, self._work = name, share, work
        self._turn = 0.0
        self._waiting: queue.Queue[Item | None] = queue.Queue(MAX_WAITING)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.dropped = 0
        """Items that were not worked on, because too many were waiting."""

    @property
    def waiting(self) -> int:
        """Items whose work has not begun yet."""
        return self._waiting.qsize()

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop the thread after its current item."""
        self._closing = True
        while self._thread.is_alive():
            try:
                self._waiting.put(None, timeout=0.1)  # the queue may be full
            except queue.Full:
                continue
            break
        self._thread.join()

    def offer(self, make: Callable[[], Item]) -> None:
        """Work on this item soon, if it is its turn. Returns at once."""
        self._turn += self._share
        if self._turn < 1:
            return
        self._turn -= 1
        try:
            self._waiting.put_nowait(make())
        except queue.Full:
            self.dropped += 1

    def _run(self) -> None:
        while (found := self._waiting.get()) is not None and not self._closing:
            try:
                self._work(found)
            except Exception:
                log.exception("%s failed", self._name)
