"""Evidence from the wide events: what share of the requests has something, before and now."""

from collections.abc import Iterator
from dataclasses import dataclass

from observatory.compare.significance import p_values
from observatory.diagnose.suspect import MIN_REQUESTS, Evidence, Suspect
from observatory.diagnose.windows import Row, Windows, pairs

LEVEL = 1e-5
"""Of each test, so that about a hundred tests and requests that arrive in clusters raise false
alarms in few of a hundred windows."""
CACHE_LEVEL = 1e-4
"""Of the test of repeated queries: there are few of them."""
_REQUEST = "event IN ('recommendation.served', 'request.answered')"
_SERVED = "event = 'recommendation.served'"
_STATUS = "toUInt16OrZero(a['http.response.status_code'])"


@dataclass(frozen=True, slots=True)
class Share:
    """A share of requests: `condition` among those with `of`, both SQL over attributes `a`."""

    cause: str
    text: str
    condition: str
    of: str = _REQUEST
    least: float = 0.1
    """The smallest difference of shares that counts."""
    subject: str = ""
    attribute: str = ""


SHARES = (
    Share("errors", "of the requests fail with 5xx", f"{_STATUS} >= 500", least=0.03, subject="5xx",
          attribute="http.response.status_code=500"),
    Share("rejected", "of the requests are refused with 429", f"{_STATUS} = 429", least=0.03,
          subject="429", attribute="http.response.status_code=429"),
    Share("client_errors", "of the requests are refused with 4xx",
          f"{_STATUS} BETWEEN 400 AND 428 OR {_STATUS} BETWEEN 430 AND 499", subject="4xx",
          attribute="http.response.status_code~4"),
    Share("degraded", "of the answers lack the topic signal",
          "position(a['vitrine.ranking.missing'], 'topic_signal') > 0", _SERVED, 0.08,
          subject="topic_signal", attribute="vitrine.ranking.degraded=true"),
    Share("model_failing", "of the answers lack the ranking model",
          "position(a['vitrine.ranking.missing'], 'ranking_model') > 0", _SERVED, 0.03,
          subject="fusion ranks instead", attribute="vitrine.ranking.missing~ranking_model"),
    Share("answers_empty", "of the answers are empty", "a['vitrine.result.count'] = '0'",
          f"{_SERVED} AND a['vitrine.result.count'] != ''", 0.05,
          attribute="vitrine.result.count=0"),
    Share("query_length", "of the queries are longer than 200 characters",
          "a['vitrine.query.length_bucket'] IN ('201-500', '501+')",
          f"{_SERVED} AND a['vitrine.query.length_bucket'] != ''", 0.15,
          attribute="vitrine.query.length_bucket=201-500"),
    Share("vocabulary_drift", "of the queries consist mostly of unknown words",
          "toFloat64OrZero(a['vitrine.query.oov_ratio']) > 0.6",
          f"{_SERVED} AND a['vitrine.query.oov_ratio'] != ''", 0.15,
          attribute="vitrine.query.oov_ratio=1.0"),
    Share("relevance_changed", "of the queries are not answered well enough",
          "a['vitrine.relevance.answered'] = 'false'",
          f"{_SERVED} AND a['vitrine.relevance.answered'] != ''", 0.15,
          attribute="vitrine.relevance.answered=false"),
    Share("dependency_empty", "of the successful searches find no pages",
          "a['vitrine.topic_signal.outcome'] = 'miss' OR a['error.type'] = 'FoundNothing'",
          f"{_SERVED} AND (a['vitrine.topic_signal.outcome'] IN ('hit', 'miss') "
          "OR a['error.type'] = 'FoundNothing')", 0.3,
          subject="the topic search", attribute="vitrine.topic_signal.outcome=miss"),
    Share("slow", "of the requests take longer than usual",
          "toFloat64OrZero(a['vitrine.request.duration']) > slow_from", _REQUEST, 0.25),
)  # fmt: skip
LEGS = ("lexical", "dense", "latent")

