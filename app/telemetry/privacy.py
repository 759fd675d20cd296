"""What must not leave the process: what people typed, and who they are.

Our own spans and records never hold it. The instrumentation libraries would: they put query
strings, addresses and the messages of exceptions on spans; `spans.py` asks here what to leave out.
"""

import os
import secrets
import traceback
from collections.abc import Iterable
from hashlib import blake2b
from itertools import islice
from types import FrameType

TYPED = frozenset(
    {
        "url.path", "url.query", "user_agent.original", "client.address", "client.port",
        "server.address", "server.port", "network.protocol.version", "network.peer.address",
        "network.peer.port", "user_agent.synthetic.type", "db.namespace",
        "http.request.method_original",
    }
)  # fmt: skip
"""Attributes of the libraries that people fill, or that answer no question."""
MOST_CAUSES, MOST_CALLERS, LONGEST_STACK = 16, 16, 8_000
"""How many exceptions a stack goes through, how many callers it names, and its last characters
that are kept."""
INSTRUMENTATION = f"{os.sep}opentelemetry{os.sep}instrumentation{os.sep}"
"""In the paths of frames that only wrap what failed."""


def hasher(key: str | None) -> "Hasher":
    """A hash for this process; the same in every one where a key is given."""
    return Hasher(key.encode()[:64] if key else secrets.token_bytes(16))


class Hasher:
    """Stands in for texts: 16 hexadecimal digits, the same for the same text."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __call__(self, text: str) -> str:
        plain = text.casefold().encode("utf-8", "replace")
        return blake2b(plain, digest_size=8, key=self._key).hexdigest()


def stack_of(error: BaseException) -> str:
    """Where it happened, causes first; names of exceptions and no message, which may quote.

    Frames of instrumentation libraries are left out. Where that leaves none, because a library
    caught the error just where it happened, the frames that called the library stand there.
    """
    return _stack(error, set())[-LONGEST_STACK:]


def _stack(error: BaseException, seen: set[int]) -> str:
    """Of an exception, what caused it, and what is in it; `seen` are those told already."""
    parts: list[str] = []
    link: BaseException | None = error
    while link is not None and id(link) not in seen and len(seen) < MOST_CAUSES:
        seen.add(id(link))
        parts.append(_one_stack(link, seen))
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "\n\ncause of\n\n".join(reversed(parts))


def _one_stack(error: BaseException, seen: set[int]) -> str:
    frames = _frames(traceback.walk_tb(error.__traceback__)) or _callers(error)
    here = "".join([*traceback.StackSummary.from_list(frames).format(), type(error).__qualname__])
    if not isinstance(error, BaseExceptionGroup):
        return here
    inner = [told for each in error.exceptions if (told := _stack(each, seen))]
    return f"{here} of\n\n" + "\n\nand\n\n".join(inner)


def _frames(walked: Iterable[tuple[FrameType, int]]) -> list[traceback.FrameSummary]:
    found = traceback.StackSummary.extract(walked)
    return [each for each in found if INSTRUMENTATION not in each.filename]


def _callers(error: BaseException) -> list[traceback.FrameSummary]:
    """The nearest frames that called the first one of the traceback, outermost first."""
    first = error.__traceback__
    if first is None or first.tb_frame.f_back is None:
        return []
    walked = traceback.walk_stack(first.tb_frame.f_back)
    return _frames(islice(walked, MOST_CALLERS))[::-1]
