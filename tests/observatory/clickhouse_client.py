"""ClickHouse's interface as its clients see it: over HTTP by hand, and with clickhouse-connect."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
import httpx

from tests.observatory.observatory_process import Observatory

TOKEN = "a token with 'quotes' and ümlauts"
MEGABYTE = 1 << 20
LIMITS = {
    "write_token": TOKEN,
    "query_seconds": 60,
    "query_bytes": 64 * MEGABYTE,
    "retention_hours": 24 * 366,
}


class ClickHouseClient:
    """The interface of a running observatory."""

    def __init__(self, observatory: Observatory, client: httpx.Client) -> None:
        self.observatory = observatory
        self._client = client

    @property
    def port(self) -> int:
        return urlsplit(self.observatory.clickhouse).port or 0

    def send(
        self,
        sql: str | bytes = "",
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
        path: str = "/",
        **query: str,
    ) -> httpx.Response:
        """A statement in the body, without the token."""
        return self._client.request(method, path, content=sql, headers=headers, params=query)

    def send_authorized(self, sql: str | bytes, **query: str) -> httpx.Response:
        """The same with the token."""
        return self.send(sql, basic(TOKEN), **query)

    def execute(self, sql: str | bytes, **query: str) -> str:
        """The result of a statement with the token, which must succeed."""
        answer = self.send_authorized(sql, **query)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.text

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return self.observatory.rows(sql)

    def value(self, sql: str) -> Any:
        return self.observatory.value(sql)

    def connected(self, **settings: Any) -> Any:
        """clickhouse-connect's client; a context manager."""
        return clickhouse_connect.get_client(host="127.0.0.1", port=self.port, **settings)


def basic(password: str, user: str = "default") -> dict[str, str]:
    """The header of Basic authentication."""
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


def code(answer: httpx.Response) -> int:
    """ClickHouse's code of an error; 0 where there is none."""
    return int(answer.headers.get("x-clickhouse-exception-code", 0))
