"""Invalid parameters are refused with advice."""

from typing import Any

import pytest

from tests.cases import cases
from tests.observatory.page_client import Page
from tests.observatory.stored_telemetry import MS, NOW

NOW_MS = NOW // MS
BAD: list[tuple[dict[str, Any], str]] = [
    ({"servce": "x"}, "servce: is unknown; use from, to, last, service, route"),
    ({"": "x"}, ": is unknown"),
    ({"service": ["a", "b"]}, "service: may be given only once"),
    ({"service": "x" * 1025}, "service: may have at most 1024 characters"),
    ({"status": "failed"}, "status: must be one of ok, error, degraded"),
    ({"min_ms": "fast"}, "min_ms: must be a number of milliseconds, 0 or more, such as 2.5"),
    ({"min_ms": -1}, "min_ms: must be a number of milliseconds"),
    ({"max_ms": "nan"}, "max_ms: must be a number of milliseconds"),
    ({"max_ms": "inf"}, "max_ms: must be a number of milliseconds"),
    ({"max_ms": "1e13"}, "max_ms: must be a number of milliseconds"),
    ({"min_ms": 3, "max_ms": 2}, "min_ms: must not be greater than max_ms"),
    ({"attr": "=x"}, "attr: must be key, key=value, key!=value or key~text"),
    ({"attr": "~x"}, "attr: must be key, key=value, key!=value or key~text"),
    ({"attr": "!=x"}, "attr: must be key, key=value, key!=value or key~text"),
    ({"attr": ["a"] * 9}, "attr: may be given at most 8 times"),
    ({"last": 0}, "last: must be a whole number from 1 to 31622400"),
    ({"last": "1h"}, "last: must be a whole number from 1 to 31622400"),
    ({"last": "1.5"}, "last: must be a whole number"),
    ({"last": "-5"}, "last: must be a whole number"),
    ({"last": "٣"}, "last: must be a whole number"),
    ({"last": "9" * 1000}, "last: must be a whole number"),
    ({"from_": "yesterday"}, "from: must be a whole number from 0 to 9223372036854"),
    ({"from_": 2**63}, "from: must be a whole number from 0 to 9223372036854"),
    ({"to": "now"}, "to: must be a whole number"),
    ({"from_": 5, "to": 5}, "from: must be before to; both are milliseconds since 1970"),
    ({"from_": NOW_MS, "to": NOW_MS - 1}, "from: must be before to"),
    ({"from_": NOW_MS + 1}, "from: must be before to"),
    ({"from_": 5, "last": 5}, "last: can't be combined with from; leave one of them out"),
]
OF_THE_LIST: list[tuple[dict[str, Any], str]] = [
    ({"limit": 0}, "limit: must be a whole number from 1 to 500"),
    ({"limit": 501}, "limit: must be a whole number from 1 to 500"),
    ({"limit": "all"}, "limit: must be a whole number from 1 to 500"),
    ({"before": "x"}, "before: must be the `next` of the previous page"),
    ({"before": "-1"}, "before: must be the `next` of the previous page"),
    ({"before": 2**63}, "before: must be the `next` of the previous page"),
    ({"before": "9" * 20}, "before: must be the `next` of the previous page"),
    ({"step": 5}, "step: is unknown"),
]
OF_CHARTS: list[tuple[dict[str, Any], str]] = [
    ({"step": 0}, "step: must be a whole number from 1 to 86400"),
    ({"step": 86_401}, "step: must be a whole number from 1 to 86400"),
    ({"step": "1m"}, "step: must be a whole number from 1 to 86400"),
    ({"limit": 5}, "limit: is unknown"),
]


@pytest.mark.parametrize(("given", "detail"), BAD + OF_THE_LIST)
def test_of_the_list(page: Page, given: dict[str, Any], detail: str) -> None:
    problem = page.problem("traces", **given)
    assert (problem["status"], problem["type"]) == (422, "urn:vitrine:problem:invalid-input")
    assert problem["detail"].startswith(detail)


@pytest.mark.parametrize(("given", "detail"), BAD + OF_CHARTS)
def test_of_charts(page: Page, given: dict[str, Any], detail: str) -> None:
    problem = page.problem("charts", **given)
    assert problem["status"] == 422
    assert problem["detail"].startswith(detail)


@cases("path", ["facets", "facets/values", "logs", "reports", "status", f"traces/{'0' * 32}"])
def test_what_is_not_known_is_refused_everywhere(page: Page, path: str) -> None:
    problem = page.problem(path, servce="x")
    assert problem["status"] == 422
    assert problem["detail"].startswith("servce: is unknown")


def test_the_detail_says_what_there_is(page: Page) -> None:
    assert page.problem("status", x=1)["detail"] == "x: is unknown; there are none"
    assert page.problem("facets", x=1)["detail"] == ("x: is unknown; use from, to, last")


@pytest.mark.parametrize("given", [{"last": 31_622_400}, {"from_": 0}, {"to": 5, "last": 3600}])
def test_what_is_not_kept_any_more_is_not_there(page: Page, given: dict[str, int]) -> None:
    assert page.get("traces", **given)["traces"] == []
    assert page.get("logs", **given)["logs"] == []
    chart = page.get("charts", step=86_400, **given)
    assert set(chart["rate"]) <= {0}
