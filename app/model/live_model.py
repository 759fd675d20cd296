"""Keeps the serving model current with the registry, which any process may change."""

import logging
import sqlite3
import threading
import time
from collections.abc import Mapping
from dataclasses import replace

from app.model.registry import Registry, Stamp
from app.model.registry_records import BUILT_IN, State
from app.model.version_loader import Load
from app.recommend.artefact import ArtefactRefused
from app.recommend.ranking import RefusedModel
from app.recommend.serving_model import ServingModel
from app.recommend.stages import LOAD_MODEL, MODEL_REFUSED, StageObserver

RETRY_SECONDS = 30
"""Interval of further attempts to load a refused version: its file may have been repaired."""
STATE = "state"
"""Key of the registry's state among the refusals."""
REFUSALS = (ArtefactRefused, OSError, sqlite3.Error)
log = logging.getLogger(__name__)


class LiveModel:
    """The champion and the challenger of a registry; implements `recommend.LiveModel`.

    Thread-safe. A version that can't be loaded is refused: the last good one continues to serve.
    """

    def __init__(self, registry: Registry, load: Load, stages: StageObserver) -> None:
        self._registry, self._load, self._stages = registry, load, stages
        self._lock = threading.Lock()
        self._stamp: Stamp | None = None
        self._started, self._retry_at = False, 0.0
        self._champion_id, self._champion = BUILT_IN, load(BUILT_IN)
        self._challenger_id: str | None = None
        self._challenger: ServingModel | None = None
        self._refusals: Mapping[str, str] = {}
        self.now()
        self._started = True

    def now(self) -> ServingModel:
        """The champion. The call after a change of the registry loads it; each costs a `stat`."""
        try:
            changed = self._registry.stamp() != self._stamp
        except OSError:  # the folder can't be read: that is reported once, and then retried
            changed = STATE not in self._refusals
        if changed or (self._refusals and time.monotonic() >= self._retry_at):
            self._refresh()
        return self._champion

    @property
    def challenger(self) -> ServingModel | None:
        """The challenger, if there is a usable one; as of the last call of `now`."""
        return self._challenger

    @property
    def refusals(self) -> Mapping[str, str]:
        """Why versions that have a role can't be used, by id; as of the last call of `now`."""
        return self._refusals

    def _refresh(self) -> None:
        if not self._lock.acquire(blocking=False):
            return  # another thread loads it; until then the previous version answers
        try:
            refused = dict[str, str]()
            try:
                stamp = self._registry.stamp()
                self._update(self._state(refused), refused)
                self._stamp = stamp
            except OSError as error:
                self._refuse(STATE, error, refused)
            self._refusals = refused
            self._retry_at = time.monotonic() + RETRY_SECONDS
        finally:
            self._lock.release()

    def _state(self, refused: dict[str, str]) -> State:
        try:
            return self._registry.state()
        except (ArtefactRefused, OSError) as error:
            self._refuse(STATE, error, refused)
            return self._registry.state_by_audit()

    def _update(self, state: State, refused: dict[str, str]) -> None:
        """Load the versions that have changed their role."""
        if state.champion != self._champion_id:
            earlier = () if self._started else (*reversed(state.previous), BUILT_IN)
            for version in (state.champion, *earlier):
                if (model := self._loaded(version, refused)) is not None:
                    self._champion_id, self._champion = version, model
                    break
            if state.champion in refused and self._champion_id == BUILT_IN:
                self._stand_in(refused[state.champion])
        if state.challenger != self._challenger_id or state.challenger in self._refusals:
            wanted = state.challenger
            self._challenger_id = wanted
            self._challenger = None if wanted is None else self._loaded(wanted, refused)

    def _stand_in(self, reason: str) -> None:
        """At the start, the built-in model replaces a refused version: answers are degraded."""
        if not self._started:
            model = RefusedModel(ArtefactRefused(reason), self._champion.model)
            self._champion_id, self._champion = "", replace(self._champion, model=model)

    def _loaded(self, version: str, refused: dict[str, str]) -> ServingModel | None:
        try:
            with self._stages.observe(LOAD_MODEL) as stage:
                model = stage.result = self._load(version)
                return model
        except REFUSALS as error:
            self._refuse(version, error, refused)
            return None

    def _refuse(self, version: str, error: Exception, refused: dict[str, str]) -> None:
        reason = str(error)
        refused[version] = reason
        if self._refusals.get(version) != reason:
            self._stages.note(MODEL_REFUSED)
            log.warning("model version %s is refused: %s", version, reason)
