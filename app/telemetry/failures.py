"""What to call a failure, and how much to make of it."""

from asyncio import CancelledError
from contextlib import suppress

import httpx
from purgatory.domain.model import OpenedState

from app.catalogue.journal import NotRecommended, UnknownRecommendation
from app.recommend.query import NoSearchableWords
from app.recommend.ranking import ArtefactRefused
from app.wikipedia.client import SearchFailed, SearchRefused

THE_CLIENTS = (NoSearchableWords, UnknownRecommendation, NotRecommended)
"""Mistakes of whoever asks; nothing failed here."""
FORESEEN = (
    SearchFailed, TimeoutError, CancelledError, OpenedState, ArtefactRefused, httpx.HTTPError,
)  # fmt: skip
"""Their names say it all; a stack would add nothing."""
MOST_CAUSES = 16
"""How far a chain of causes is followed."""


def is_the_clients(error: BaseException) -> bool:
    """Whether it answers a mistake in the request."""
    return isinstance(error, THE_CLIENTS)


def is_foreseen(error: BaseException) -> bool:
    """Whether it is one of the failures the service is built to live with."""
    return isinstance(error, FORESEEN)


def error_type(error: BaseException) -> str:
    """For `error.type`: few values, and nothing from the message."""
    if isinstance(error, SearchRefused):
        return str(error.status)
    return type(error).__qualname__


def mark_recorded(error: BaseException) -> None:
    """Remember on a failure that a span holds it: what it passes on its way need not."""
    with suppress(AttributeError):  # a class with slots and no room for it
        error.__vitrine_recorded__ = True  # type: ignore[attr-defined]


def is_recorded(error: BaseException) -> bool:
    """Whether a span holds this failure, or the one it was raised from."""
    link: BaseException | None = error
    for _ in range(MOST_CAUSES):
        if link is None:
            break
        if getattr(link, "__vitrine_recorded__", False):
            return True
        link = link.__cause__
    return False
