"""Runs drift detection beside the requests, in a thread of its own.

A request appends a reference to a bounded queue, which takes less than a microsecond. The thread
takes everything out every INTERVAL_SECONDS, or as soon as BATCH answers are waiting.
"""

import logging
import threading
from collections import deque

from app.model.drift import DriftDetector, DriftReport
from app.recommend.observation import Observation
from app.recommend.serving_model import ServingModel
from app.recommend.stages import DRIFT_ENDED, DRIFT_STARTED, EVALUATE_DRIFT, StageObserver

BATCH, MAX_WAITING = 500, 2_000
MODELS = 2
"""Models that are watched at the same time: champion and challenger."""
INTERVAL_SECONDS = 5.0
log = logging.getLogger(__name__)


class DriftMonitor:
    """Detects drift of the latest MODELS that answered; each starts with an empty window."""

    def __init__(self, stages: StageObserver) -> None:
        self._stages = stages
        self._waiting: deque[tuple[ServingModel, Observation]] = deque()
        self._lock, self._wake = threading.Lock(), threading.Event()
        self._closing = False
        self._detectors: dict[ServingModel, DriftDetector | None] = {}
        self._reports: dict[ServingModel, DriftReport] = {}
        self._thread = threading.Thread(target=self._run, name="drift", daemon=True)
        self.dropped = 0
        """Answers that were not evaluated, because too many were waiting."""

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop the thread; what is waiting is not evaluated."""
        self._closing = True
        self._wake.set()
        self._thread.join()

    def offer(self, model: ServingModel, observation: Observation) -> None:
        """Evaluate an answer soon. Returns at once."""
        waiting = len(self._waiting)
        if waiting >= MAX_WAITING:
            self.dropped += 1
            return
        self._waiting.append((model, observation))
        if waiting == BATCH:
            self._wake.set()

    def evaluate(self) -> None:
        """Evaluate what is waiting."""
        with self._lock:
            while self._waiting:
                model, observation = self._waiting.popleft()
                if model not in self._detectors:
                    self._watch(model)
                detector = self._detectors[model] = self._detectors.pop(model)  # the latest
                if detector is not None:
                    self._add(model, detector, observation)

    def report(self, model: ServingModel) -> DriftReport | None:
        """The latest evaluation of a model."""
        return self._reports.get(model)

    def _watch(self, model: ServingModel) -> None:
        if len(self._detectors) == MODELS:
            oldest = next(iter(self._detectors))
            del self._detectors[oldest]
            self._reports.pop(oldest, None)
        profile = model.profile
        self._detectors[model] = None if profile is None else DriftDetector(model.card, profile)

    def _add(self, model: ServingModel, detector: DriftDetector, observation: Observation) -> None:
        if (report := detector.add(observation)) is None:
            return
        with self._stages.observe(EVALUATE_DRIFT) as stage:
            self._reports[model] = stage.result = report
            if report.changed:
                self._stages.note(DRIFT_STARTED if report.drifting else DRIFT_ENDED)
        if report.changed and report.drifting:
            indices = (f"{name} (PSI {report.features[name].psi:.2f})" for name in report.drifted)
            card = report.model
            log.warning("drift of %s %s: %s", card.name, card.version, ", ".join(indices))

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait(INTERVAL_SECONDS)
            self._wake.clear()
            try:
                if not self._closing:
                    self.evaluate()
            except Exception:
                log.exception("drift was not evaluated")
