"""The fixture of a running observatory: name this module in `pytest_plugins`, import it nowhere."""

from collections.abc import Iterator

import pytest

from tests.observatory.observing import Observatory


@pytest.fixture(scope="session")
def observatory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observatory]:
    """One for all tests that only send and ask, each with ids of its own."""
    with Observatory(tmp_path_factory.mktemp("observatory")) as running:
        yield running
