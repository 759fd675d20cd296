"""ClickHouse itself reads the server's files, and holds the user of reports to its rights.

Whoever uses the embedded engine is `default`, without a password; its settings and users come from
files like those of the image, which ours are merged into as there. To be the user of reports, that
one's name becomes `default`.
"""

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.processes import ROOT, read_output, running

SERVER = ROOT / "clickhouse" / "server"
OF_THE_IMAGE = {
    "config.xml": "<clickhouse><users_config>{folder}/users.xml</users_config><remote_servers>"
    "<default><shard><replica><host>localhost</host><port>9000</port></replica></shard></default>"
    "</remote_servers><text_log><database>system</database></text_log></clickhouse>",
    "users.xml": "<clickhouse><profiles><default/></profiles><users><default><password></password>"
    "<networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota></default>"
    "</users><quotas><default/></quotas></clickhouse>",
}
TABLES = (ROOT / "tests" / "observatory" / "signoz_tables.sql").read_text()
VIEWS = (ROOT / "clickhouse" / "views" / "signoz.sql").read_text()
SECRET = "CREATE TABLE default.secret ENGINE = MergeTree ORDER BY a AS SELECT 1 AS a"
RECORD = "INSERT INTO signoz_logs.distributed_logs_v2 (body) VALUES ('results')"
SCRIPT = """
import json, sys
from chdb.session import Session
folder, *statements = sys.argv[1:]
place, results, session = f"{folder}/data?config-file={folder}/config.xml&log-level=none", [], None
for statement in statements:
    try:
        session = session or Session(place)
        results.append(session.query(statement, "TSV").data().strip())
    except Exception as error:
        results.append(str(error))
print(json.dumps(results))
"""
MAY = [
    f"SELECT count() FROM vitrine.{name}" for name in ("spans", "logs", "metrics", "buckets")
] + [
    "SELECT count() > 0 FROM system.parts",
    "SET max_execution_time = 60",
]
MAY_NOT = {
    "SELECT * FROM default.secret": "ACCESS_DENIED",
    "INSERT INTO signoz_logs.distributed_logs_v2 (body) VALUES ('no')": "ACCESS_DENIED",
    "CREATE TABLE vitrine.mine (a Int8) ENGINE = Memory": "ACCESS_DENIED",
    "DROP VIEW vitrine.spans": "ACCESS_DENIED",
    "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a Int8')": "ACCESS_DENIED",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')": "ACCESS_DENIED",
    "SELECT * FROM system.users": "ACCESS_DENIED",
    "SET readonly = 0": "READONLY",
    "SET allow_ddl = 1": "QUERY_IS_PROHIBITED",
    "SET max_execution_time = 61": "SETTING_CONSTRAINT_VIOLATION",
    "SET max_memory_usage = 500000001": "SETTING_CONSTRAINT_VIOLATION",
    "SET max_rows_to_read = 0": "SETTING_CONSTRAINT_VIOLATION",
}


def asked(folder: Path, *statements: str, password: str = "") -> list[str]:
    """The result of each statement in a new engine, or its error."""
    passwords = {"CLICKHOUSE_PASSWORD": password, "CLICKHOUSE_REPORTS_PASSWORD": "reports"}
    with running(SCRIPT, folder, *statements, **passwords) as process:
        report: list[str] = json.loads(read_output(process))
    return report


def become_reports(users: Path) -> None:
    """Of our file: the user of reports, as `default`."""
    tree = ET.parse(users)
    [found] = tree.iterfind("./users")
    for each in list(found):
        if each.tag != "reports":
            found.remove(each)
        for password in each.findall("password"):
            each.remove(password)
        each.tag = "default"
    tree.write(users)


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """A folder with files as compose puts them together."""
    for name, text in OF_THE_IMAGE.items():
        (tmp_path / name).write_text(text.format(folder=tmp_path))
        beside = tmp_path / name.replace(".xml", ".d")
        beside.mkdir()
        shutil.copy(SERVER / name, beside / "vitrine.xml")
    return tmp_path


def test_settings_are_added_to_those_of_the_image(server: Path) -> None:
    assert asked(
        server,
        "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'",
        "SELECT host_name, port, user FROM system.clusters WHERE cluster = 'cluster'",
        "SELECT macro, substitution FROM system.macros ORDER BY macro",
    ) == ["2000000000", "clickhouse\t9000\tdefault", "replica\t01\nshard\t01"]


def test_a_password_is_asked_for(server: Path) -> None:
    [report] = asked(server, "SELECT 1", password="secret")
    assert "AUTHENTICATION_FAILED" in report


def test_reports_read_the_views_and_do_nothing_else(server: Path) -> None:
    assert asked(server, TABLES, VIEWS, SECRET, RECORD) == ["", "", "", ""]
    become_reports(server / "users.d" / "vitrine.xml")
    report = asked(server, *MAY, *MAY_NOT)
    assert report[: len(MAY)] == ["0", "1", "0", "0", "1", ""]
    for (statement, why), output in zip(MAY_NOT.items(), report[len(MAY) :], strict=True):
        assert why in output, statement
