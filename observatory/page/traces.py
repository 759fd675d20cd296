"""The list of traces, newest first."""

from typing import Any

from observatory.page.asking import RANGE, Asked, Range
from observatory.page.back_in_time import stretches
from observatory.page.filters import FILTERS, Filter
from observatory.page.looking import Looking
from observatory.page.places import Place
from observatory.page.trace_search import TraceSearch, place_of

KNOWN = (*RANGE, *FILTERS, "limit", "before")
USUAL, MOST = 50, 500


def traces(looking: Looking, asked: Asked) -> dict[str, Any]:
    """A page of it: {traces, more, next}."""
    limit = asked.whole("limit", 1, MOST) or USUAL
    search = TraceSearch(looking, Filter.of(asked))
    place = Place.read(asked.text("before"), ".*")
    where = asked.range(looking.clock(), looking.kept)
    where = Range(where.start, min(where.end, place.end))
    found: list[dict[str, Any]] = []
    reached = where.end
    for stretch in stretches(where, looking.seconds):
        found += search.newest(stretch, place, limit + 1 - len(found))
        reached = stretch.start
        if len(found) > limit:
            break
    following = None
    if len(found) > limit:
        following = str(place_of(found[limit - 1]))
    elif reached > where.start:  # time was up
        following = str(Place(reached))
    return {"traces": found[:limit], "more": following is not None, "next": following}
