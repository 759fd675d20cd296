"""The files of ClickHouse and Keeper rely on what docker-compose.yml gives, on nothing else."""

from pathlib import PurePosixPath
from typing import Any
from xml.etree import ElementTree as ET

import yaml

from tests.cases import cases
from tests.processes import ROOT

FOLDER = ROOT / "clickhouse" / "server"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())[
    "services"
]
FILES = sorted(FOLDER.glob("*.xml"))
CONFIG, KEEPER, USERS = (
    ET.parse(FOLDER / name).getroot() for name in ("config.xml", "keeper.xml", "users.xml")
)


def output(root: ET.Element, path: str) -> str:
    """The one text at a path."""
    [found] = root.iterfind(path)
    return str(found.text)


def kept(service: str) -> list[PurePosixPath]:
    """Folders of a container that outlive it."""
    mounted = [each.split(":") for each in SERVICES[service]["volumes"]]
    return [PurePosixPath(place) for source, place, *_ in mounted if source[0] != "."]


def test_all_of_them_are_looked_at() -> None:
    assert [each.name for each in FILES] == ["config.xml", "keeper.xml", "users.xml"]
    assert {each.getroot().tag for each in map(ET.parse, FILES)} == {"clickhouse"}


@cases("path", FILES, ids=lambda path: str(path.stem))
def test_a_file_is_mounted_alone_and_has_its_variables(path: Any) -> None:
    source = f"./{path.relative_to(ROOT)}:"
    readers = [
        name
        for name, each in SERVICES.items()
        if any(volume.startswith(source) for volume in each.get("volumes", ()))
    ]
    assert readers
    wanted = {each.get("from_env") for each in ET.parse(path).iterfind(".//*[@from_env]")}
    for name in readers:
        [volume] = [each for each in SERVICES[name]["volumes"] if each.startswith(source)]
        assert volume.endswith(".xml:ro")
        assert wanted <= set(SERVICES[name].get("environment", {}))


@cases("host", [str(each.text) for each in CONFIG.iterfind(".//host")])
def test_hosts_are_services(host: str) -> None:
    assert host in SERVICES


def test_the_keeper_is_asked_where_it_listens() -> None:
    assert output(CONFIG, "./zookeeper/node/port") == output(KEEPER, "./keeper_server/tcp_port")
    health = SERVICES["clickhouse-keeper"]["healthcheck"]["test"][1]
    port = output(KEEPER, "./keeper_server/http_control/port")
    ready = output(KEEPER, "./keeper_server/http_control/readiness/endpoint")
    assert f"127.0.0.1:{port}{ready}" in health


@cases("name", ["log_storage_path", "snapshot_storage_path"])
def test_what_the_keeper_writes_is_kept(name: str) -> None:
    path = PurePosixPath(output(KEEPER, f"./keeper_server/{name}"))
    assert any(each in path.parents for each in kept("clickhouse-keeper"))


def test_the_servers_memory_fits_its_container() -> None:
    limit = SERVICES["clickhouse"]["mem_limit"]
    assert limit.endswith("m")
    assert int(output(CONFIG, "./max_server_memory_usage")) < int(limit[:-1]) << 20


def test_no_password_is_written_down() -> None:
    for password in [*USERS.iterfind(".//password"), *CONFIG.iterfind(".//password")]:
        assert password.get("from_env")
        assert not password.text


def test_each_user_has_a_password_of_its_own() -> None:
    names = [each.get("from_env") for each in USERS.iterfind("./users/*/password")]
    assert len(set(names)) == len(USERS.findall("./users/*"))
