"""Facts that only repeat how the sets are defined; they separate them, and explain nothing."""

from collections.abc import Iterator

from observatory.compare.fact import OUTCOMES, SPANS, Fact, Kind, Test
from observatory.compare.selection import NAME, RESOURCE, Selection

_STATUS = OUTCOMES - {"error.type"}
"""The type of an error says more than that there was one."""
_ROUTE = frozenset({"http.route", "url.path", "http.target"})
_DEGRADED = (".degraded", ".missing")


class Definition:
    """What two selections filter by."""

    def __init__(self, first: Selection, second: Selection) -> None:
        both = (first, second)
        tests = [test for each in both for test in each.tests]
        self._keys = {test.key for test in tests if test.key != NAME}
        self._names = {test.value for test in tests if test.key == NAME}
        self._by_name = any(test.key == NAME and test.operator != "=" for test in tests)
        self._status = any(each.status for each in both)
        self._duration = any(
            limit is not None for each in both for limit in (each.shortest, each.longest)
        )
        if self._status:
            self._keys |= _STATUS
        if any(each.route for each in both):
            self._keys |= _ROUTE
        if any(each.service for each in both):
            self._keys.add(f"{RESOURCE}service.name")

    def repeats(self, fact: Fact) -> bool:
        """Whether a fact repeats the definition."""
        return any(self._reasons(fact))

    def _reasons(self, fact: Fact) -> Iterator[bool]:
        key = fact.subject
        if fact.kind in (Kind.ATTRIBUTE, Kind.RESOURCE):
            yield key in self._keys
            yield self._status and key.endswith(_DEGRADED)
        elif fact.test is Test.DURATION:
            yield self._duration
        elif fact.kind in SPANS:
            yield key in self._names or self._by_name
            if fact.kind is Kind.REQUEST:
                yield fact.test is Test.FAILS and self._status
                yield fact.test is Test.OCCURS and "http.route" in self._keys
