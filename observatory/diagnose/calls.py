"""Evidence about calls of dependencies, and about the database's refusals."""

from collections import Counter
from collections.abc import Iterator

from observatory.diagnose.requests import differs, probability
from observatory.diagnose.suspect import Evidence, Suspect
from observatory.diagnose.windows import Row, Rows, Windows

_CALLS = """
SELECT
    {now} AS now,
    attributes['server.address'] AS address,
    attributes['http.response.status_code'] AS code,
    attributes['error.type'] AS error,
    attributes['vitrine.error.code'] AS errno,
    attributes['vitrine.call.phase'] AS phase,
    count() AS n,
    avg(duration_seconds) AS mean,
    avg(log(duration_seconds + 1e-4)) AS mean_log,
    varPop(log(duration_seconds + 1e-4)) AS variance_log,
    groupUniqArray(3)(trace_id) AS traces
FROM vitrine.spans
WHERE {both} AND kind = 'client' AND attributes['http.request.method'] != ''
GROUP BY now, address, code, error, errno, phase
"""
_REFUSALS = """
SELECT
    {now} AS now,
    name,
    attributes['error.type'] AS error,
    attributes['vitrine.error.cause'] AS cause,
    attributes['vitrine.error.code'] AS code,
    any(attributes['db.query.text']) AS statement,
    uniq(trace_id) AS n,
    groupUniqArray(3)(trace_id) AS traces
FROM vitrine.spans
WHERE {both} AND attributes['error.type'] != ''
GROUP BY now, name, error, cause, code
"""
_REQUESTS = """
SELECT {now} AS now, count() AS n
FROM vitrine.spans WHERE {both} AND kind = 'server' GROUP BY now
"""
DESCRIPTORS = ("EMFILE", "ENFILE")
UNHEARD_OF = ("model_failing", "storage_failing", "resource_exhausted")
"""Causes of which no healthy service has a single failure; a few new ones count."""
NEW_LEVEL, RISEN_LEVEL = 0.02, 1e-3
"""Levels of their test, if there was none before, and if there were some."""
_PARSING = ("SearchMalformed", "ValidationError", "JSONDecodeError")
BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
_CONNECTION = (
    "ConnectError",
    "ReadError",
    "RemoteProtocolError",
    "WriteError",
    "SearchUnreachable",
)


def reason(row: Row) -> str:
    """Why a call failed: a status, timeout, connection, the error's name; empty if it did not."""
    if row["code"] >= "400":
        return str(row["code"])
    if not row["error"]:
        return ""
    error = str(row["error"]).rpartition(".")[2]
    if "Timeout" in error:
        return "connection timeout" if row["phase"] in ("connect", "tls") else "timeout"
    if error not in _CONNECTION:
        return error
    return "unresolved name" if str(row["errno"]).startswith("EAI_") else "connection"


def calls(windows: Windows) -> Iterator[Suspect]:
    """Dependencies whose calls fail more often, or take longer, than before."""
    rows = windows.rows(_CALLS)
    for address in sorted({row["address"] for row in rows}):
        sides = [[r for r in rows if r["address"] == address and r["now"] == w] for w in (0, 1)]
        failing = False
        for kind in sorted({reason(row) for row in sides[1]} - {""}):
            chosen = [row for row in sides[1] if reason(row) == kind]
            a, first = _count(chosen), _count(sides[1])
            b, second = _count([r for r in sides[0] if reason(r) == kind]), _count(sides[0])
            if not _more(a, first, b, second):
                continue
            failing = True
            numbers = Counter({r["errno"]: r["n"] for r in chosen if r["errno"]})
            errno = f" ({numbers.most_common(1)[0][0]})" if numbers else ""
            figures = Evidence(f"of the calls to {address} fail: {kind}{errno}",
                               b / max(1, second), a / first)  # fmt: skip
            traces = chosen[0]["traces"]
            test = f"http.response.status_code={kind}" if kind.isdigit() else ""
            test = test or f"error.type={chosen[0]['error']}"
            if any(code in numbers for code in DESCRIPTORS):
                yield Suspect("resource_exhausted", "file descriptors", a / first, (figures,),
                              "vitrine.error.code=EMFILE", traces=traces)  # fmt: skip
            else:
                yield Suspect("dependency_failing", f"{kind} from {address}", a / first,
                              (figures,), test, traces=traces)  # fmt: skip
        if not failing:
            yield from _slower(address, *sides)


