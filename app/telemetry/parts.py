"""Gauges of the parts: read when metrics are sent."""

import sqlite3
import time
from collections.abc import Iterable
from contextlib import suppress

from opentelemetry.metrics import CallbackOptions, Observation

from app.parts import Parts, model_path
from app.telemetry import vocabulary as v
from app.telemetry.attributes import Attributes
from app.telemetry.measures import Measures


def watch_parts(measures: Measures, parts: Parts) -> None:
    """The size of the catalogue, the age of the model, what the journal lost."""

    def documents(_: CallbackOptions) -> Iterable[Observation]:
        with suppress(sqlite3.Error):  # it may be closed already
            yield Observation(len(parts.catalogue))

    def dropped(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(parts.journal.dropped)

    measures.watch(v.CATALOGUE_SIZE, documents)
    measures.watch(v.JOURNAL_DROPPED, dropped)
    path = model_path(parts.settings)
    if parts.model.card.name != "fusion" and path.exists():
        trained, card = path.stat().st_mtime, parts.model.card
        about: Attributes = {v.MODEL_NAME: card.name, v.MODEL_VERSION: card.version}

        def age(_: CallbackOptions) -> Iterable[Observation]:
            yield Observation(max(time.time() - trained, 0.0), about)

        measures.watch(v.MODEL_AGE, age)
