"""The faults: each is caused from outside of the service, which does not know of it.

`expected`: the causes that count as a right first answer. `symptom`: what the path has to lead to,
if it was seen. Every second fault fixed the thresholds (`tuning`); the others only score them.
"""

import asyncio
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.drills.traffic import Request, Traffic
from benchmarks.drills.world import Answer, World, found


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, its class, and the causes that diagnose may name."""

    name: str
    group: str
    expected: tuple[str, ...]
    inject: Callable[[World, Traffic, ExitStack], None]
    symptom: str = ""
    """What the path has to end with."""


FAULTS: dict[str, Fault] = {}


def fault(
    group: str, *expected: str, symptom: str = ""
) -> Callable[[Callable[[World, Traffic, ExitStack], None]], None]:
    """Register the decorated injection under its name; the stack undoes it."""

    def register(inject: Callable[[World, Traffic, ExitStack], None]) -> None:
        name = inject.__name__
        FAULTS[name] = Fault(name, group, expected, inject, symptom)

    return register


# Dependency: Wikipedia's search.


def _search(world: World, stack: ExitStack, behaviour: Callable[[str], object]) -> None:
    world.search.behaviour = behaviour  # type: ignore[assignment]
    stack.callback(setattr, world.search, "behaviour", found)


def _answers(status: int, body: bytes) -> Callable[[str], object]:
    async def behave(_: str) -> Answer:
        return status, body

    return behave


@fault("dependency", "dependency_slow", symptom="degraded")
def search_slow(world: World, _: Traffic, stack: ExitStack) -> None:
    """Answers after 1.6 s: later than the deadline of a request."""

    async def slow(query: str) -> Answer:
        await asyncio.sleep(1.6)
        return await found(query)

    _search(world, stack, slow)


@fault("dependency", "dependency_failing:timeout", symptom="degraded")
def search_hanging(world: World, _: Traffic, stack: ExitStack) -> None:
    """Never answers."""

    async def hang(_: str) -> None:
        await asyncio.sleep(60)

    _search(world, stack, hang)


@fault("dependency", "dependency_failing:429", symptom="degraded")
def search_refusing(world: World, _: Traffic, stack: ExitStack) -> None:
    """Refuses with 429."""
    _search(world, stack, _answers(429, b"{}"))


@fault("dependency", "dependency_failing:500", symptom="degraded")
def search_error(world: World, _: Traffic, stack: ExitStack) -> None:
    """Fails with 500."""
    _search(world, stack, _answers(500, b"{}"))


@fault("dependency", "dependency_failing:malformed", symptom="degraded")
def search_malformed(world: World, _: Traffic, stack: ExitStack) -> None:
    """Answers with what is not JSON."""
    _search(world, stack, _answers(200, b"<html>"))


@fault("dependency", "dependency_empty", symptom="degraded")
def search_empty(world: World, _: Traffic, stack: ExitStack) -> None:
    """Answers 200 without pages: the silent error."""
    _search(world, stack, _answers(200, b'{"pages": []}'))


@fault("dependency", "dependency_failing:connection", symptom="degraded")
def search_breaks_off(world: World, _: Traffic, stack: ExitStack) -> None:
    """Breaks each connection off."""

    async def drop(_: str) -> None:
        return

    _search(world, stack, drop)


# Storage


@contextmanager
def _locked(world: World, name: str) -> Iterator[None]:
    stop = threading.Event()

    def hold() -> None:
        with world.database(name) as database:
            while not stop.is_set():
                with suppress(sqlite3.OperationalError):
                    database.execute("BEGIN IMMEDIATE")
                    stop.wait(1.5)
                    database.execute("ROLLBACK")
                stop.wait(0.02)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        yield
    finally:
        stop.set()
        holder.join()


@fault("storage", "lock_wait:journal", symptom="slow")
def journal_locked(world: World, _: Traffic, stack: ExitStack) -> None:
    """Another process holds the journal's write lock most of the time."""
    stack.enter_context(_locked(world, "journal.db"))


@fault("storage", "lock_wait:catalogue")
def catalogue_locked(world: World, _: Traffic, stack: ExitStack) -> None:
    """Another process holds the catalogue's write lock most of the time."""
    stack.enter_context(_locked(world, "catalogue.db"))


@fault("storage", "storage_failing", symptom="errors")
def full_text_dropped(world: World, _: Traffic, stack: ExitStack) -> None:
    """The full-text table is gone."""
    with world.database() as database:
        database.execute("DROP TABLE words")
    stack.callback(lambda: world.restart(fresh=True))


