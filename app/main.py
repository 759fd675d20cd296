"""The application: `create_app(settings)`, its lifespan, and the factory for uvicorn's workers.

Importing this module only checks the OTEL_* variables. That must happen before FastAPI is imported:
FastAPI imports OpenTelemetry, whose import raises for some values.
"""
# ruff: noqa: E402

from app.telemetry.kit.environment import check_process, pending_warnings, sdk_disabled

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
from functools import partial
from typing import Protocol, TypedDict

import anyio.to_thread
from fastapi import FastAPI
from threadpoolctl import threadpool_limits

from app import __version__
from app.api import (
    batch,
    documents,
    feedback,
    health,
    models,
    pages,
    problems,
    recommend,
    storage_problems,
)
from app.api.admission import Admission
from app.api.body_limits import BodyLimits
from app.api.head import Head
from app.api.host_guard import HostGuard
from app.api.unexpected_errors import Unexpected
from app.api.wire import BatchItem, LineOutcome
from app.catalogue.incoming_documents import IncomingDocument
from app.composition import (
    NO_WRAPPERS,
    Instrumentation,
    NoInstrumentation,
    Parts,
    Wrappers,
    load_embedder,
    running,
)
from app.connections import Connections
from app.settings import LimitSettings, Settings, TelemetrySettings
from app.telemetry.setup import from_environment
from app.worker_lifetime import end_with_supervisor

log = logging.getLogger(__name__)
DESCRIPTION = """Recommends documents for free text, with the reasons for each.

Errors are [problem details](https://www.rfc-editor.org/rfc/rfc9457) that say what to do.
Scores are between 0 and 1, higher is better. `degraded` in a response lists the parts that were
unavailable."""

TAGS = [
    {"name": "recommendations", "description": "Get recommended documents."},
    {"name": "documents", "description": "Read and write the catalogue."},
    {"name": "feedback", "description": "Report what people did with recommendations."},
    {"name": "models", "description": "Versions of the ranking model."},
    {"name": "operation", "description": "Operate the service."},
]


class Telemetry(Instrumentation, Protocol):
    """Instrumentation that is started and stopped with the app."""

    def around(self, app: FastAPI) -> AbstractAsyncContextManager[None]: ...


MakesTelemetry = Callable[..., Telemetry]
"""From settings, and a wrapper of exporters (only if faults are allowed), to telemetry."""


class State(TypedDict):
    """The lifespan's state, which every request and every connection can read."""

    parts: Parts
    connections: Connections
    switchboard: object
    """What switches faults; None: they are not allowed."""


def create_app(settings: Settings, telemetry: MakesTelemetry = from_environment) -> FastAPI:
    """The service. `telemetry` is called in the lifespan if the settings enable it."""
    app = FastAPI(
        title="Vitrine",
        version=__version__,
        description=DESCRIPTION,
        contact={"name": "The operator of this service"},
        license_info={"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        servers=[{"url": "/", "description": "the server of this description"}],
        openapi_tags=TAGS,
        generate_unique_id_function=lambda route: route.name,
        lifespan=lifespan(settings, telemetry),
        redirect_slashes=False,
        docs_url=None,  # api/pages.py serves it, without files from a CDN
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # app/telemetry does it
    )
    app.add_middleware(Head)
    app.add_middleware(BodyLimits, limits=settings.limits)
    app.add_middleware(HostGuard, server=settings.server)
    app.add_middleware(Unexpected)
    problems.install(app, [IncomingDocument, LineOutcome, BatchItem])
    storage_problems.install(app)
    built_in = app.router.routes[:]  # the description of the API
    for module in (recommend, batch, documents, feedback, models, health):
        app.include_router(module.router)
    pages.install(app, settings.telemetry)
    if settings.faults.allowed:
        from app.faults import routes  # noqa: PLC0415 - only then

        routes.install(app)
    app.router.routes[:] = app.router.routes[len(built_in) :] + built_in  # most frequent first
    return app


def lifespan(
    settings: Settings, telemetry: MakesTelemetry
) -> Callable[[FastAPI], AbstractAsyncContextManager[State]]:
    """The lifespan: builds telemetry, admission and the parts, and closes them in reverse order."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[State]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = settings.limits.in_flight
        # With several request threads, several BLAS threads are three times slower than one.
        async with AsyncExitStack() as stack:
            stack.enter_context(threadpool_limits(limits=1, user_api="blas"))
            instrumentation: Instrumentation = NoInstrumentation()
            wrappers, switchboard = faulty_parts(settings)
            check_process()  # again: tests change the variables after the import
            if settings.telemetry.enabled and not sdk_disabled():
                wrap = {} if switchboard is None else {"wrap": wrappers.exporters}
                made = partial(telemetry, **wrap)
                instrumentation = await start_telemetry(stack, app, made, settings.telemetry)
            for sentence in pending_warnings():
                log.warning("%s", sentence)
            stack.enter_context(admission(app, settings.limits, instrumentation))
            connections = Connections(
                settings.limits, instrumentation.refused, behind_proxy=bool(settings.server.proxies)
            )
            most = settings.limits.connections
            instrumentation.limited("connections", lambda: connections.count, most)
            started = running(settings, instrumentation, wrappers)
            parts = await stack.enter_async_context(started)
            gc.collect()
            gc.freeze()  # the parts live as long as the process; scanning them takes 50 ms
            yield {"parts": parts, "connections": connections, "switchboard": switchboard}

    return lifespan


def faulty_parts(settings: Settings) -> tuple[Wrappers, object]:
    """Wrappers that let parts fail on demand, and what switches them; without any, unless the
    settings allow faults."""
    if not settings.faults.allowed:
        return NO_WRAPPERS, None
    from app.faults.faulty_parts import FaultyParts  # noqa: PLC0415 - only then

    made = FaultyParts(settings, load_embedder)
    return made, made.switchboard


@contextmanager
def admission(
    app: FastAPI, limits: LimitSettings, instrumentation: Instrumentation
) -> Iterator[None]:
    """Put `Admission` around the complete middleware stack, telemetry included."""
    inside = app.middleware_stack or app.build_middleware_stack()
    admission = Admission(inside, limits, instrumentation.refused)
    app.middleware_stack = admission
    instrumentation.limited("requests", lambda: admission.in_flight.count, limits.in_flight)
    yield
    app.middleware_stack = inside


async def start_telemetry(
    stack: AsyncExitStack, app: FastAPI, telemetry: MakesTelemetry, chosen: TelemetrySettings
) -> Instrumentation:
    """Start telemetry until the stack closes; the null implementation if its setup fails."""
    try:
        started = telemetry(chosen)
    except Exception as error:  # noqa: BLE001 - no failure of telemetry may stop the service
        log.warning("telemetry is off, its setup failed: %s", error)
        return NoInstrumentation()
    await stack.enter_async_context(started.around(app))
    return started


def app_from_environment() -> FastAPI:
    """The factory that uvicorn calls in every worker process."""
    end_with_supervisor()
    return create_app(Settings())
