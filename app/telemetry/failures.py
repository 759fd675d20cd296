"""What to call a failure, and how much to make of it."""

from asyncio import CancelledError

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
