"""The first cause of a failure: its type and its code, never its message."""

import asyncio
import errno
import os
import socket
import sqlite3
import ssl
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from app.telemetry.kit.causes import code_of, first_cause


def refused(_: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        httpx.get(f"http://127.0.0.1:{free.getsockname()[1]}/")  # bound, but not listening


def missing(folder: Path) -> None:
    try:
        (folder / "absent").read_text()
    except OSError as error:
        raise LookupError from error


def exhausted(_: Path) -> None:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def unknown_host(_: Path) -> None:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def locked(folder: Path) -> None:
    path = folder / "one.db"
    with closing(sqlite3.connect(path)) as one, closing(sqlite3.connect(path, timeout=0)) as other:
        one.execute("CREATE TABLE a (b)")
        one.execute("BEGIN IMMEDIATE")
        other.execute("BEGIN IMMEDIATE")


def timed_out(_: Path) -> None:
    async def wait() -> None:
        async with asyncio.timeout(0):
            await asyncio.sleep(60)

    asyncio.run(wait())


def in_a_group(_: Path) -> None:
    raise ExceptionGroup("several", [LookupError(), ValueError()])


def ignored(_: Path) -> None:
    try:
        os.environ["ABSENT"]
    except LookupError:
        raise ValueError from None


def around_in_a_circle(_: Path) -> None:
    one, other = ValueError(), LookupError()
    one.__cause__, other.__cause__ = other, one
    raise one


def broken_tls(_: Path) -> None:
    left, right = ssl.MemoryBIO(), ssl.MemoryBIO()
    left.write(b"no handshake at all")
    ssl.create_default_context().wrap_bio(left, right, server_hostname="a").do_handshake()


CASES: list[tuple[Callable[[Path], None], str, str | None]] = [
    (refused, "ConnectionRefusedError", "ECONNREFUSED"),
    (missing, "FileNotFoundError", "ENOENT"),
    (exhausted, "OSError", "EMFILE"),
    (unknown_host, "gaierror", "EAI_NONAME"),
    (locked, "OperationalError", "SQLITE_BUSY"),
    (timed_out, "TimeoutError", None),
    (in_a_group, "LookupError", None),
    (ignored, "ValueError", None),
    (around_in_a_circle, "LookupError", None),
    (broken_tls, "SSLError", "WRONG_VERSION_NUMBER"),
]


@pytest.mark.parametrize(("fail", "kind", "code"), CASES, ids=[case[0].__name__ for case in CASES])
def test_the_first_cause(
    tmp_path: Path, fail: Callable[[Path], None], kind: str, code: str | None
) -> None:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - of any type
        fail(tmp_path)
    assert (type(first_cause(caught.value)).__name__, code_of(caught.value)) == (kind, code)