@fault("storage", "words_lost", "leg_changed:lexical", symptom="relevance")
def full_text_emptied(world: World, _: Traffic, stack: ExitStack) -> None:
    """The full-text index is empty, without an error."""
    with world.database() as database:
        database.execute("DELETE FROM words")
    stack.callback(lambda: world.restart(fresh=True))


# Model and data


@fault("model", "model_refused")
def model_damaged(world: World, _: Traffic, stack: ExitStack) -> None:
    """The state of the registry names a version that does not exist."""
    _promote(world, damaged=True)
    stack.callback(lambda: world.restart(fresh=True))


@fault("deploy", "model_changed")
def model_promoted(world: World, _: Traffic, stack: ExitStack) -> None:
    """Another version is promoted by the command line."""
    _promote(world, damaged=False)
    stack.callback(lambda: world.restart(fresh=True))


def _promote(world: World, *, damaged: bool) -> None:
    environment = os.environ | {"VITRINE_DATA": str(world.data)}

    def run(*command: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "app", *command],
            env=environment, check=False, capture_output=True, text=True,
        ).stdout  # fmt: skip

    run("train", "--promote", "--force")
    if damaged:
        for each in (world.data / "models").rglob("*.json"):
            if "state" not in each.name and each.parent != world.data / "models":
                each.write_bytes(b"{")


@fault("data", "leg_changed:dense", symptom="relevance")
def vectors_stale(world: World, _: Traffic, stack: ExitStack) -> None:
    """The vectors belong to other passages, after a restart with the same settings."""

    def shift(folder: Path) -> None:
        with sqlite3.connect(folder / "catalogue.db") as database:
            model = database.execute("SELECT id FROM models WHERE leg = 'dense'").fetchone()[0]
            rows = database.execute(
                "SELECT passage, vector FROM embeddings WHERE model = ? ORDER BY passage", (model,)
            ).fetchall()
            Random(1).shuffle(vectors := [vector for _, vector in rows])
            database.executemany(
                "UPDATE embeddings SET vector = ? WHERE model = ? AND passage = ?",
                [(v, model, p) for (p, _), v in zip(rows, vectors, strict=True)],
            )
        database.close()

    world.restart(change=shift)
    stack.callback(lambda: world.restart(fresh=True))


@fault("data", "catalogue_changed", symptom="relevance")
def documents_deleted(world: World, _: Traffic, stack: ExitStack) -> None:
    """Another process deletes two thirds of the catalogue."""
    with world.database() as database:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("BEGIN IMMEDIATE")
        database.execute(
            "INSERT INTO removals (key) SELECT p.key FROM passages p "
            "JOIN documents d ON d.key = p.document WHERE d.key % 3 > 0"
        )
        database.execute("DELETE FROM words WHERE rowid IN (SELECT key FROM removals)")
        database.execute("DELETE FROM documents WHERE key % 3 > 0")
        database.execute("COMMIT")
    stack.callback(lambda: world.restart(fresh=True))


# Resources


@fault("resource", "cpu_contention", symptom="slow")
def cpu_hog(world: World, _: Traffic, stack: ExitStack) -> None:
    """Other processes take the CPU: the service has the lowest priority."""
    usual = os.getpriority(os.PRIO_PROCESS, world.pid)
    _set_priority(world.pid, 19)
    stack.callback(_restore_priority, world, usual)
    for _number in range(os.cpu_count() or 2):
        hog = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        stack.callback(hog.kill)


def _set_priority(pid: int, priority: int) -> None:
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, int(task.name), priority)


def _restore_priority(world: World, priority: int) -> None:
    try:
        _set_priority(world.pid, priority)
    except PermissionError:  # raising a priority takes a privilege
        world.restart(fresh=True)


@fault("resource", "process_paused", symptom="slow")
def process_paused(world: World, _: Traffic, stack: ExitStack) -> None:
    """The process is stopped for 0.5 s of each 1.2 s."""
    stop = threading.Event()

    def pause() -> None:
        while not stop.wait(0.7):
            os.kill(world.pid, signal.SIGSTOP)
            time.sleep(0.5)
            os.kill(world.pid, signal.SIGCONT)

    thread = threading.Thread(target=pause)
    thread.start()
    stack.callback(thread.join)
    stack.callback(stop.set)


@fault("resource", "resource_exhausted:file_descriptors", symptom="errors")
def descriptors_exhausted(world: World, _: Traffic, stack: ExitStack) -> None:
    """The limit of open files is lowered to what is open."""
    before = resource.prlimit(world.pid, resource.RLIMIT_NOFILE)
    opened = sum(1 for _ in Path(f"/proc/{world.pid}/fd").iterdir())
    resource.prlimit(world.pid, resource.RLIMIT_NOFILE, (opened + 1, before[1]))
    stack.callback(resource.prlimit, world.pid, resource.RLIMIT_NOFILE, before)