def _slower(address: str, before: Rows, now: Rows) -> Iterator[Suspect]:
    good = [[row for row in side if not reason(row)] for side in (before, now)]
    sizes = [_count(side) for side in good]
    if min(sizes) < 8:
        return
    logs = [
        sum(r["mean_log"] * r["n"] for r in side) / n for side, n in zip(good, sizes, strict=True)
    ]
    spread = sum(
        sum((r["variance_log"] + (r["mean_log"] - mean) ** 2) * r["n"] for r in side) / n / n
        for side, n, mean in zip(good, sizes, logs, strict=True)
    )
    means = [sum(r["mean"] * r["n"] for r in side) / n for side, n in zip(good, sizes, strict=True)]
    grown = logs[1] - logs[0]
    if grown > 1 and grown > 6 * spread**0.5 and means[1] - means[0] > 0.1:
        figures = Evidence(f"seconds is the mean of calls to {address}", means[0], means[1])
        yield Suspect("dependency_slow", address, min(1.0, 1 - means[0] / means[1]), (figures,),
                      f"server.address={address}", traces=good[1][0]["traces"])  # fmt: skip


def refusals(windows: Windows) -> Iterator[Suspect]:
    """What the stages and statements fail with, where the error names a cause."""
    totals = {row["now"]: row["n"] for row in windows.rows(_REQUESTS)}
    first, second = totals.get(1, 0), totals.get(0, 0)
    rows = windows.rows(_REFUSALS)
    seen: set[tuple[str, str]] = set()
    for row in sorted((r for r in rows if r["now"]), key=lambda r: -r["n"]):
        error = (row["cause"] or row["error"]).rpartition(".")[2]
        chosen = _classified(row["name"], error, row["error"].rpartition(".")[2], row["code"])
        if chosen is None or chosen in seen:
            continue
        b = sum(r["n"] for r in rows if not r["now"] and r["code"] == row["code"]
                and r["error"] == row["error"] and r["name"] == row["name"])  # fmt: skip
        numbers = row["n"], max(first, row["n"]), b, max(second, b)
        if not _more(*numbers) and not (chosen[0] in UNHEARD_OF and _new(*numbers)):
            continue
        seen.add(chosen)
        what = row["code"] or error
        where = f" in “{row['name']}”" + (f": {row['statement'][:80]}" if row["statement"] else "")
        figures = Evidence(f"of the requests meet {what}{where}", b / max(1, second),
                           min(1.0, row["n"] / max(1, first)))  # fmt: skip
        cause, subject = chosen
        test = f"vitrine.error.code={row['code']}" if row["code"] else f"error.type={row['error']}"
        yield Suspect(cause, subject, min(1.0, row["n"] / max(1, first)), (figures,), test,
                      traces=row["traces"])  # fmt: skip


def _classified(  # noqa: PLR0911  a table of cases
    stage: str, error: str, own: str, code: str
) -> tuple[str, str] | None:
    if code in DESCRIPTORS:
        return "resource_exhausted", "file descriptors"
    if code in BUSY:
        return "lock_wait", "database"
    if code.startswith("SQLITE_"):
        return "storage_failing", code
    if "FoundNothing" in (error, own):
        return "dependency_empty", "the topic search"
    if own == "SearchMalformed" or error in _PARSING:
        return "dependency_failing", "malformed answers of the topic search"
    for status in (error, own):
        if stage == "fetch topic signal" and status.isdigit():
            return "dependency_failing", f"{status} from the topic search"
    return ("model_failing", error) if stage == "score candidates" else None


def _more(a: int, first: int, b: int, second: int) -> bool:
    """As `differs`; a few failures are enough where there were none of some calls before."""
    if second < 8:
        return False
    if first < 10:  # an open circuit lets few calls through
        return a >= 3 and a / first >= 0.5 and b / second < 0.1
    return differs(a, first, b, second, 0.03)


def _new(a: int, first: int, b: int, second: int) -> bool:
    """Whether a few failures are new: there were none, or hardly any, in many requests before."""
    if second < 50 or a < 4 or a / first < max(0.01, 4 * b / second):
        return False
    return probability(a, first, b, second) < (RISEN_LEVEL if b else NEW_LEVEL)


def _count(rows: Rows) -> int:
    return sum(row["n"] for row in rows)
