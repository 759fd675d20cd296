"""The page Model: what it shows of the telemetry, and what it passes on to the service."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from app.model.drift import LIMITS
from app.recommend.reference_profile import CATEGORY, FEATURES
from observatory.composition import Parts
from observatory.models import drift
from observatory.models.registry import MAX_BYTES
from observatory.runs.run import Run
from observatory.settings import ObservatorySettings
from observatory.ui.application import page as application
from tests.cases import cases
from tests.observatory import model_telemetry
from tests.observatory.page_client import Page, read_problem
from tests.observatory.registry_service import NEW, OLD, TOKEN, RegistryService, listed
from tests.observatory.stored_telemetry import NOW, StoredTelemetry, trace_id
from tests.telemetry.receiver import refused_port

AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
GIVEN = {"by": "ada", "reason": "better"}


@pytest.fixture
def model(stored: StoredTelemetry, page: Page) -> Any:
    """The answer for a service whose model drifts."""
    stored.metrics(model_telemetry.metrics(NOW), service="vitrine")
    stored.logs([*model_telemetry.answers(NOW), model_telemetry.refusal(NOW)])
    for number, begin, part in model_telemetry.traces(NOW):
        stored.trace(number, begin, part)
    return page.get("model")


def test_nothing_is_stored(page: Page) -> None:
    answer = page.get("model")
    assert answer["instances"] == answer["changes"] == answer["answers"]["versions"] == []
    assert answer["drift"] == {"features": [], "evaluations": []}
    assert answer["shadow"]["pairs"] == []


def test_who_serves_and_how_well(model: Any) -> None:
    [instance] = model["instances"]
    assert (instance["version"], instance["embedder"]) == (OLD, "static 1")
    first, second = model["answers"]["versions"]
    assert (first["version"], first["answers"], first["share"]) == (OLD, 3, 0.75)
    assert first["answered"] == pytest.approx(2 / 3)
    assert first["relevance"] == pytest.approx(0.7)
    assert (second["model"], second["degraded"], second["answered"]) == ("fusion", 1, None)
    assert {line["label"] for line in model["answers"]["rate"]} == {OLD, "fusion 2"}
    assert sum(v or 0 for line in model["answers"]["rate"] for v in line["values"]) == 4 / 30
    assert len(model["answers"]["rate"][0]["values"]) == len(model["times"])


def test_how_users_like_it(model: Any) -> None:
    [quality] = model["online"]["versions"]
    assert (quality["version"], quality["estimate"]) == (OLD, 0.153)
    assert (quality["low"], quality["high"]) == (0.148, 0.158)
    [line] = model["online"]["lines"]
    assert [each for each in line["values"] if each is not None] == [0.153]


def test_drift_by_feature(model: Any) -> None:
    features = {each["feature"]: each for each in model["drift"]["features"]}
    assert list(features) == ["similarity", "category", "relevance"]  # by index over threshold
    assert [v for v in features["similarity"]["lines"][0]["values"] if v is not None] == [0.01, 0.6]
    assert (features["category"]["threshold"], features["category"]["latest"]) == (0.1, 0.12)
    [evaluation] = model["drift"]["evaluations"]
    assert evaluation["drifting"] is True
    assert evaluation["drifted"] == list(model_telemetry.DRIFTED)
    assert evaluation["trace_id"] == trace_id(3)


def test_the_thresholds_are_those_of_the_service() -> None:
    shown = {each: drift.THRESHOLDS.get(each, drift.THRESHOLD) for each in FEATURES}
    assert shown == dict.fromkeys(FEATURES, LIMITS.psi) | {CATEGORY: LIMITS.category_psi}


def test_the_shadow(model: Any) -> None:
    [pair] = model["shadow"]["pairs"]
    assert (pair["champion"], pair["challenger"]) == (OLD, NEW)
    assert (pair["comparisons"], pair["failed"], pair["overlap"]) == (2, 1, 0.4)
    failed, compared = model["shadow"]["worst"]
    assert (failed["error"], failed["overlap"]) == ("FloatingPointError", None)
    assert compared["request"] == trace_id(model_telemetry.REQUEST)


def test_the_student(model: Any) -> None:
    for measure, value in (("cosine", 0.85), ("overlap", 0.7)):
        [line] = model["student"][measure]
        assert line["label"] == "student-of-tiny 53aa"
        assert [each for each in line["values"] if each is not None] == [value]


def test_changes_in_the_order_of_time(model: Any) -> None:
    found = [(each["kind"], each["version"], each["detail"]) for each in model["changes"]]
    assert found == [
        ("drift_started", OLD, "similarity, category"),
        ("refused", NEW, "ranker.json: too new"),
        ("promoted", OLD, "instead of fusion"),
        ("refused", "", "by the gate: champion"),
        ("registered", OLD, "challenger of fusion"),
    ]


def test_of_another_service_and_time(page: Page, model: Any) -> None:
    assert model["instances"]
    assert page.get("model", service="shop")["instances"] == []
    assert page.get("model", to=NOW // 10**6 - 3_600_000)["changes"] == []
    assert page.problem("model", x=1)["status"] == 422


@pytest.fixture
def service() -> Iterator[RegistryService]:
    with RegistryService() as running:
        yield running


@pytest.fixture
def with_service(page_parts: Parts) -> Callable[..., TestClient]:
    """The page for a service at an address."""

    def client(address: str, **changes: Any) -> TestClient:
        settings = ObservatorySettings(service=address)
        parts = replace(page_parts, settings=settings, **changes)
        return TestClient(application(parts), base_url="http://127.0.0.1")

    return client


def test_versions_and_changes_are_the_services(
    with_service: Callable[..., TestClient], service: RegistryService
) -> None:
    client = with_service(service.address)
    assert client.get("/api/models").json() == {"registry": listed(), "note": ""}
    for path in (f"/models/{NEW}/promote", "/models/rollback"):
        refused = read_problem(client.post(f"/api{path}", json=GIVEN))
        assert (refused["status"], refused["title"]) == (401, "The service: Unauthorized")
        done = client.post(f"/api{path}", json=GIVEN, headers=AUTHORIZED)
        assert done.status_code == 200
        assert done.json()["version"] in (NEW, "fusion")
        call = service.calls[-1]
        assert (call.path, call.content) == (path, GIVEN)
        assert call.headers["Authorization"] == AUTHORIZED["Authorization"]


@cases(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"}, 403),
        ({"Host": "evil.example"}, 421),
    ],
)
def test_pages_of_others_change_nothing(
    with_service: Callable[..., TestClient],
    service: RegistryService,
    headers: dict[str, str],
    status: int,
) -> None:
    given = {"Content-Type": "application/json"} | AUTHORIZED | headers
    client = with_service(service.address)
    answer = client.post("/api/models/rollback", content=b"{}", headers=given)
    assert answer.status_code == status
    assert service.calls == []


@cases("version", ["..%2Fdocuments", "A", "1%0d%0a", "x" * 65])
def test_only_names_of_versions_are_passed_on(
    with_service: Callable[..., TestClient], service: RegistryService, version: str
) -> None:
    answer = with_service(service.address).post(f"/api/models/{version}/promote", json={})
    assert answer.status_code == 404
    assert service.calls == []


@cases(
    ("status", "headers", "body", "detail"),
    [
        (307, {"Location": "http://127.0.0.1:9/models"}, b"{}", "answered 307"),
        (200, {}, b"<html>", "without JSON"),
        (200, {}, b"[" + b" " * MAX_BYTES + b"]", "too long"),
        (503, {}, b'{"title": "Busy", "detail": "Retry."}', "Retry."),
    ],
)
def test_a_service_that_answers_something_else(
    with_service: Callable[..., TestClient],
    service: RegistryService,
    status: int,
    headers: dict[str, str],
    body: bytes,
    detail: str,
) -> None:
    service.answer = (status, headers, body)
    service.calls.clear()
    client = with_service(service.address)
    answer = client.get("/api/models").json()
    assert answer["registry"] is None
    assert detail in answer["note"]
    problem = read_problem(client.post("/api/models/rollback", json={}, headers=AUTHORIZED))
    assert problem["status"] in (502, 503)
    assert len(service.calls) == 2  # no redirect was followed


def test_without_a_service(with_service: Callable[..., TestClient]) -> None:
    with refused_port() as port:
        answer = with_service(f"http://127.0.0.1:{port}").get("/api/models").json()
    assert "OBSERVATORY_SERVICE" in answer["note"]
    assert "not configured" in with_service("").get("/api/models").json()["note"]
    opened = with_service("http://127.0.0.1:9", opened=Run("run", NOW, NOW))
    assert read_problem(opened.post("/api/models/rollback", json={}))["status"] == 403


@cases("header", ["", "Basic YTpi", "Bearer a b", "Bearer " + "x" * 600, "Bearer ä"])
def test_only_bearer_tokens_are_passed_on(
    with_service: Callable[..., TestClient], service: RegistryService, header: str
) -> None:
    headers = httpx.Headers([(b"Authorization", header.encode("latin-1"))])
    client = with_service(service.address)
    assert client.post("/api/models/rollback", json={}, headers=headers).status_code == 401
    assert "Authorization" not in service.calls[-1].headers
