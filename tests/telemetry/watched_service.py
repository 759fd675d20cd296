"""A service whose model is watched: its champion drifts, and a challenger is in its shadow."""

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from app.composition import open_catalogue
from app.model import click_model, drift, online_metric
from app.model.registry import Registry
from tests.model.observations import observation, register_with_profile
from tests.model.versions import ADA, register
from tests.telemetry.recorded_service import Service
from tests.waiting import eventually

TYPED = ("bread", "stale bread", "tide", "wi-fi", "moon", "computers", "database", "black hole")
FEW = {"WINDOW": len(TYPED), "STEP": 4, "MIN_REQUESTS": len(TYPED), "MIN_DISTINCT": 4}


def small_windows(patch: pytest.MonkeyPatch) -> None:
    """A few queries are enough to evaluate drift, and a like for the online metric."""
    for name, value in FEW.items():
        patch.setattr(drift, name, value)
    patch.setattr(click_model, "FEWEST_LIKES", 0)
    patch.setattr(online_metric, "FEWEST_LIKES", 1)


async def like_the_first(service: Service, texts: Sequence[str]) -> None:
    """Click on the first result of each query; estimate the online metric when that counts."""
    for text in texts:
        found = (await service.ask(text)).json()
        about = {"recommendation_id": found["recommendation_id"], "kind": "click"}
        document = found["results"][0]["document"]["id"]
        await service.client.post("/feedback", json=about | {"document_id": document})
    service.parts.journal.flush()
    online = service.parts.watch.online
    assert online is not None
    online._clock = lambda: time.time() + 3_600
    online.evaluate()


def promoted_and_challenged(data: Path) -> tuple[str, str]:
    """The ids of the champion, which expects other queries, and of its challenger."""
    with closing((catalogue := open_catalogue(data)).database):
        registry = Registry(data / "models")
        champion = register_with_profile(catalogue, registry)
        registry.promote(champion, ADA)
        return champion, register(catalogue, registry, -1)


async def drift_and_recover(service: Service) -> None:
    """Ask, so that drift starts and the challenger is compared; then drift ends."""
    watch = service.parts.watch
    assert watch.drift is not None
    for text in (*TYPED, *TYPED):
        await service.ask(text)
    watch.drift.evaluate()
    await eventually(lambda: "vitrine.shadow.overlap" in service.measured_now())
    model, width = service.parts.model.now(), service.parts.catalogue.models.embedder.width
    for number in range(4 * len(TYPED)):
        watch.drift.offer(model, observation(number, width=width))
    watch.drift.evaluate()