# Traffic


def _mixed(
    traffic: Traffic,
    stack: ExitStack,
    share: float,
    make: Callable[[Random], Request],
    rate: float = 1,
) -> None:
    traffic.mixture = lambda random: make(random) if random.random() < share else None
    stack.callback(setattr, traffic, "mixture", lambda _: None)
    stack.callback(setattr, traffic, "rate", traffic.rate)
    traffic.rate *= rate


@fault("traffic", "hot_client", symptom="rejected")
def hot_client(_: World, traffic: Traffic, stack: ExitStack) -> None:
    """One client sends three quarters of four times the traffic."""
    body = {"query": "bread staling", "limit": 5}
    _mixed(traffic, stack, 0.75, lambda _: ("POST", "/recommend", body, "198.51.100.7"), 4)


@fault("traffic", "query_length")
def long_queries(_: World, traffic: Traffic, stack: ExitStack) -> None:
    """Six of ten requests have a query of 450 characters."""

    def make(_: Random) -> Request:
        query = " ".join(traffic.query() for _ in range(30))[:450]
        return "POST", "/recommend", {"query": query, "limit": 5}, traffic.client()

    _mixed(traffic, stack, 0.6, make)


@fault("traffic", "vocabulary_drift")
def unknown_words(_: World, traffic: Traffic, stack: ExitStack) -> None:
    """Six of ten queries consist of words that no document has."""

    def make(random: Random) -> Request:
        word = "".join(random.choices("bcdfghjklmnpqrstvwxz", k=9))
        query = f"{word} {word[::-1]} {word[3:]}{word[:3]}"
        return "POST", "/recommend", {"query": query, "limit": 5}, traffic.client()

    _mixed(traffic, stack, 0.6, make)


@fault("traffic", "client_errors")
def broken_client(_: World, traffic: Traffic, stack: ExitStack) -> None:
    """A new version of a client sends a field that does not exist."""

    def make(_: Random) -> Request:
        body = {"query": "bread", "limt": 5}
        return "POST", "/recommend", body, traffic.client()

    _mixed(traffic, stack, 0.4, make)


@fault("traffic", "client_errors", "hot_client")
def scanner(_: World, traffic: Traffic, stack: ExitStack) -> None:
    """A bot asks for paths that do not exist."""

    def make(random: Random) -> Request:
        return "GET", f"/wp-admin/{random.randrange(10**6)}.php", None, "198.51.100.9"

    _mixed(traffic, stack, 0.5, make, 2)


@fault("traffic", "traffic_grew")
def crowd(_: World, traffic: Traffic, stack: ExitStack) -> None:
    """Everybody sends three times as much."""
    _mixed(traffic, stack, 0, lambda _: traffic.usual(), 3)


@fault("traffic", "traffic_fell")
def silence(_: World, traffic: Traffic, stack: ExitStack) -> None:
    """A fifth of the usual traffic arrives."""
    _mixed(traffic, stack, 0, lambda _: traffic.usual(), 0.15)


# Telemetry and deploys


@fault("telemetry", "telemetry_lost")
def store_stopped(world: World, _: Traffic, stack: ExitStack) -> None:
    """The store of the telemetry stands still for most of the time."""
    world.observatory.send_signal(signal.SIGSTOP)
    timer = threading.Timer(16, lambda: world.observatory.send_signal(signal.SIGCONT))
    timer.start()
    stack.callback(timer.join)


def _deploy(name: str, setting: str, value: str, symptom: str = "") -> None:
    def inject(world: World, _: Traffic, stack: ExitStack) -> None:
        world.restart(settings={setting: value})
        stack.callback(lambda: world.restart(fresh=True))

    FAULTS[name] = Fault(name, "deploy", ("settings_changed",), inject, symptom)


_deploy("cache_disabled", "VITRINE_ANSWERS_BYTES", "0")
_deploy("deadline_lowered", "VITRINE_WIKIPEDIA__DEADLINE_SECONDS", "0.004", "degraded")
_deploy("limit_lowered", "VITRINE_LIMITS__REQUESTS_PER_SECOND", "0.1", "rejected")
_deploy("search_address", "VITRINE_WIKIPEDIA__BASE_URL", "http://127.0.0.1:9/search", "degraded")


def tuning() -> set[str]:
    """Every second fault of each class by name: the thresholds were fixed on them."""
    chosen: set[str] = set()
    for group in {each.group for each in FAULTS.values()}:
        chosen |= set(sorted(n for n, each in FAULTS.items() if each.group == group)[::2])
    return chosen
