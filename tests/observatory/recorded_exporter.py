"""A collector's ClickHouse exporter, replayed: its requests as they were recorded, byte by byte.

recorded/*.jsonl: contrib clickhouseexporter v0.149.0 with clickhouse-go 2.43.0, one file for each
way to compress. Two spans, two log records, two points each of a gauge, a counter and a histogram.
"""

import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.observatory.clickhouse_client import TOKEN, ClickHouseClient, basic
from tests.waiting import TIMEOUT

RECORDED = Path(__file__).parent / "recorded"
WAYS = ("none", "gzip", "lz4")


class Answer(NamedTuple):
    status: int
    body: bytes


@dataclass(frozen=True)
class Recorded:
    """A request; its statement is in the query string where `data` is sent."""

    sql: str
    query: dict[str, str]
    headers: dict[str, str]
    data: bytes | None

    @property
    def verb(self) -> str:
        return self.sql.split()[0]

    def into(self, database: str) -> "Recorded":
        """The same for another database."""
        sql = self.sql.replace('"otel"', f'"{database}"')
        query = {**self.query, "query": sql} if "query" in self.query else self.query
        return Recorded(sql, query, self.headers, self.data)


def recording(way: str) -> Iterator[Recorded]:
    """All requests, in order."""
    with (RECORDED / f"{way}.jsonl").open() as lines:
        for line in lines:
            request: dict[str, Any] = json.loads(line)
            query, sql, data = request["query"], request.get("sql"), request.get("data")
            yield Recorded(
                sql or query["query"],
                query,
                request["headers"],
                b64decode(data) if data else None,
            )


def schema() -> list[Recorded]:
    """What makes the database and the tables; the same however it compresses."""
    return [each for each in recording("lz4") if each.verb == "CREATE"]


def replay(
    endpoint: ClickHouseClient, requests: list[Recorded], password: str = TOKEN
) -> list[Answer]:
    """Send them over one connection, as Go does: data in chunks, all else with its length."""
    with closing(HTTPConnection("127.0.0.1", endpoint.port, timeout=TIMEOUT)) as connection:
        return [_sent(connection, each, password) for each in requests]


def _sent(connection: HTTPConnection, each: Recorded, password: str) -> Answer:
    url = f"/?{urlencode(sorted(each.query.items()))}"
    headers = each.headers | basic(password)
    if each.data is None:
        connection.request("POST", url, each.sql.encode(), headers)
    else:
        headers["Transfer-Encoding"] = "chunked"
        cut = len(each.data) // 2
        pieces = iter((each.data[:cut], each.data[cut:]))
        connection.request("POST", url, pieces, headers, encode_chunked=True)
    response = connection.getresponse()
    return Answer(response.status, response.read())
