"""Runs the statements of a comparison over ClickHouse's HTTP interface.

For the observatory, or a ClickHouse server with the views of `clickhouse/views`.
"""

import json
from collections.abc import Mapping

import httpx

from observatory.compare.parameters import as_text
from observatory.compare.sources import Query, Rows, Value

SECONDS = 60
"""Time limit of a statement."""


class RemoteError(Exception):
    """The server refused a statement, or can't be reached."""


def remote_query(client: httpx.Client) -> Query:
    """Statements sent to the `base_url` of the client."""

    def query(sql: str, values: Mapping[str, Value]) -> Rows:
        parameters = {f"param_{name}": as_text(value) for name, value in values.items()}
        parameters |= {
            "default_format": "JSONEachRow",
            "output_format_json_quote_64bit_integers": "0",
        }
        sql = sql.replace(" AS MATERIALIZED", " AS")  # not every server has it
        try:
            answer = client.post("/", params=parameters, content=sql.encode())
        except httpx.HTTPError as error:
            raise RemoteError(f"{client.base_url} can't be reached: {error}") from error
        if answer.is_error:
            raise RemoteError(answer.text.strip()[:2000])
        return [json.loads(line) for line in answer.text.split("\n") if line]

    return query
