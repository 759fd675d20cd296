"""What broke, as JSON: parameters `last` and `baseline` in seconds, `to` and `service`."""

from typing import Any

from observatory.diagnose.diagnosis import diagnose
from observatory.diagnose.report import as_json
from observatory.diagnose.windows import Windows
from observatory.ui.compare_view import query_of
from observatory.ui.parameters import MAX_RANGE_SECONDS, SECOND, Parameters
from observatory.ui.queries import Queries

DEFAULT_BASELINE_SECONDS = 3600
KNOWN = ("last", "from", "to", "baseline", "service")


def diagnosis(queries: Queries, given: Parameters) -> dict[str, Any]:
    """The suspects of the window, compared with the time before it.

    Raises:
        Problem: 422, an invalid parameter; 413, too much to read.

    """
    window = given.range(queries.clock(), queries.kept)
    baseline = given.whole("baseline", 10, MAX_RANGE_SECONDS) or DEFAULT_BASELINE_SECONDS
    base = max(0, window.start - baseline * SECOND)
    service = given.text("service") or ""
    return as_json(diagnose(Windows(query_of(queries), base, window.start, window.end, service)))
