"""Services that can be made to fail."""

from tests.api.conftest import (  # noqa: F401 - fixtures
    anyio_backend,
    shelf_data,
    shelf_file,
    wikipedia,
)
from tests.telemetry.conftest import _environment, open_service  # noqa: F401 - fixtures
