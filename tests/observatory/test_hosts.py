"""Host checks of the observatory (DNS rebinding)."""

from pathlib import Path

import httpx
import pytest

from tests.cases import cases
from tests.observatory.observatory_process import Observatory


@pytest.mark.parametrize("endpoint", ["page", "otlp", "clickhouse"])
@pytest.mark.parametrize("host", ["evil.example:80", "127.0.0.1.evil.example", ""])
def test_another_name_than_its_own_is_refused(
    observatory: Observatory, endpoint: str, host: str
) -> None:
    """A page elsewhere, whose name resolves to here, could read telemetry."""
    for method in ("GET", "POST"):
        address = f"{getattr(observatory, endpoint)}/v1/traces" if endpoint == "otlp" else None
        answer = httpx.request(
            method, address or getattr(observatory, endpoint), headers={"host": host}
        )
        assert answer.status_code == 421


@cases("endpoint", ["page", "clickhouse"])
@cases("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]", "[::1]:80"])
def test_its_own_names_are_fine(observatory: Observatory, endpoint: str, host: str) -> None:
    path = {"page": "/", "clickhouse": "/ping"}[endpoint]
    answer = httpx.get(getattr(observatory, endpoint) + path, headers={"host": host})
    assert answer.status_code == 200


@pytest.mark.lasting
def test_more_names_can_be_allowed(tmp_path: Path) -> None:
    with Observatory(tmp_path, hosts="one.example, Two.example") as observatory:
        codes = [
            httpx.get(f"{observatory.clickhouse}/ping", headers={"host": host}).status_code
            for host in ("one.example", "TWO.example:80", "three.example")
        ]
        assert codes == [200, 200, 421]
