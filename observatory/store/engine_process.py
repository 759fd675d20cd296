"""The process that runs the embedded engine (chDB); see `engine`, which starts and kills it.

`python -m observatory.store.engine_process DESCRIPTOR FOLDER MEMORY`: DESCRIPTOR is a Unix socket
over which the parent passes one end of a socket pair for each session. A request is the pickled
tuple `(database, statement, output format, parameters)`. The response is `(size, facts)` and then
the result, or the engine's error message if `facts` is None. The process ends with its parent.

Constraints of chDB: one process per folder, one thread at a time per session, and no fork after the
import (the child hangs).
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
"""Arguments of `clickhouse local`; the default caches are sized for a server."""
LOCK_SECONDS = 3
"""How long to wait for a killed process to release the folder."""
PYTHON_FORMATS = frozenset({"arrowtable", "dataframe", "datastore"})
"""Output formats of chDB that are Python objects; not supported."""
READY = b"\n"


def main(descriptor: int, folder: Path, memory: int) -> None:
    """Serve sessions over `folder` until the parent closes its end of the socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is handled by the parent
    control = socket.socket(fileno=descriptor)
    arguments = {**ARGUMENTS, "max_server_memory_usage": memory}
    where = f"{folder / 'engine'}?" + "&".join(
        f"{name}={value}" for name, value in arguments.items()
    )
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
    os._exit(0)  # even if queries are running


def _locked(path: Path) -> int:
    """Lock a file; returns the descriptor that holds the lock."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > until:
                raise OSError("another observatory uses the folder") from None
            time.sleep(0.02)
        else:
            return descriptor


def _without_files(session: Session, folder: Path) -> None:
    """Replace the database `default`, in which chDB also exposes local files, by a plain one."""
    link = folder / "metadata" / "default"
    session.query("DETACH DATABASE default")
    if link.is_symlink():
        session.query(f"ATTACH DATABASE default UUID '{link.readlink().name}' ENGINE = Atomic")
    else:  # it has no tables
        link.with_suffix(".sql").unlink(missing_ok=True)
        session.query("CREATE DATABASE default ENGINE = Atomic")


def _serve(connection: Connection, where: str) -> None:
    """Serve one session until the other end is closed; runs on its own thread."""
    session = None
    try:
        while True:
            database, statement, output, parameters = connection.recv()
            try:
                session = session or Session(where)
                result = _run(session, database, statement, output, parameters)
            except Exception as error:  # noqa: BLE001 - an uncaught error would end the engine
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
    """The fields of `engine.Result` after `content`."""
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
