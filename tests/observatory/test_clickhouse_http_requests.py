"""ClickHouse's interface as an HTTP server: methods, parameters and credentials."""

import socket
from contextlib import closing
from typing import Any

import httpx

from tests.cases import cases
from tests.observatory.clickhouse_client import TOKEN, ClickHouseClient, basic, code
from tests.observatory.messages import fresh
from tests.waiting import TIMEOUT


def test_a_statement_comes_in_the_address_or_the_body(clickhouse: ClickHouseClient) -> None:
    asked = "SELECT 1 AS a FORMAT JSONEachRow"
    for answer in (
        clickhouse.send(asked),
        clickhouse.send(asked.encode()),
        clickhouse.send(f"{asked};\n"),
        clickhouse.send(query=asked),
        clickhouse.send(query=asked, method="GET"),
    ):
        assert (answer.status_code, answer.text) == (200, '{"a":1}\n')
        assert answer.headers["x-clickhouse-format"] == "JSONEachRow"
        assert answer.headers["content-type"].startswith("application/x-ndjson")


def test_curl_gets_the_names_of_columns_where_no_format_is_named(
    clickhouse: ClickHouseClient,
) -> None:
    query = "SELECT 1 AS a, 'x' AS b"
    curl = {"User-Agent": "curl/8.14.1"}
    assert clickhouse.send(query).text == "1\tx\n"
    assert clickhouse.send(query, curl).text == "a\tb\n1\tx\n"
    assert clickhouse.send(query, curl, default_format="CSV").text == '1,"x"\n'
    assert clickhouse.send(f"{query} FORMAT TabSeparated", curl).text == "1\tx\n"


def test_it_says_that_it_is_there(clickhouse: ClickHouseClient) -> None:
    for answer in (
        clickhouse.send(method="GET", path="/ping"),
        clickhouse.send(method="GET"),
        clickhouse.send(),
    ):
        assert (answer.status_code, answer.text) == (200, "Ok.\n")


def test_unknown_paths_and_methods_are_refused(clickhouse: ClickHouseClient) -> None:
    assert clickhouse.send("SELECT 1", path="/nothing").status_code == 404
    assert clickhouse.send("SELECT 1", path="/ping").status_code == 405
    for method in ("PUT", "DELETE", "OPTIONS", "PATCH"):
        assert clickhouse.send("SELECT 1", method=method).status_code == 405


@cases("query", [{}, {"default_format": "CSV"}])
def test_headers_say_what_query_parameters_do(
    clickhouse: ClickHouseClient, query: dict[str, str]
) -> None:
    headers = {"X-ClickHouse-Database": "otel", "X-ClickHouse-Format": "JSONCompact"}
    answer = clickhouse.send("SELECT currentDatabase() AS a", headers, **query)
    if query:
        assert answer.text == '"otel"\n'
    else:
        assert answer.json()["data"] == [["otel"]]


@cases("headers", [
    basic(TOKEN), basic(TOKEN, "any:body".partition(":")[0]), {"X-ClickHouse-User": "x"},
])  # fmt: skip
def test_the_token_is_taken_where_clients_put_it(
    clickhouse: ClickHouseClient, headers: dict[str, str]
) -> None:
    sql = "CREATE DATABASE IF NOT EXISTS otel"
    query = {"password": TOKEN, "user": "x"} if "X-ClickHouse-User" in headers else {}
    assert clickhouse.send(sql, headers, **query).status_code == 200


@cases(
    "credentials",
    [
        "Basic !!!",
        "Basic abc",
        "Basic /////w==",
        "Basic \xe9\xe9",
        "Basic bm90aGluZw==\xe9",
        "Bearer \xe9",
        "Bearer wrong",
        f"Bearer {TOKEN[:-1]}".encode().decode("latin-1"),
        "Basic " + "A" * 4000,
    ],
)
def test_credentials_that_are_none_never_write(
    clickhouse: ClickHouseClient, credentials: str
) -> None:
    given: Any = {"Authorization": credentials.encode("latin-1")}
    for sql in ("SELECT 1", "CREATE DATABASE mine"):
        answer = clickhouse.send(sql, given)
        assert answer.status_code in (200, 403)
        assert sql == "SELECT 1" or code(answer) in (164, 516)
    assert clickhouse.value("SELECT count() FROM system.databases WHERE name = 'mine'") == 0


@cases("version", ["x", "-1", "1.5", "", "9" * 5000])
def test_a_protocol_version_that_is_none_harms_no_other_client(
    clickhouse: ClickHouseClient, version: str
) -> None:
    answer = clickhouse.send("SELECT 1", client_protocol_version=version)
    assert answer.status_code in (200, 400)


@cases("length", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_who_goes_away_midway_leaves_nothing(clickhouse: ClickHouseClient, length: str) -> None:
    name = f"gone_{fresh()}"
    begun = f"POST / HTTP/1.1\r\nHost: localhost\r\n{length}\r\n"
    begun += f"X-ClickHouse-Key: {TOKEN}\r\n\r\n"
    statement = f"CREATE DATABASE {name}\n"
    if "chunked" in length:
        statement = f"{len(statement):x}\r\n{statement}\r\n"
    with closing(socket.create_connection(("127.0.0.1", clickhouse.port))) as connection:
        connection.sendall((begun + statement).encode())
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(TIMEOUT)
        assert b" 200 " not in connection.recv(1000)
    assert clickhouse.value(f"SELECT count() FROM system.databases WHERE name = '{name}'") == 0


def test_who_goes_away_before_the_answer_harms_no_other_client(
    clickhouse: ClickHouseClient,
) -> None:
    request = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 15\r\n\r\nSELECT sleep(1)"
    for _ in range(8):
        with closing(socket.create_connection(("127.0.0.1", clickhouse.port))) as connection:
            connection.sendall(request)
    assert clickhouse.send("SELECT 1").status_code == httpx.codes.OK


def test_nothing_that_was_asked_was_unexpected(clickhouse: ClickHouseClient) -> None:
    """No traceback so far, whatever came before in this process."""
    assert "Traceback" not in clickhouse.observatory.output
