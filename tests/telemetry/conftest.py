"""Services that tell what they do to the test, and nothing but what the vocabulary declares."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from app.settings import TelemetrySettings, WikipediaSettings
from app.telemetry.kit.exceptions import BOTH, OPT_IN
from tests.api.conftest import (  # noqa: F401 - fixtures
    anyio_backend,
    shelf_data,
    shelf_file,
    stand_in,
)
from tests.api.service import ALONE, settings
from tests.telemetry.conformance import span_names, violations
from tests.telemetry.telling import Service, Telling


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """Setting telemetry up gives standard variables defaults; they end with the test."""
    with patch.dict(os.environ, {OPT_IN: BOTH}):
        yield


@pytest.fixture
def telling(shelf_data: Path) -> Iterator[Telling]:  # noqa: F811
    """Makes services, and looks at what they told after the test."""
    made: list[Service] = []

    def opener(wikipedia: WikipediaSettings = ALONE, **changes: Any) -> Service:
        silent = {"telemetry": TelemetrySettings(logs="off")}
        service = Service(settings(shelf_data, wikipedia=wikipedia, **(silent | changes)))
        made.append(service)
        return service

    yield opener
    for each in made:
        assert violations(each, span_names(each.app)) == []
