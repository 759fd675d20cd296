"""What a reader may not do: nothing is written, no file is read, no connection is made."""

import pytest

from tests.cases import cases
from tests.observatory.allowed_statements import ALLOWED
from tests.observatory.clickhouse_client import basic, code
from tests.observatory.forbidden_statements import REACHING, WRITING, listed
from tests.observatory.sandbox import SECRET, Sandbox


@pytest.mark.lasting
def test_a_reader_writes_nothing(sandbox: Sandbox, subtests: pytest.Subtests) -> None:
    for statement in listed(WRITING):
        with subtests.test(statement):
            answer = sandbox.asked(statement)
            assert (answer.status_code, code(answer)) == (403, 164), answer.text
    sandbox.check()


@pytest.mark.lasting
def test_a_reader_reaches_nothing_else(sandbox: Sandbox, subtests: pytest.Subtests) -> None:
    for statement in listed(REACHING):
        with subtests.test(statement):
            answer = sandbox.asked(statement)
            assert answer.status_code >= 400
            assert code(answer) > 0
            assert len(answer.text) < 5000
            assert SECRET not in answer.text
            assert "formatQuery" not in answer.text
    sandbox.check()


@pytest.mark.lasting
def test_what_only_looks_nasty_works(sandbox: Sandbox, subtests: pytest.Subtests) -> None:
    for statement in listed(ALLOWED):
        with subtests.test(statement):
            answer = sandbox.asked(statement)
            assert answer.status_code == 200, answer.text
    sandbox.check()


@cases("way", ["GET", "POST"])
@cases("statement", ["DROP TABLE otel.otel_logs", "SELECT file('/etc/hostname')"])
def test_the_way_a_statement_comes_changes_nothing(
    sandbox: Sandbox, way: str, statement: str
) -> None:
    for headers in ({}, basic(""), {"X-ClickHouse-User": "default"}):
        for query in ({"readonly": "0"}, {"readonly": "2", "allow_ddl": "1"}, {"user": "default"}):
            answer = sandbox.clickhouse.send("", headers, way, query=statement, **query)
            assert (answer.status_code, code(answer)) == (403, 164)
    sandbox.check()


@cases("database", ["@secret", "default`; DROP TABLE x", "", "nothing", "system"])
def test_a_database_reaches_nothing_else(sandbox: Sandbox, database: str) -> None:
    named = database.replace("@secret", str(sandbox.folder))
    for statement in ("SELECT * FROM `secret.csv`", "SELECT * FROM otel_logs LIMIT 0"):
        answer = sandbox.asked(statement, database=named)
        assert answer.status_code >= 400
        assert SECRET not in answer.text
    sandbox.check()


@cases(
    "sql",
    [
        "SELECT * FROM {t:Identifier}",
        "SELECT file({t:String})",
        "DESCRIBE {t:Identifier}",
        "EXISTS TABLE {t:Identifier}",
        "SELECT hasColumnInTable('default', {t:String}, 'x')",
    ],
)
def test_a_parameter_reaches_nothing_else(sandbox: Sandbox, sql: str) -> None:
    answer = sandbox.asked(sql, param_t=str(sandbox.secret))
    assert answer.status_code >= 400
    assert SECRET not in answer.text
    sandbox.check()


def test_a_parameter_is_no_database_either(sandbox: Sandbox) -> None:
    answer = sandbox.asked("SELECT name, path FROM {d:Identifier}.disks", param_d="system")
    assert answer.status_code == 403
    sandbox.check()


@cases("path", ["/etc/hostname", "/etc/no-such-file", "@secret", "@folder/none"])
def test_a_reader_does_not_learn_which_files_there_are(sandbox: Sandbox, path: str) -> None:
    for statement in (f"EXISTS `{path}`", f"EXISTS TABLE default.`{path}`"):
        answer = sandbox.asked(statement)
        assert answer.status_code >= 400 or answer.text == "0\n"


def test_a_table_of_the_system_is_looked_at_without_its_database_too(sandbox: Sandbox) -> None:
    assert sandbox.asked("SELECT path FROM disks", database="system").status_code == 403
    assert sandbox.asked("SELECT name FROM tables LIMIT 1", database="system").status_code == 200
