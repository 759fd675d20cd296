"""The process that runs the embedded engine (chDB); see `engine`, which starts and kills it.

`python -m observatory.store.engine_process DESCRIPTOR FOLDER MEMORY`: DESCRIPTOR is a Unix socket
over which the parent passes one end of a socket pair for each session it wants. A request is
`(database, statement, output format, parameters)`, pickled; the answer is `(size, facts)` and then
the result, or the error message of the engine, where `facts` is None. The process ends when its
parent does.

Facts that bite: a folder is for one process, a session for one thread at a time; a fork after the
import hangs the child.
"""

import fcntl
import os
import signal
import socket
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from chdb import ChdbError
from chdb.session import Session

ARGUMENTS = {
    "log-level": "none",
    "background_pool_size": 2,
    "mark_cache_size": 64 << 20,
    "uncompressed_cache_size": 0,
}
"""Of `clickhouse local`; the caches are a server's by default."""
LOCK_SECONDS = 3
"""How long a killed predecessor may take to release the folder."""
PYTHON_FORMATS = frozenset({"arrowtable", "dataframe", "datastore"})
"""chDB's own, which are objects of Python packages."""
READY = b"\n"


def main(descriptor: int, folder: Path, memory: int) -> None:
    """Serve sessions over `folder` until the parent closes its end of the socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    control = socket.socket(fileno=descriptor)
    given = {**ARGUMENTS, "max_server_memory_usage": memory}
    where = f"{folder / 'engine'}?" + "&".join(f"{name}={value}" for name, value in given.items())
    try:
        lock = _locked(folder / "in-use")
        session = Session(where)
        _without_files(session, folder / "engine")
    except (ChdbError, RuntimeError, OSError) as error:
        control.sendall(str(error).encode() or b"the engine does not start")
        return
    control.sendall(READY)
    while True:
        _, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not descriptors:
            break
        threading.Thread(target=_serve, args=(Connection(descriptors[0]), where)).start()
    session.close()
    os.close(lock)
    os._exit(0)  # whatever runs


def _locked(path: Path) -> int:
    """A descriptor that one process at a time can have."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > until:
                raise OSError("another observatory uses it") from None
            time.sleep(0.02)
        else:
            return descriptor


def _without_files(session: Session, folder: Path) -> None:
    """Leave only tables in the database `default`: chDB lays the machine's files over them."""
    link = folder / "metadata" / "default"
    session.query("DETACH DATABASE default")
    if link.is_symlink():
        session.query(f"ATTACH DATABASE default UUID '{link.readlink().name}' ENGINE = Atomic")
    else:  # it never had a table
        link.with_suffix(".sql").unlink(missing_ok=True)
        session.query("CREATE DATABASE default ENGINE = Atomic")


def _serve(connection: Connection, where: str) -> None:
    """One session, on a thread of its own, until the other end is closed."""
    session = None
    try:
        while True:
            database, statement, output, parameters = connection.recv()
            try:
                session = session or Session(where)
                result = _run(session, database, statement, output, parameters)
            except Exception as error:  # noqa: BLE001 - one that ends this thread ends the engine
                _answer(connection, str(error).encode(errors="replace"), None)
            else:
                _answer(connection, bytes(result.bytes()), _facts(result))
                del result
    except (EOFError, OSError):
        if session is not None:
            session.close()


def _run(session: Session, database: str, statement: str, output: str, parameters: Any) -> Any:
    if database:
        session.query("USE `" + database.replace("\\", "\\\\").replace("`", "\\`") + "`")
    if output.lower() in PYTHON_FORMATS:
        raise ChdbError(f"Code: 73. DB::Exception: Unknown format {output}. (UNKNOWN_FORMAT)")
    return session.query(statement, output, params=parameters)


def _facts(result: Any) -> tuple[float, ...]:
    """The fields of `engine.Result` behind the content."""
    return (
        result.rows_read(),
        result.storage_rows_read(),
        result.storage_bytes_read(),
        result.rows_written(),
        result.elapsed(),
    )


def _answer(connection: Connection, content: bytes, facts: tuple[Any, ...] | None) -> None:
    connection.send((len(content), facts))
    connection.send_bytes(content)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
