"""The service, in which parts fail on demand and quote what they were given, as libraries do.

uvicorn tests.telemetry.failing_app:app --factory

A query that begins with one of FAILURES fails in that way.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from typing import Any

from fastapi import FastAPI

from app import composition
from app.api import body_limits, documents
from app.catalogue.store import Catalogue
from app.main import app_from_environment
from app.recommend import pipeline
from app.recommend.fusion import Fusion
from app.recommend.ranking import FallbackModel
from app.recommend.types import Candidates, Scored
from app.wikipedia.client import Wikipedia


class Quoting(Exception):
    """As some libraries have it: the text is in the message, in attributes and in a note."""

    def __init__(self, text: str) -> None:
        super().__init__(f"cannot do {text}", text)
        self.statement = self.detail = text
        self.add_note(f"while doing {text}")


def plain(text: str) -> None:
    raise RuntimeError(f"cannot do {text}")


def quoting(text: str) -> None:
    raise Quoting(text)


def chained(text: str) -> None:
    try:
        quoting(text)
    except Quoting as error:
        raise LookupError(f"not found: {text!r}") from error


def in_handling(text: str) -> None:
    try:
        quoting(text)
    except Quoting:
        raise KeyError(text)  # noqa: B904 - it is how such a thing happens


def grouped(text: str) -> None:
    raise ExceptionGroup(f"many {text}", [Quoting(text), ValueError(text)])


def locked(text: str) -> None:
    raise of_sqlite(sqlite3.SQLITE_BUSY, text)


def full(text: str) -> None:
    raise of_sqlite(sqlite3.SQLITE_FULL, text)


def of_sqlite(code: int, text: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


def statement(text: str) -> None:
    sqlite3.connect(":memory:").execute(f'SELECT "{text}')


def task(text: str) -> None:
    """It is not awaited, so asyncio logs that it failed."""

    async def fail() -> None:
        raise Quoting(text)

    asyncio.get_running_loop().create_task(fail(), name=text)


def callback(text: str) -> None:
    asyncio.get_running_loop().call_soon(plain, text)


def thread(text: str) -> None:
    failing = threading.Thread(target=plain, args=(text,), name=text)
    failing.start()
    failing.join()


FAILURES: dict[str, Callable[[str], None]] = {
    each.__name__: each
    for each in (
        plain, quoting, chained, in_handling, grouped, locked, full, statement, task, callback,
        thread,
    )
}  # fmt: skip
IN_THE_TOPIC_SIGNAL, IN_THE_MODEL, IN_RETRIEVAL, LATE = "topic", "model", "retrieval", "late"
asked: list[str] = []


def app() -> FastAPI:
    """The factory."""
    patched: list[tuple[Any, str, Any]] = [
        (pipeline, "analyze", analyze),
        (pipeline.Recommender, "_retrieve", retrieve),
        (Wikipedia, "search", search),
        (Catalogue, "get", get),
        (documents, "outcome_lines", broken_off),
        (composition, "load_model", lambda *_: FallbackModel(FailingModel(), Fusion())),
        (body_limits, "BODY_SECONDS", 2),
    ]
    for place, name, value in patched:
        originals[name] = getattr(place, name)
        setattr(place, name, value)
    return app_from_environment()


originals: dict[str, Any] = {}


def analyze(text: str, index: Any) -> Any:
    asked.append(text)
    if (fail := FAILURES.get(text.partition(" ")[0])) is not None:
        fail(text)
    return originals["analyze"](text, index)


def fail_if_asked(for_: str) -> None:
    if asked and asked[-1].startswith(for_):
        raise Quoting(asked[-1])


def retrieve(recommender: Any, *args: Any) -> Any:
    fail_if_asked(IN_RETRIEVAL)
    return originals["_retrieve"](recommender, *args)


async def search(client: Any, text: str) -> Any:
    if text.startswith(IN_THE_TOPIC_SIGNAL):
        raise Quoting(text)
    return await originals["search"](client, text)


def get(catalogue: Any, document_id: str) -> Any:
    if document_id.startswith("plain"):
        plain(document_id)
    return originals["get"](catalogue, document_id)


def broken_off(parts: Any, body: Any) -> Iterator[str]:
    """The first outcome is sent; then it fails, too late for another answer."""
    for line in originals["outcome_lines"](parts, body):
        yield line
        if LATE in line:
            raise Quoting(line)


class FailingModel(Fusion):
    """A ranking model that fails like the others."""

    def score(self, candidates: Candidates) -> Scored:
        fail_if_asked(IN_THE_MODEL)
        return super().score(candidates)
