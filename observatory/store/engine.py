"""ClickHouse (chDB) in a process of its own, which can be killed when a query can't.

ClickHouse checks a query's limits between blocks of rows: a query that spends its time inside one
call of a function knows no limit and no signal. When a query outlives its limit, or the
observatory stops, the process is killed; the next query starts it again (some two seconds). What
was acknowledged is on disk by then, and a killed insert is made again.
"""

import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, LifoQueue
from tempfile import NamedTemporaryFile
from typing import Any

from observatory.memory_budget import take

logger = logging.getLogger(__name__)

ROOT = Path(__file__).parents[2]
WRITING = {
    "max_partitions_per_insert_block": 0,  # rows of late senders may be of many hours
    "max_threads": 1,
}
KILL_SECONDS = 2
"""By how much a query may outlive its limit before the engine is killed."""


class EngineError(Exception):
    """The engine could not do what it was asked; the message is the engine's."""


class EngineGone(EngineError):
    """The engine's process ended meanwhile; whether the statement had an effect is unknown."""


class Escaped(str):
    """A query parameter that is written as ClickHouse reads it, with escapes."""

    __slots__ = ()


_ESCAPES = str.maketrans(
    {"\\": r"\\", "\n": r"\n", "\t": r"\t", "\r": r"\r", "\0": r"\0", "\b": r"\b", "\f": r"\f"}
)


def bound(parameters: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Query parameters as the engine takes them: text is escaped, unless it is already."""
    if not parameters:
        return None
    return {
        name: value.translate(_ESCAPES)
        if isinstance(value, str) and not isinstance(value, Escaped)
        else str(value)
        if isinstance(value, Escaped)
        else value
        for name, value in parameters.items()
    }


def quoted(name: str) -> str:
    """An identifier, for where none can be bound."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def literal(text: str) -> str:
    """A string, for where none can be bound."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement came to, in the format asked for."""

    content: bytes
    rows: int = 0
    rows_read: int = 0
    """From tables, as the next."""
    bytes_read: int = 0
    rows_written: int = 0
    seconds: float = 0


class _Process:
    """One run of the engine."""

    def __init__(self, folder: Path, memory: int) -> None:
        self._killed = False
        self._control, theirs = socket.socketpair()
        with theirs:
            self._child = subprocess.Popen(  # noqa: S603  our own interpreter and module
                (
                    *(sys.executable, "-m", "observatory.store.engine_process"),
                    *(str(theirs.fileno()), str(folder), str(memory)),
                ),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # the observatory's own is read by who started it
                pass_fds=(theirs.fileno(),),
            )
        said = self._control.recv(4096)
        if said != b"\n":
            self.kill()
            raise EngineError(said.decode(errors="replace") or "the engine's process has ended")

    def alive(self) -> bool:
        return not self._killed and self._child.poll() is None

    def kill(self) -> None:
        """End it, if it has not ended; again is no harm."""
        self._killed = True
        self._control.close()
        self._child.kill()
        self._child.wait()

    def connect(self) -> Connection:
        """A new session, as a connection."""
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._control, [b"."], [theirs.fileno()])
        return Connection(ours.detach())


class Session:
    """Settings, and statements that run with them; one thread at a time may use it."""

    def __init__(self, engine: "Engine", settings: Mapping[str, Any]) -> None:
        self._engine = engine
        self._set = "SET " + ", ".join(f"{name} = {value}" for name, value in settings.items())
        self._connected: tuple[_Process, Connection] | None = None

    def query(
        self,
        statement: str,
        output: str = "TSV",
        parameters: Mapping[str, Any] | None = None,
        database: str = "",
        seconds: float | None = None,
    ) -> Result:
        """The result in the format `output`.

        Raises:
            EngineError: the engine refused it, or it took more than `seconds` and was killed.
            EngineGone: the engine ended meanwhile, for a reason that lies elsewhere.
            Full: there is no memory for the result.

        """
        process = self._engine.process()
        try:
            if self._connected is None or self._connected[0] is not process:
                self.close()
                self._connected = (process, process.connect())
                self._ask(*self._connected, ("", self._set, "TSV", None))
            request = (database, statement, output, bound(parameters))
            return self._ask(*self._connected, request, seconds)
        except (EOFError, OSError) as error:
            process.kill()  # it has ended, or is about to
            self.close()
            raise EngineGone("the engine was restarted meanwhile; try again") from error

    def close(self) -> None:
        """Forget the connection; the next query makes another."""
        if self._connected is not None:
            self._connected[1].close()
        self._connected = None

    def _ask(
        self,
        process: _Process,
        connection: Connection,
        request: tuple[Any, ...],
        seconds: float | None = None,
    ) -> Result:
        connection.send(request)
        if not connection.poll(None if seconds is None else seconds + KILL_SECONDS):
            logger.warning("a query could not be interrupted: the engine is killed and restarted")
            process.kill()
            threading.Thread(target=self._engine.restart, daemon=True).start()
            raise EngineError(
                f"Code: 159. DB::Exception: Timeout exceeded: the query could not be interrupted "
                f"after {seconds:g} seconds and was killed. (TIMEOUT_EXCEEDED)"
            )
        size, facts = connection.recv()
        try:
            take(size)
        except BaseException:
            self.close()  # with the result in it
            raise
        content = connection.recv_bytes()
        if facts is None:
            raise EngineError(content.decode(errors="replace"))
        return Result(content, *facts)