_COLUMNS = ", ".join(
    f"countIf(({share.of}) AND ({share.condition})) AS having_{number}, "
    f"countIf({share.of}) AS of_{number}, "
    f"groupUniqArrayIf(3)(trace_id, ({share.of}) AND ({share.condition}))"
    f" AS traces_{number}, "
    f"toUnixTimestamp64Nano(minIf(time, ({share.of}) AND ({share.condition}))) AS first_{number}"
    for number, share in enumerate(SHARES)
)
_SHARES = f"""
WITH (
    SELECT quantile(0.95)(toFloat64OrZero(attributes['vitrine.request.duration']))
    FROM vitrine.logs
    WHERE {{both}} AND NOT {{now}} AND {_REQUEST}
) AS slow_from
SELECT {{now}} AS now, {_COLUMNS}
FROM (
    SELECT time, event, trace_id, attributes AS a FROM vitrine.logs WHERE {{both}} AND {_REQUEST}
)
GROUP BY now
"""

_NUMBER = f"""
SELECT {{now}} AS now, count() AS n FROM vitrine.logs WHERE {{both}} AND {_REQUEST} GROUP BY now
"""
_CONTRIBUTION = "toFloat64OrZero(a['vitrine.contribution.{leg}'])"
_TOTAL = f"({' + '.join(_CONTRIBUTION.format(leg=leg) for leg in LEGS)})"
_LEVELS = ", ".join(
    f"avg({_CONTRIBUTION.format(leg=leg)} / {_TOTAL}) AS mean_{leg}, "
    f"varSamp({_CONTRIBUTION.format(leg=leg)} / {_TOTAL}) AS variance_{leg}"
    for leg in LEGS
)
_CONTRIBUTIONS = f"""
SELECT {{now}} AS now, count() AS n, {_LEVELS},
    avg(toFloat64OrZero(a['vitrine.score.top'])) AS mean_score,
    varSamp(toFloat64OrZero(a['vitrine.score.top'])) AS variance_score,
    groupUniqArray(3)(trace_id) AS traces
FROM (
    -- One answer for each query: repeated queries are not independent samples.
    SELECT time, trace_id, attributes AS a FROM vitrine.logs
    WHERE {{both}} AND {_SERVED} AND attributes['vitrine.ranking.degraded'] != 'true'
    LIMIT 1 BY {{now}}, attributes['vitrine.input.hash']
)
WHERE {_TOTAL} > 0
GROUP BY now
"""
# A query that was sent before in the same window could be answered from the cache, unless the
# catalogue has changed since.
_REPEATED = f"""
SELECT now, count() AS n, countIf(outcome = 'miss') AS misses,
    groupUniqArrayIf(3)(trace_id, outcome = 'miss') AS traces
FROM (
    SELECT 1 AS one, {{now}} AS now, time, trace_id,
        attributes['vitrine.cache.outcome'] AS outcome,
        row_number() OVER same AS number, lagInFrame(time) OVER same AS previous
    FROM vitrine.logs
    WHERE {{both}} AND {_SERVED} AND attributes['vitrine.input.hash'] != ''
        AND attributes['vitrine.cache.outcome'] IN ('hit', 'miss')
    WINDOW same AS (PARTITION BY now, attributes['vitrine.input.hash'] ORDER BY time)
) AS sent
ASOF LEFT JOIN (
    SELECT 1 AS one, time AS changed FROM vitrine.spans WHERE {{both}} AND name = 'refresh index'
) AS refreshed ON sent.one = refreshed.one AND sent.time >= refreshed.changed
WHERE number > 1 AND previous > changed
GROUP BY now
"""
# Queries that were computed in both windows: their words were known before, and are not now.
_LOST_WORDS = f"""
SELECT count() AS queries, countIf(after > before + 0.15) AS lost,
    groupUniqArrayIf(3)(trace, after > before + 0.15) AS traces
FROM (
    SELECT
        attributes['vitrine.input.hash'] AS query,
        avgIf(toFloat64OrZero(attributes['vitrine.query.oov_ratio']), NOT {{now}}) AS before,
        avgIf(toFloat64OrZero(attributes['vitrine.query.oov_ratio']), {{now}}) AS after,
        anyIf(trace_id, {{now}}) AS trace
    FROM vitrine.logs
    WHERE {{both}} AND {_SERVED} AND attributes['vitrine.query.oov_ratio'] != '' AND query != ''
        AND attributes['vitrine.cache.outcome'] != 'hit'
    GROUP BY query
    HAVING countIf({{now}}) > 0 AND countIf(NOT {{now}}) > 0
)
"""


def requests(windows: Windows) -> tuple[int, int]:
    """Their number in the baseline and in the window."""
    found = pairs(windows.rows(_NUMBER))
    before, now = found.get((), ({}, {}))
    return before.get("n", 0), now.get("n", 0)


