"""The embedded engine (chDB), in a child process that can be killed if a query can't be cancelled.

ClickHouse checks a query's limits between blocks of rows, so a query that spends its time inside
one function call ignores limits and cancellation. When a query exceeds its time limit, or the
observatory stops, the process is killed; the next query restarts it (about two seconds).
Acknowledged rows are on disk by then, and an interrupted insert is repeated.
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

from observatory.memory_budget import reserve

logger = logging.getLogger(__name__)

ROOT = Path(__file__).parents[2]
WRITING = {
    "max_partitions_per_insert_block": 0,  # late rows may belong to many partitions of six hours
    "max_threads": 1,
}
CANCELLED = "QUERY_WAS_CANCELLED"
KILL_SECONDS = 2
"""How long a query may exceed its time limit before the engine is killed."""


class EngineError(Exception):
    """A statement failed; the message is the engine's."""


class EngineGone(EngineError):
    """The engine's process ended during the statement, which may or may not have had an effect."""


class EngineStopping(EngineGone):
    """The engine has been closed; statements no longer run."""


class Escaped(str):
    """A query parameter that is already escaped for ClickHouse."""

    __slots__ = ()


ESCAPES = str.maketrans(
    {
        "\\": r"\\",
        "'": r"\'",
        "\n": r"\n",
        "\t": r"\t",
        "\r": r"\r",
        "\0": r"\0",
        "\b": r"\b",
        "\f": r"\f",
    }
)
"""Of string literals, and of the values of query parameters."""


