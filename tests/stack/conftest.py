"""The Collector's binary, and one Collector before one observatory for tests that only send."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.observatory.observatory_process import Observatory
from tests.stack.collector_process import LONG_TIMEOUT, REDACTION_STRICT, Collector
from tests.stack.load import COUNTED

TOKEN = "of the tests"
MISSING = "no Collector here: `make collector` builds it (Go 1.25 or newer)"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What became of the records that tests of durability sent."""
    passed = terminalreporter.getreports("passed")
    output = [line for each in passed for line in each.capstdout.splitlines() if COUNTED in line]
    if output:
        terminalreporter.section("sent, and what became of it")
        for line in output:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def otelcol() -> Path:
    """The binary; without one the tests of this folder are left out, in CI they fail."""
    named = os.environ.get("OTELCOL")
    if named and Path(named).is_file():
        return Path(named).resolve()
    if os.environ.get("CI"):
        pytest.fail(MISSING)
    pytest.skip(MISSING)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observatory]:
    """ClickHouse, for a Collector that may write."""
    with Observatory(tmp_path_factory.mktemp("store"), write_token=TOKEN) as running:
        yield running


@pytest.fixture(scope="session")
def collector(
    otelcol: Path, store: Observatory, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Collector]:
    """The core, which keeps every trace and decides on it soon."""
    folder = tmp_path_factory.mktemp("collector")
    with Collector(otelcol, folder, "clickhouse", LONG_TIMEOUT, **to(store)) as running:
        yield running


@pytest.fixture(scope="session")
def strict(
    otelcol: Path, store: Observatory, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Collector]:
    """The same with redaction-strict.yaml."""
    folder = tmp_path_factory.mktemp("strict")
    with Collector(
        otelcol, folder, REDACTION_STRICT, "clickhouse", LONG_TIMEOUT, **to(store)
    ) as running:
        yield running


def to(store: Observatory) -> dict[str, str]:
    """Where a Collector finds the store."""
    return {"CLICKHOUSE_ENDPOINT": store.clickhouse, "CLICKHOUSE_PASSWORD": TOKEN}
