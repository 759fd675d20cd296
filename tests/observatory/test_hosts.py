"""By which names the observatory may be asked."""

from pathlib import Path

import httpx
import pytest

from tests.observatory.observing import Observatory

pytest_plugins = ["tests.observatory.observed"]


@pytest.mark.parametrize("door", ["page", "otlp", "clickhouse"])
@pytest.mark.parametrize("host", ["evil.example:80", "127.0.0.1.evil.example", ""])
def test_another_name_than_its_own_is_refused(
    observatory: Observatory, door: str, host: str
) -> None:
    """A page elsewhere, whose name leads here, could read what is kept (DNS rebinding)."""
    for method in ("GET", "POST"):
        address = f"{getattr(observatory, door)}/v1/traces" if door == "otlp" else None
        answer = httpx.request(
            method, address or getattr(observatory, door), headers={"host": host}
        )
        assert answer.status_code == 421


@pytest.mark.parametrize("door", ["page", "clickhouse"])
@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]", "[::1]:80"])
def test_its_own_names_are_fine(observatory: Observatory, door: str, host: str) -> None:
    path = {"page": "/", "clickhouse": "/ping"}[door]
    answer = httpx.get(getattr(observatory, door) + path, headers={"host": host})
    assert answer.status_code == 200


def test_more_names_can_be_allowed(tmp_path: Path) -> None:
    with Observatory(tmp_path, hosts="one.example, Two.example") as observatory:
        codes = [
            httpx.get(f"{observatory.clickhouse}/ping", headers={"host": host}).status_code
            for host in ("one.example", "TWO.example:80", "three.example")
        ]
        assert codes == [200, 200, 421]
