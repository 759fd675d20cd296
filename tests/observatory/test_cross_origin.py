"""Pages of other origins may link here; their scripts can't read telemetry."""

import httpx
import pytest

from observatory.settings import ObservatorySettings
from tests.cases import cases
from tests.observatory.observatory_process import Observatory

QUERY = "/?query=SELECT+1"


@pytest.fixture
def endpoint(observatory: Observatory, request: pytest.FixtureRequest) -> str:
    """An endpoint, by name."""
    return str(getattr(observatory, request.param))


@pytest.mark.parametrize("endpoint", ["page", "clickhouse", "otlp"], indirect=True)
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(
    ("mode", "dest"), [("no-cors", "script"), ("cors", "empty"), ("navigate", "iframe")]
)
def test_their_scripts_frames_and_requests_are_refused(
    endpoint: str, site: str, mode: str, dest: str
) -> None:
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
    assert httpx.get(endpoint + QUERY, headers=headers).status_code == 403


@cases("site", ["cross-site", "same-site", "none"])
def test_a_link_that_is_followed_leads_here(observatory: Observatory, site: str) -> None:
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert httpx.get(f"{observatory.page}/trace/{'a' * 32}", headers=headers).status_code == 200


@cases("site", ["cross-site", "same-site"])
def test_a_link_that_is_followed_runs_no_query(observatory: Observatory, site: str) -> None:
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    for address in (f"{observatory.page}/api/traces", f"{observatory.clickhouse}{QUERY}"):
        for method in ("GET", "POST"):
            assert httpx.request(method, address, headers=headers).status_code == 403


def test_our_own_page_may_ask(observatory: Observatory) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
    assert httpx.get(f"{observatory.page}/api/status", headers=headers).status_code == 200


def test_an_answer_is_no_script(observatory: Observatory) -> None:
    """`FORMAT TSVRaw` lets a query write what it likes."""
    headers = httpx.get(f"{observatory.clickhouse}{QUERY}+FORMAT+TSVRaw").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_it_listens_on_this_machine_only() -> None:
    assert ObservatorySettings().host == "127.0.0.1"
