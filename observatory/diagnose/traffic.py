"""Evidence about who sends how much."""

from collections.abc import Iterator

from observatory.diagnose.suspect import MIN_REQUESTS, Evidence, Suspect
from observatory.diagnose.windows import Windows

_CLIENTS = """
SELECT
    attributes['vitrine.client.hash'] AS client,
    countIf(NOT {now}) AS before,
    countIf({now}) AS now,
    groupUniqArrayIf(3)(trace_id, {now}) AS traces,
    sum(before) OVER () AS all_before,
    sum(now) OVER () AS all_now
FROM vitrine.logs
WHERE {both} AND event IN ('recommendation.served', 'request.answered')
GROUP BY client
ORDER BY client = '', now DESC
LIMIT 1
"""


def traffic(windows: Windows) -> Iterator[Suspect]:
    """The rate of requests, and a client that sends far more than its part."""
    baseline, current = windows.seconds
    for row in windows.rows(_CLIENTS):
        before, now = row["all_before"] / baseline, row["all_now"] / current
        rates = Evidence("requests a second", before, now)
        if row["all_before"] < MIN_REQUESTS:
            return
        share, usual = row["now"] / max(1, row["all_now"]), row["before"] / row["all_before"]
        if row["client"] and row["now"] > MIN_REQUESTS and share > 0.35 and share > 3 * usual:
            yield Suspect(
                "hot_client", row["client"], share,
                (Evidence("of the requests come from this client", usual, share), rates),
                f"vitrine.client.hash={row['client']}", traces=row["traces"],
            )  # fmt: skip
        deviation = abs(row["all_now"] - before * current) / (before * current) ** 0.5
        if now > 1.7 * before and deviation > 6:
            yield Suspect("traffic_grew", f"{now / before:.1f} times as many",
                          1 - before / now, (rates,))  # fmt: skip
        if now < 0.5 * before and deviation > 6:
            yield Suspect("traffic_fell", f"{now / before:.0%} of the usual number",
                          1 - now / before, (rates,))  # fmt: skip
