"""Services whose telemetry a test reads, and checks that the vocabulary declares all of it."""

import os
import shutil
from collections.abc import Iterator, Mapping
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
    wikipedia,
)
from tests.api.service import NO_WIKIPEDIA, settings
from tests.telemetry.conformance import span_names, violations
from tests.telemetry.exporting_service import APP, ExportingService, Watch
from tests.telemetry.recorded_service import OpenService, Service


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """Setting telemetry up gives standard variables defaults; they end with the test."""
    with patch.dict(os.environ, {OPT_IN: BOTH}):
        yield


@pytest.fixture
def open_service(shelf_data: Path) -> Iterator[OpenService]:  # noqa: F811
    """Makes services, and checks what they emitted after the test."""
    made: list[Service] = []

    def opener(
        wikipedia: WikipediaSettings = NO_WIKIPEDIA,  # noqa: F811
        **changes: Any,
    ) -> Service:
        silent = {"telemetry": TelemetrySettings(logs="off")}
        service = Service(settings(shelf_data, wikipedia=wikipedia, **(silent | changes)))
        made.append(service)
        return service

    yield opener
    for each in made:
        assert violations(each, span_names(each.app)) == []


@pytest.fixture(scope="session")
def watch(tmp_path_factory: pytest.TempPathFactory, shelf_file: Path) -> Watch:  # noqa: F811
    """Makes processes of the service, each over a data folder of its own."""

    def make(
        *environment: Mapping[str, str],
        app: str = APP,
        kind: type[ExportingService] = ExportingService,
    ) -> ExportingService:
        data = tmp_path_factory.mktemp("watched")
        shutil.copy(shelf_file, data / "catalogue.db")
        merged = {name: value for each in environment for name, value in each.items()}
        return kind(data, merged, app)

    return make