def bound(parameters: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Query parameters for the engine: strings are escaped, unless they are `Escaped`."""
    if not parameters:
        return None
    return {
        name: value.translate(ESCAPES)
        if isinstance(value, str) and not isinstance(value, Escaped)
        else str(value)
        if isinstance(value, Escaped)
        else value
        for name, value in parameters.items()
    }


def quoted(name: str) -> str:
    """A quoted identifier, where a parameter is not possible."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def literal(text: str) -> str:
    """A string literal, where a parameter is not possible."""
    return f"'{text.translate(ESCAPES)}'"


def _without_file(message: str, name: str) -> str:
    """An error message of an insert without the name of the temporary file."""
    return message.replace(f": (in file/uri {name})", "").replace(name, "the data")


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a statement in the requested format, with statistics."""

    content: bytes
    rows: int = 0
    rows_read: int = 0
    """Rows read from tables; so are `bytes_read`."""
    bytes_read: int = 0
    rows_written: int = 0
    seconds: float = 0


class _Process:
    """One process of the engine."""

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
                stdout=subprocess.DEVNULL,  # the supervisor reads the observatory's
                pass_fds=(theirs.fileno(),),
            )
        status = self._control.recv(4096)
        if status != b"\n":
            self.kill()
            raise EngineError(status.decode(errors="replace") or "the engine's process has ended")

    def alive(self) -> bool:
        return not self._killed and self._child.poll() is None

    def kill(self) -> None:
        """Kill the process if it still runs; may be called twice."""
        self._killed = True
        self._control.close()
        self._child.kill()
        self._child.wait()

    def connect(self) -> Connection:
        """Open a session; returns its connection."""
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._control, [b"."], [theirs.fileno()])
        return Connection(ours.detach())


class Session:
    """Runs statements with fixed settings. For one thread at a time."""

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
        """Run a statement; the result is in the format `output`.

        Raises:
            EngineError: the engine refused it, or it exceeded `seconds` and was killed.
            EngineGone: the engine ended meanwhile for another reason.
            BudgetExceeded: the memory budget is exhausted.

        """
        process = self._engine.process()
        try:
            if self._connected is None or self._connected[0] is not process:
                self.close()
                self._connected = (process, process.connect())
                self._ask(*self._connected, ("", self._set, "TSV", None))
            request = (database, statement, output, bound(parameters))
            return self._ask(*self._connected, request, seconds)
        except EngineError as error:
            if self._engine.stopping and CANCELLED in str(error):
                raise EngineStopping("the observatory is stopping") from error
            raise
        except (EOFError, OSError) as error:
            process.kill()  # it has ended or is ending
            self.close()
            if self._engine.stopping:
                raise EngineStopping("the observatory is stopping") from error
            raise EngineGone("the engine was restarted during the query; retry") from error

    def close(self) -> None:
        """Close the connection; the next query opens a new one."""
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
            reserve(size)
        except BaseException:
            self.close()  # the unread result goes with it
            raise
        content = connection.recv_bytes()
        if facts is None:
            raise EngineError(content.decode(errors="replace"))
        return Result(content, *facts)


class Engine:
    """The embedded engine over one folder. Thread-safe."""

    def __init__(self, folder: Path, memory: int) -> None:
        """Open or create the database; `memory`: limit in bytes for all queries together.

        Raises EngineError or OSError if the folder cannot be used.
        """
        if "?" in str(folder):
            raise EngineError("the engine can't use a folder with a question mark in its name")
        self._folder, self._memory = folder.resolve(), memory
        self._incoming = self._folder / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)
        self._free: LifoQueue[Session] = LifoQueue()
        self._starting = threading.Lock()
        self._stopping = self._closed = False
        self._process = _Process(self._folder, memory)
        for left in self._incoming.iterdir():
            left.unlink()  # left by a killed process

    @property
    def stopping(self) -> bool:
        """Whether `interrupt` or `close` has been called."""
        return self._stopping

    def process(self) -> _Process:
        """The engine's process; restarted if it has ended.

        Raises:
            EngineError: it does not start, or the engine is closed.

        """
        with self._starting:
            if self._closed:
                raise EngineStopping("the observatory is stopping")
            if not self._process.alive():
                self._process.kill()
                self._process = _Process(self._folder, self._memory)
            return self._process

    def restart(self) -> None:
        """Restart the engine now if it has ended, before the next query needs it."""
        with suppress(EngineError):
            self.process()

    def session(self, settings: Mapping[str, Any]) -> Session:
        """A session with these settings; for one thread at a time."""
        return Session(self, settings)

    def run(self, statements: str, **parameters: Any) -> bytes:
        """Run trusted statements; returns the last result as tab-separated values."""
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
        """Run a statement without read-only limits; the result is in the format `output`."""
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
        """Store rows in the format `form`, all or none; on return they are durable.

        The rows go through a file, because chDB's `send_insert` does not report errors after
        parsing, such as a full disk, and inline data is limited to a quarter of a megabyte. If the
        engine is killed meanwhile because of another query, the insert is repeated; in the rare
        case that the first one had succeeded, the rows are stored twice.
        """
        with (
            NamedTemporaryFile(dir=self._incoming, suffix=".rows") as file,
            self._borrowed(settings) as session,
        ):
            file.writelines(blocks)
            file.flush()
            rows = f"{statement} SELECT * FROM file({literal(file.name)}, {form})"
            try:
                try:
                    return session.query(rows, database=database)
                except EngineGone:
                    return session.query(rows, database=database)
            except EngineGone:
                raise
            except EngineError as error:  # the name of the file is internal
                raise EngineError(_without_file(str(error), file.name)) from error

    def interrupt(self) -> None:
        """Cancel running SELECT queries because the observatory stops; inserts continue."""
        self._stopping = True
        with suppress(EngineError):
            self.run("KILL QUERY WHERE query_kind = 'Select' ASYNC")

    def close(self) -> None:
        """Kill the engine; acknowledged rows are on disk."""
        with self._starting:
            self._stopping = self._closed = True
            self._process.kill()

    @contextmanager
    def _borrowed(self, settings: Mapping[str, Any] | None = None) -> Iterator[Session]:
        """A session for exclusive use; the pool grows to the highest concurrency so far."""
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
