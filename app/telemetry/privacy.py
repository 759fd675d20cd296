"""What must not leave the process: what people typed, and who they are.

Our own spans and records never hold it. The instrumentation libraries would: they put query
strings, addresses and the messages of exceptions on spans; `spans.py` asks here what to leave out.
"""

import secrets
import traceback
from hashlib import blake2b

TYPED = frozenset(
    {
        "url.path", "url.query", "user_agent.original", "client.address", "client.port",
        "server.address", "server.port", "network.protocol.version", "network.peer.address",
        "network.peer.port", "user_agent.synthetic.type", "db.namespace",
        "http.request.method_original",
    }
)  # fmt: skip
"""Attributes of the libraries that people fill, or that answer no question."""


MOST_CAUSES, LONGEST_STACK = 8, 8_000


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
    """Where it happened, causes first; names of exceptions and no message, which may quote."""
    parts: list[str] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen and len(parts) < MOST_CAUSES:
        seen.add(id(link))
        parts.append(_one_stack(link))
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "\n\ncause of\n\n".join(reversed(parts))[-LONGEST_STACK:]


def _one_stack(error: BaseException) -> str:
    frames = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__))
    name = type(error).__qualname__
    if isinstance(error, BaseExceptionGroup):
        inner = "\n\nand\n\n".join(stack_of(each) for each in error.exceptions[:MOST_CAUSES])
        return f"{''.join(frames.format())}{name} of\n\n{inner}"
    return "".join([*frames.format(), name])