class Engine:
    """The embedded engine over one folder. Thread-safe."""

    def __init__(self, folder: Path, memory: int) -> None:
        """Open it, or make it; `memory`: bytes that all queries together may take.

        Raises EngineError or OSError where it can't be had.
        """
        if "?" in str(folder):
            raise EngineError("the engine can't use a folder with a question mark in its name")
        self._folder, self._memory = folder.resolve(), memory
        self._incoming = self._folder / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)
        self._free: LifoQueue[Session] = LifoQueue()
        self._starting = threading.Lock()
        self._closed = False
        self._process = _Process(self._folder, memory)
        for left in self._incoming.iterdir():
            left.unlink()  # by one that was killed

    def process(self) -> _Process:
        """The engine's process; started again where it has ended.

        Raises:
            EngineError: it does not start, or the engine is closed.

        """
        with self._starting:
            if self._closed:
                raise EngineError("the observatory is stopping")
            if not self._process.alive():
                self._process.kill()
                self._process = _Process(self._folder, self._memory)
            return self._process

    def restart(self) -> None:
        """Start the engine before the next query needs it, where it has ended."""
        with suppress(EngineError):
            self.process()

    def session(self, settings: Mapping[str, Any]) -> Session:
        """A session with settings of its own; one thread at a time may use it."""
        return Session(self, settings)

    def run(self, statements: str, **parameters: Any) -> bytes:
        """Statements of our own; the last one's rows as tab-separated values."""
        return self.write(statements, "TSV", parameters).content

    def write(
        self,
        statement: str,
        output: str,
        parameters: Mapping[str, Any] | None = None,
        database: str = "default",
        settings: Mapping[str, Any] | None = None,
        seconds: float | None = None,
    ) -> Result:
        """A statement that may do anything; the result in the format `output`."""
        with self._borrowed(settings) as session:
            return session.query(statement, output, parameters, database, seconds)

    def insert(
        self,
        statement: str,
        blocks: Iterable[bytes],
        database: str = "default",
        form: str = "Native",
        settings: Mapping[str, Any] | None = None,
    ) -> Result:
        """Store rows in the format `form`, all or none. On return they survive a kill.

        By way of a file: chDB's `send_insert` is silent about what goes wrong beyond parsing, a
        full disk say, and of data behind a statement it reads a quarter of a megabyte. Where the
        engine was killed meanwhile for another's query, the rows are inserted again; if the first
        insert had just succeeded, they are there twice.
        """
        with (
            NamedTemporaryFile(dir=self._incoming, suffix=".rows") as file,
            self._borrowed(settings) as session,
        ):
            file.writelines(blocks)
            file.flush()
            rows = f"{statement} SELECT * FROM file({literal(file.name)}, {form})"
            try:
                return session.query(rows, database=database)
            except EngineGone:
                return session.query(rows, database=database)

    def interrupt(self) -> None:
        """End the queries that are under way and can be interrupted; inserts go on."""
        with suppress(EngineError):
            self.run("KILL QUERY WHERE query_kind = 'Select' ASYNC")

    def close(self) -> None:
        """Kill the engine, whatever runs; what was acknowledged is on disk."""
        with self._starting:
            self._closed = True
            self._process.kill()

    @contextmanager
    def _borrowed(self, settings: Mapping[str, Any] | None = None) -> Iterator[Session]:
        """A session that nobody else uses meanwhile; there are as many as were ever needed."""
        if settings:
            session = self.session({**WRITING, **settings})
            try:
                yield session
            finally:
                session.close()
            return
        try:
            session = self._free.get_nowait()
        except Empty:
            session = self.session(WRITING)
        try:
            yield session
        finally:
            self._free.put(session)
