"""Handlers of liveness, readiness and version."""

import sqlite3
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from app import __version__
from app.api.dependencies import PartsDep
from app.api.problems import documented
from app.api.wire import Model
from app.composition import Parts
from app.wikipedia.signal import WikipediaSignal

router = APIRouter(tags=["operation"])
Verdict = Literal["ready", "degraded", "unready"]
LESS_WITHOUT = ("topic_signal", "ranking_model", "relevance", "encoder")
"""Parts that the service can do without: their failure is degradation."""


class Health(BaseModel):
    """State of each part: `ok`, `off`, or a description of its failure."""

    status: Verdict
    parts: dict[str, str]


class Alive(BaseModel):
    """Response of the liveness check."""

    status: Literal["alive"] = "alive"


class Version(BaseModel):
    """Versions of the program and its models."""

    version: str
    model: Model
    embedder: Model


@router.get("/livez", summary="Is the process alive?", responses=documented())
async def livez() -> Alive:
    """Responds as long as the event loop runs."""
    return Alive()


@router.get(
    "/readyz", summary="Can it serve requests?", responses=documented() | {503: {"model": Health}}
)
async def readyz(parts: PartsDep, response: Response) -> Health:
    """Checks each part. Without Wikipedia the service is degraded, not unready."""
    found = await run_in_threadpool(_local_parts, parts)
    unready = any(state != "ok" for state in found.values())
    found["ranking_model"] = await run_in_threadpool(_ranking_model, parts)
    found["topic_signal"] = await _topic_signal(parts)
    problems = parts.calibrator_problems
    found["relevance"] = "; ".join(problems) or "ok"
    found["encoder"] = parts.encoder.problem or "ok"
    degraded = any(found[each] not in ("ok", "off") for each in LESS_WITHOUT)
    response.status_code = 503 if unready else 200
    status: Verdict = "unready" if unready else "degraded" if degraded else "ready"
    return Health(status=status, parts=found)


async def _topic_signal(parts: Parts) -> str:
    if not isinstance(parts.topic_signal, WikipediaSignal):
        return "off"
    circuit = await parts.topic_signal.circuit()
    return "ok" if circuit == "closed" else f"circuit {circuit}"


def _local_parts(parts: Parts) -> dict[str, str]:
    return {"catalogue": _catalogue(parts), "journal": _journal(parts)}


def _ranking_model(parts: Parts) -> str:
    serving = parts.model.now().card
    refusals = [f"{version} is refused: {why}" for version, why in parts.model.refusals.items()]
    return "; ".join([*refusals, f"{serving.name} {serving.version} serves"]) if refusals else "ok"


def _catalogue(parts: Parts) -> str:
    try:
        return "ok" if parts.catalogue.page("", 1) else "empty: import documents"
    except sqlite3.Error as error:
        return f"cannot be read: {error}"


def _journal(parts: Parts) -> str:
    try:
        parts.journal.check()
    except sqlite3.Error as error:
        return f"cannot be read: {error}"
    return "ok"


@router.get("/version", summary="What is running?", responses=documented())
async def version(parts: PartsDep) -> Version:
    """The versions of the program, the ranking model and the embedding model."""
    card, embedder = parts.model.now().card, parts.catalogue.models.embedder
    return Version(
        version=__version__,
        model=Model(name=card.name, version=card.version),
        embedder=Model(name=embedder.name, version=f"{embedder.version}+{embedder.hash}"),
    )
