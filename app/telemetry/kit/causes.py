"""The first cause of an exception, without its message: type and code.

An exception that reaches a stage was often raised from others: `SearchUnreachable` from
`ConnectError` from `OSError`. The first one names the cause, and its code (`EMFILE`,
`SQLITE_BUSY`) says what no class name does. Messages are left out: they may quote user input.
"""

import errno
import re
import socket
from asyncio import CancelledError
from collections.abc import Iterator

MAX_LINKS = 16
"""Limit of a chain of causes."""
CODE = r"[A-Z][A-Z0-9_]{0,63}"
"""Form of a code. The values are constants of the platform, of SQLite and of OpenSSL."""
_CODE = re.compile(CODE)
_RESOLVER = {
    getattr(socket, name): name for name in dir(socket) if name.startswith("EAI_")
}  # getaddrinfo's codes are negative numbers on Linux, and positive ones on macOS


def chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and its causes, the first cause last; of a group its first member.

    A timeout ends there: its cause is the cancellation by which it was carried out.
    """
    link: BaseException | None = error
    seen = set[int]()
    while link is not None and id(link) not in seen and len(seen) < MAX_LINKS:
        seen.add(id(link))
        yield link
        link = _cause(link)
        if isinstance(link, CancelledError):
            return


def first_cause(error: BaseException) -> BaseException:
    """The exception at the start of the chain; the exception itself if it has no cause."""
    *_, first = chain(error)
    return first


def code_of(error: BaseException) -> str | None:
    """The code nearest to the first cause: of the system, the resolver, SQLite or TLS."""
    codes = [code for each in chain(error) if (code := _code(each)) is not None]
    return codes[-1] if codes else None


def _cause(error: BaseException) -> BaseException | None:
    if isinstance(error, BaseExceptionGroup):
        return error.exceptions[0]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return cause or next((each for each in error.args if isinstance(each, BaseException)), None)


def _code(error: BaseException) -> str | None:
    named = getattr(error, "sqlite_errorname", None) or getattr(error, "reason", None)
    if isinstance(named, str) and _CODE.fullmatch(named):
        return named
    number = getattr(error, "errno", None)
    if not isinstance(error, OSError) or not isinstance(number, int):
        return None
    names = _RESOLVER if isinstance(error, socket.gaierror) else errno.errorcode
    return names.get(number)
