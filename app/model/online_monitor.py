"""Estimates the online metric beside the requests, in a thread of its own."""

import logging
import threading
import time
from collections.abc import Callable

from app.catalogue.database import Database
from app.catalogue.feedback_log import read_feedback
from app.model.click_model import RANKS
from app.model.online_metric import OnlineReport, online_report
from app.recommend.stages import ESTIMATE_ONLINE, StageObserver

INTERVAL_SECONDS = 60.0
RECENT = 20_000
"""Recommendations that are read at most, the newest."""
log = logging.getLogger(__name__)


class OnlineMonitor:
    """The online metric of the journal's latest recommendations."""

    def __init__(
        self,
        journal: Database,
        window: float,
        stages: StageObserver,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`window`: seconds in which feedback counts; `clock`: Unix time."""
        self._journal, self._window, self._stages, self._clock = journal, window, stages, clock
        self._lock, self._closing = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="online metric", daemon=True)
        self._made = float("-inf")
        self.report: OnlineReport | None = None
        """The latest one."""

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    def latest(self) -> OnlineReport:
        """The report; a new one every INTERVAL_SECONDS. Raises sqlite3.Error."""
        with self._lock:
            if self.report is not None and self._clock() - self._made < INTERVAL_SECONDS:
                return self.report
            return self._estimate()

    def evaluate(self) -> OnlineReport:
        """A new report. Raises sqlite3.Error."""
        with self._lock:
            return self._estimate()

    def _estimate(self) -> OnlineReport:
        now = self._clock()
        with self._stages.observe(ESTIMATE_ONLINE) as stage:
            found = read_feedback(self._journal, self._window, now, RECENT, RANKS)
            report = stage.result = online_report(found)
        self.report, self._made = report, now
        return report

    def _run(self) -> None:
        while not self._closing.wait(INTERVAL_SECONDS):
            try:
                self.evaluate()
            except Exception:
                log.exception("the online metric was not estimated")
        self._journal.release()
