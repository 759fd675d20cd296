"""The service in this process: its whole lifespan, over ASGI instead of a socket."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import MEDIA_TYPE, ProblemDetails
from app.api.wire import RecommendResponse
from app.main import create_app
from app.settings import LimitSettings, Settings, TelemetrySettings, WikipediaSettings

TOKEN = "the-token-of-the-tests"
WRITER = {"Authorization": f"Bearer {TOKEN}"}
JSON = {"Content-Type": "application/json"}
NDJSON = WRITER | {"Content-Type": "application/x-ndjson"}
UNLIMITED: dict[str, Any] = {"requests_per_second": 1e6, "burst": 1_000_000}
NO_WIKIPEDIA = WikipediaSettings(enabled=False)
NO_TELEMETRY = TelemetrySettings(enabled=False)


def settings(data: Path, **changes: Any) -> Settings:
    """Settings under which nothing gets in a test's way, changed where it wants."""
    limits = LimitSettings(**(UNLIMITED | changes.pop("limits", {})))
    plain: dict[str, Any] = {
        "token": TOKEN, "wikipedia": NO_WIKIPEDIA, "limits": limits, "telemetry": NO_TELEMETRY,
    }  # fmt: skip
    return Settings(data=data, **(plain | changes))


@asynccontextmanager
async def started(settings: Settings) -> AsyncIterator[ASGIApp]:
    """The service, from its start to its end."""
    app = create_app(settings)
    async with app.router.lifespan_context(app) as state:

        async def running(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        yield running


def client_of(
    service: ASGIApp, address: str = "127.0.0.1", root_path: str = ""
) -> httpx.AsyncClient:
    """A client at an address. An error that no handler expects is answered, not raised."""
    transport = httpx.ASGITransport(
        service, raise_app_exceptions=False, client=(address, 50_000), root_path=root_path
    )
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service of its own."""
    async with started(settings) as service, client_of(service) as client:
        yield client


def document_lines(count: int) -> str:
    """That many new documents, one a line."""
    made = ({"id": f"n-{n}", "title": f"Number {n}", "text": "A number."} for n in range(count))
    return "".join(json.dumps(each) + "\n" for each in made)


def escaped(body: object) -> bytes:
    """JSON in ASCII: what can't be written as UTF-8, such as a lone surrogate, can be so."""
    return json.dumps(body).encode("ascii")


def problem(answer: httpx.Response, status: int) -> ProblemDetails:
    """The problem details of an answer, which must be complete."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    details = ProblemDetails.model_validate_json(answer.content)
    assert details.status == status
    assert details.type.startswith("urn:vitrine:problem:")
    assert details.title
    assert details.detail
    return details


def recommended(answer: httpx.Response) -> RecommendResponse:
    """The recommendation of an answer: of the declared shape, in order, and with sums that fit."""
    assert answer.status_code == 200, answer.text
    found = RecommendResponse.model_validate_json(answer.content, strict=True)
    assert found.model_dump(mode="json") == answer.json()  # only what is declared, and further legs
    scores = [each.score for each in found.results]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert [each.rank for each in found.results] == list(range(1, len(scores) + 1))
    for each in found.results:
        if each.reasons is not None:
            parts = each.reasons.contributions.model_dump().values()
            assert abs(each.reasons.base + sum(parts) - each.score) < 1e-4
            assert each.reasons.summary.endswith(".")
    return found


def ids(found: RecommendResponse) -> list[str]:
    """The ids of the recommended documents, best first."""
    return [each.document.id for each in found.results]
