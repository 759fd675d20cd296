"""What a statement could lay hands on: a file, a folder, a port, and all that is stored."""

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.observatory.clickhouse_client import ClickHouseClient

SECRET = "the secret of the file"
STATE = """
    SELECT 'table' AS what, database || '.' || name AS name, toString(total_rows) AS value
    FROM system.tables WHERE database NOT IN ('system', 'information_schema', 'INFORMATION_SCHEMA')
    UNION ALL SELECT 'database', name, engine FROM system.databases
    UNION ALL SELECT 'function', name, '' FROM system.functions WHERE origin != 'System'
    UNION ALL SELECT 'setting', name, value FROM system.settings WHERE changed
    UNION ALL SELECT 'here', currentDatabase(), ''
    ORDER BY ALL
"""


@dataclass
class Sandbox:
    """A client of ClickHouse's interface, and what statements must not reach."""

    clickhouse: ClickHouseClient
    folder: Path
    listening: socket.socket

    def __post_init__(self) -> None:
        self.secret = self.folder / "secret.csv"
        self.secret.write_text(f'"{SECRET}","b"\n')
        self.before = self.state()

    def state(self) -> list[dict[str, Any]]:
        return self.clickhouse.rows(STATE)

    def asked(self, statement: str, **query: str) -> httpx.Response:
        for name, value in {
            "@secret": str(self.secret),
            "@folder": str(self.folder),
            "@port": str(self.listening.getsockname()[1]),
        }.items():
            statement = statement.replace(name, value)
        return self.clickhouse.send(statement, None, **query)

    def check(self) -> None:
        """No file was made, and nothing connected."""
        assert [path.name for path in self.folder.iterdir()] == ["secret.csv"]
        with pytest.raises(BlockingIOError):
            self.listening.accept()

    def check_all(self) -> None:
        """Besides, what is stored is what was stored before."""
        self.check()
        assert self.state() == self.before