def shares(windows: Windows) -> Iterator[Suspect]:
    """Shares of requests that changed: symptoms, and causes that are visible in requests."""
    for before, now in pairs(windows.rows(_SHARES)).values():
        for number, share in enumerate(SHARES):
            a, first = now.get(f"having_{number}", 0), now.get(f"of_{number}", 0)
            b, second = before.get(f"having_{number}", 0), before.get(f"of_{number}", 0)
            if differs(a, first, b, second, share.least):
                yield Suspect(
                    share.cause, share.subject, a / first,
                    (Evidence(share.text, b / second, a / first),),
                    share.attribute, traces=now[f"traces_{number}"],
                    first_bad=now[f"first_{number}"],
                )  # fmt: skip


def contributions(windows: Windows) -> Iterator[Suspect]:
    """Legs of retrieval that contribute another part of the first result's score than before."""
    for before, now in pairs(windows.rows(_CONTRIBUTIONS)).values():
        if min(before.get("n", 0), now.get("n", 0)) < MIN_REQUESTS:
            return
        found = [(_shift(before, now, leg), leg) for leg in LEGS]
        (shift, z), leg = max(found, key=lambda each: abs(each[0][0]))
        fallen = [(change, each) for (change, sure), each in found if change < -0.1 and sure > 5]
        if fallen:  # the leg that lost explains those that gained
            shift, leg = min(fallen)
            z = 99
        if abs(shift) > 0.1 and z > 5:
            figures = Evidence(
                f"of the first result's score comes from “{leg}”",
                before[f"mean_{leg}"], now[f"mean_{leg}"],
            )  # fmt: skip
            yield Suspect("leg_changed", leg, min(1, abs(shift) * 3), (figures,),
                          f"vitrine.contribution.{leg}", traces=now["traces"])  # fmt: skip
        shift, z = _shift(before, now, "score")
        if abs(shift) > 0.1 and z > 5:
            figures = Evidence(
                "is the mean score of first results", before["mean_score"], now["mean_score"]
            )
            yield Suspect("score_changed", "", min(1, abs(shift) * 2), (figures,),
                          "vitrine.score.top", traces=now["traces"])  # fmt: skip


def repeated(windows: Windows) -> Iterator[Suspect]:
    """Queries that are sent again, and are not answered from the cache any more."""
    for before, now in pairs(windows.rows(_REPEATED)).values():
        a, first = now.get("misses", 0), now.get("n", 0)
        b, second = before.get("misses", 0), before.get("n", 0)
        if differs(a, first, b, second, 0.15, CACHE_LEVEL):
            yield Suspect("cache_ineffective", "", a / first,
                          (Evidence("of the repeated queries are not answered from the cache",
                                    b / second, a / first),),
                          "vitrine.cache.outcome=miss", traces=now["traces"])  # fmt: skip


def lost_words(windows: Windows) -> Iterator[Suspect]:
    """Words of the same queries that the index knew before: the index lost them, not the users."""
    for row in windows.rows(_LOST_WORDS):
        if row["lost"] >= 3 and row["lost"] > 0.2 * row["queries"]:
            share = row["lost"] / row["queries"]
            figures = Evidence("of the repeated queries lost known words", 0, share)
            yield Suspect("words_lost", "", share, (figures,), "vitrine.query.oov_ratio",
                          traces=row["traces"])  # fmt: skip


def differs(a: int, first: int, b: int, second: int, least: float, level: float = LEVEL) -> bool:
    """Whether `a` of `first` is more than `b` of `second`, by `least` and beyond chance."""
    if min(first, second) < MIN_REQUESTS / 2 or a / first - b / second < least:
        return False
    return probability(a, first, b, second) < level


def probability(a: int, first: int, b: int, second: int) -> float:
    """Fisher's exact p."""
    import numpy as np  # noqa: PLC0415

    return float(p_values(np.array([a]), np.array([b]), first, second)[0])


def _shift(before: Row, now: Row, name: str) -> tuple[float, float]:
    """The difference of means, and its z."""
    difference = float(now[f"mean_{name}"] - before[f"mean_{name}"])
    variance = now[f"variance_{name}"] / now["n"] + before[f"variance_{name}"] / before["n"]
    return difference, abs(difference) / float(max(variance, 1e-12)) ** 0.5
