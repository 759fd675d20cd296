"""The ClickHouse server's files name settings that there are, and rights that views need."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from observatory.store.engine import Engine
from observatory.store.schema import CLICKHOUSE
from tests.cases import cases

CONFIG = ET.parse(CLICKHOUSE / "server" / "config.xml").getroot()
USERS = ET.parse(CLICKHOUSE / "server" / "users.xml").getroot()
SECTIONS = {"logger", "macros", "zookeeper", "remote_servers", "distributed_ddl", "prometheus"}
"""Of the server's file, with names of their own."""
REPORTS = "./users/reports/grants/query"


def of_the_server() -> list[str]:
    return [each.tag for each in CONFIG if each.tag not in SECTIONS and each.tag[-4:] != "_log"]


def of_profiles() -> Iterator[str]:
    for profile in USERS.iterfind("./profiles/*"):
        yield from (each.tag for each in profile if each.tag != "constraints")
        yield from (each.tag for each in profile.iterfind("./constraints/*"))


@cases("name", of_the_server())
def test_the_server_knows_its_settings(engine: Engine, name: str) -> None:
    known = "SELECT count() FROM system.server_settings WHERE name = {name:String}"
    assert engine.run(known, name=name) == b"1\n"


@cases("name", sorted(set(of_profiles())))
def test_profiles_name_settings_of_queries(engine: Engine, name: str) -> None:
    known = "SELECT count() FROM system.settings WHERE name = {name:String}"
    assert engine.run(known, name=name) == b"1\n"


def test_constraints_are_of_the_kinds_that_there_are() -> None:
    bounds = [each.tag for each in USERS.iterfind("./profiles/*/constraints/*/*")]
    assert bounds
    assert set(bounds) <= {"min", "max", "const"}


def test_who_reports_may_read_what_views_read_and_nothing_else(engine: Engine) -> None:
    grants = [str(each.text) for each in USERS.iterfind(REPORTS)]
    for each in grants:
        engine.run(f"EXPLAIN AST {each} TO reports")  # raises what the server would not start with
        assert each.startswith("GRANT SELECT ON ")
    views = (CLICKHOUSE / "views" / "signoz.sql").read_text()
    read = set(re.findall(r"^\s*FROM (\w+)\.\w+", views, re.MULTILINE))
    granted = {each.removeprefix("GRANT SELECT ON ").partition(".")[0] for each in grants}
    assert read <= granted
    assert granted <= read | {"system"}
