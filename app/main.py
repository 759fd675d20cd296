"""The application: `create_app(settings)` puts the parts together.

At import nothing happens but a check of the OTEL_* variables, which must come before FastAPI: it
imports OpenTelemetry, which raises for some values while it is imported.
"""
# ruff: noqa: E402

from app.telemetry.kit.environment import check_process, pending_warnings

check_process()

import gc
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from typing import Protocol, TypedDict

import anyio.to_thread
from fastapi import FastAPI
from threadpoolctl import threadpool_limits

from app import __version__
from app.api import documents, feedback, health, pages, problems, recommend, storage_problems
from app.api.admission import Admission, Refused
from app.api.body_limits import BodyLimits
from app.api.head import Head
from app.api.host_guard import HostGuard
from app.api.unexpected_errors import Unexpected
from app.api.wire import LineOutcome
from app.catalogue.incoming_documents import IncomingDocument
from app.composition import Parts, Unwatched, Watcher, running
from app.connections import Connections
from app.settings import LimitSettings, Settings, TelemetrySettings
from app.telemetry.setup import from_environment, sdk_disabled
from app.worker_lifetime import end_with_supervisor

log = logging.getLogger(__name__)
DESCRIPTION = """Recommends documents for free text, and says why.

Errors are [problem details](https://www.rfc-editor.org/rfc/rfc9457) that say what to do.
Scores are between 0 and 1, higher is better. What was missing when an answer was made stands in
its `degraded`."""

TAGS = [
    {"name": "recommendations", "description": "Ask for documents."},
    {"name": "documents", "description": "Read and write the catalogue."},
    {"name": "feedback", "description": "Report what people did with recommendations."},
    {"name": "operation", "description": "Operate the service."},
]


class Telemetry(Watcher, Protocol):
    """Watches a service from its start to its end."""

    def around(self, app: FastAPI) -> AbstractAsyncContextManager[None]: ...


MakesTelemetry = Callable[[TelemetrySettings], Telemetry]


class State(TypedDict):
    """What the lifespan gives to every request, and to every connection."""

    parts: Parts
    connections: Connections


def create_app(settings: Settings, telemetry: MakesTelemetry = from_environment) -> FastAPI:
    """The service. `telemetry` is called in the lifespan, where the settings want any."""
    app = FastAPI(
        title="Vitrine",
        version=__version__,
        description=DESCRIPTION,
        contact={"name": "The operator of this service"},
        license_info={"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        servers=[{"url": "/", "description": "where this description comes from"}],
        openapi_tags=TAGS,
        generate_unique_id_function=lambda route: route.name,
        lifespan=lifespan(settings, telemetry),
        redirect_slashes=False,
        docs_url=None,  # the pages have it, with its files served from here
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # app/telemetry does it
    )
    app.add_middleware(Head)
    app.add_middleware(BodyLimits, limits=settings.limits)
    app.add_middleware(HostGuard, server=settings.server)
    app.add_middleware(Unexpected)
    problems.install(app, [IncomingDocument, LineOutcome])
    storage_problems.install(app)
    described = app.router.routes[:]
    for module in (recommend, documents, feedback, health):
        app.include_router(module.router)
    pages.install(app, settings.telemetry)
    app.router.routes[:] = app.router.routes[len(described) :] + described  # most asked for first
    return app


def lifespan(
    settings: Settings, telemetry: MakesTelemetry
) -> Callable[[FastAPI], AbstractAsyncContextManager[State]]:
    """Build on the way in, take apart on the way out."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[State]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = settings.limits.in_flight
        # Several BLAS threads beside several request threads are three times slower than one.
        async with AsyncExitStack() as stack:
            stack.enter_context(threadpool_limits(limits=1, user_api="blas"))
            watcher: Watcher = Unwatched()
            check_process()  # a test may have changed it since
            if settings.telemetry.enabled and not sdk_disabled():
                watcher = await watched(stack, app, telemetry, settings.telemetry)
            for sentence in pending_warnings():
                log.warning("%s", sentence)
            stack.enter_context(admission(app, settings.limits, watcher.refused))
            connections = Connections(
                settings.limits, watcher.refused, behind_proxy=bool(settings.server.proxies)
            )
            parts = await stack.enter_async_context(running(settings, watcher))
            gc.collect()
            gc.freeze()  # what was just built stays; looking through it takes 50 ms each time
            yield {"parts": parts, "connections": connections}

    return lifespan


@contextmanager
def admission(app: FastAPI, limits: LimitSettings, refused: Refused) -> Iterator[None]:
    """Put `Admission` around everything else, telemetry included, which is there by now."""
    inside = app.middleware_stack or app.build_middleware_stack()
    app.middleware_stack = Admission(inside, limits, refused)
    yield
    app.middleware_stack = inside


async def watched(
    stack: AsyncExitStack, app: FastAPI, telemetry: MakesTelemetry, chosen: TelemetrySettings
) -> Watcher:
    """Telemetry around the app until the stack ends; nobody, where it can't be set up."""
    try:
        watching = telemetry(chosen)
    except Exception as error:  # noqa: BLE001 - whatever a variable says, the service works
        log.warning("telemetry is off, it can't be set up: %s", error)
        return Unwatched()
    await stack.enter_async_context(watching.around(app))
    return watching


def app_from_environment() -> FastAPI:
    """The factory that uvicorn's workers call."""
    end_with_supervisor()
    return create_app(Settings())
