"""The application: `create_app(settings)` puts the parts together; nothing happens at import."""

import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypedDict

import anyio.to_thread
from fastapi import FastAPI
from threadpoolctl import threadpool_limits

from app import __version__
from app.api import documents, feedback, health, page, problems, recommend
from app.api.guard import Guard
from app.parts import Parts, running
from app.recommend.stages import StageObserver, Unobserved
from app.settings import Settings

DESCRIPTION = """Recommends documents for free text, and says why.

Errors are [problem details](https://www.rfc-editor.org/rfc/rfc9457) that say what to do.
Scores are between 0 and 1, higher is better. What was missing when an answer was made stands in
its `degraded`."""


class State(TypedDict):
    """What the lifespan gives to every request."""

    parts: Parts


def create_app(settings: Settings, stages: StageObserver | None = None) -> FastAPI:
    """The service. `stages` watches the pipeline."""
    app = FastAPI(
        title="Vitrine",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan(settings, stages or Unobserved()),
        redirect_slashes=False,
    )
    app.add_middleware(Guard, limits=settings.limits)
    problems.install(app)
    for module in (recommend, documents, feedback, health, page):
        app.include_router(module.router)
    return app


def lifespan(
    settings: Settings, stages: StageObserver
) -> Callable[[FastAPI], AbstractAsyncContextManager[State]]:
    """Build on the way in, take apart on the way out."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = settings.limits.in_flight
        # Several BLAS threads beside several request threads are three times slower than one.
        with threadpool_limits(limits=1, user_api="blas"):
            async with running(settings, stages) as parts:
                gc.collect()
                gc.freeze()  # what was just built stays; looking through it takes 50 ms each time
                yield {"parts": parts}

    return lifespan


def app_from_environment() -> FastAPI:
    """The factory that uvicorn's workers call."""
    return create_app(Settings())
