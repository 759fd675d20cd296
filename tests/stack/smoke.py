"""Whether the running stack works: one question, and its trace, logs and metrics read back.

Over HTTP alone, from any Python: `make smoke`. APP_PORT and CLICKHOUSE_PORT say where,
CLICKHOUSE_REPORTS_PASSWORD is that of the user who may read.
"""

import base64
import json
import os
import sys
import time
import urllib.error
import urllib.request

APP = f"http://127.0.0.1:{os.environ.get('APP_PORT', '8000')}"
CLICKHOUSE = f"http://127.0.0.1:{os.environ.get('CLICKHOUSE_PORT', '8123')}"
READER = f"reports:{os.environ.get('CLICKHOUSE_REPORTS_PASSWORD', '')}"
PATIENCE, PAUSE = 120, 1
QUESTION = {"query": "keep bread from going stale", "limit": 3}
SPANS = ("POST /recommend", "analyze query", "retrieve candidates", "score candidates")
WANTED = {
    "its trace": "SELECT count() FROM vitrine.spans WHERE trace_id = '{trace}' AND name IN {spans}",
    "its logs": "SELECT count() FROM vitrine.logs WHERE trace_id = '{trace}'",
    "its metrics": "SELECT count() FROM vitrine.metrics WHERE name LIKE 'vitrine.recommend%'"
    " AND time > fromUnixTimestamp({moment})",
}
AT_LEAST = {"its trace": len(SPANS), "its logs": 1, "its metrics": 1}


def asked() -> str:
    """Ask for a recommendation; the id of its trace."""
    request = urllib.request.Request(
        f"{APP}/recommend", json.dumps(QUESTION).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        found = json.load(answer)
    print(f"answered with {len(found['results'])} documents, trace {found['trace_id']}")
    return str(found["trace_id"])


def counted(sql: str) -> int:
    """What the reports' user is told; 0 where there is nothing to ask yet."""
    user = base64.b64encode(READER.encode()).decode()
    request = urllib.request.Request(CLICKHOUSE, sql.encode(), {"authorization": f"Basic {user}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.read())
    except urllib.error.HTTPError as error:
        print(f"ClickHouse: {error.read().decode().strip()[:200]}")
        return 0


def main() -> int:
    """0 when everything came within two minutes."""
    began, moment = time.monotonic(), int(time.time())
    try:
        trace = asked()
        missing = dict(WANTED)
        while missing and time.monotonic() - began < PATIENCE:
            for what, sql in list(missing.items()):
                found = counted(sql.format(trace=trace, spans=SPANS, moment=moment))
                if found >= AT_LEAST[what]:
                    print(f"{what}: {found} after {time.monotonic() - began:.0f} s")
                    del missing[what]
            if missing:
                time.sleep(PAUSE)
    except OSError as error:
        print(f"The stack does not answer: {error}. Is it up? `make up`")
        return 1
    for what in missing:
        print(f"{what}: nothing after {PATIENCE} s")
    return len(missing)


if __name__ == "__main__":
    sys.exit(main())
