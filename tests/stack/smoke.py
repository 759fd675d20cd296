"""Whether the running stack works: one question, and its trace, logs and metrics read back.

Over HTTP alone, from any Python: `make smoke`. APP_PORT, CLICKHOUSE_PORT and
CLICKHOUSE_REPORTS_PASSWORD come from the environment or .env; else they have the demo values of
docker-compose.yml.
"""

import base64
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TIMEOUT, PAUSE = 120, 1
QUESTION = {"query": "keep bread from going stale", "limit": 3}
SPANS = ("POST /recommend", "analyze query", "retrieve candidates", "score candidates")
ALWAYS = re.compile(r"^\| `([^`]+)` \|.*\| always \|$", re.MULTILINE)
METRICS = tuple(ALWAYS.findall((ROOT / "docs" / "telemetry.md").read_text("utf-8")))
"""Those that the reference lists as always present; a test compares them with the vocabulary."""
WANTED = {
    "spans": (
        SPANS,
        "SELECT DISTINCT name FROM vitrine.spans WHERE trace_id = '{trace}'",
    ),
    "log events": (
        ("recommendation.served",),
        "SELECT DISTINCT event FROM vitrine.logs WHERE trace_id = '{trace}'",
    ),
    "metrics": (
        METRICS,
        "SELECT DISTINCT name FROM vitrine.metrics WHERE time >= fromUnixTimestamp({moment})",
    ),
}


def setting(name: str, default: str) -> str:
    """A value from the environment, from .env, or what docker-compose.yml has without them."""
    file = ROOT / ".env"
    lines = file.read_text().splitlines() if file.exists() else []
    pairs = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return os.environ.get(name) or pairs.get(name) or default


def call(path: str, body: bytes | None = None) -> Any:
    """The JSON that the service answers with."""
    url = f"http://127.0.0.1:{setting('APP_PORT', '8000')}{path}"
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def ask() -> str:
    """Send a request to /recommend; its trace id."""
    found = call("/recommend", json.dumps(QUESTION).encode())
    print(f"answered with {len(found['results'])} documents, trace {found['trace_id']}")
    return str(found["trace_id"])


def query(sql: str, headers: dict[str, str]) -> set[str]:
    """The first column of a query's result."""
    url = f"http://127.0.0.1:{setting('CLICKHOUSE_PORT', '8123')}"
    request = urllib.request.Request(url, sql.encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return set(answer.read().decode().splitlines())


def credentials() -> dict[str, str]:
    """Headers that ClickHouse accepts. The observatory of `make run` wants none."""
    user = f"reports:{setting('CLICKHOUSE_REPORTS_PASSWORD', 'vitrine-demo-reports')}"
    signed = {"authorization": f"Basic {base64.b64encode(user.encode()).decode()}"}
    for headers in (signed, {}):
        try:
            query("SELECT 1", headers)
        except urllib.error.HTTPError as error:
            if error.code not in {401, 403}:
                raise
        else:
            return headers
    raise PermissionError("ClickHouse refuses CLICKHOUSE_REPORTS_PASSWORD for the user reports")


def read_back(trace: str, moment: int) -> dict[str, set[str]]:
    """Wait for everything; what is missing in the end."""
    headers, began = credentials(), time.monotonic()
    missing = {what: set(names) for what, (names, _) in WANTED.items()}
    if call("/readyz")["parts"]["topic_signal"] == "off":
        missing["metrics"] -= {each for each in METRICS if each.startswith("vitrine.topic_signal")}
    while missing and time.monotonic() - began < TIMEOUT:
        for what in list(missing):
            try:
                sql = WANTED[what][1].format(trace=trace, moment=moment)
                missing[what] -= query(sql, headers)
            except urllib.error.HTTPError as error:
                if error.code != 404:  # the tables are not there yet
                    print(f"ClickHouse: {error.read().decode().strip()[:200]}")
            if not missing[what]:
                print(f"{what}: all after {time.monotonic() - began:.0f} s")
                del missing[what]
        if missing:
            time.sleep(PAUSE)
    return missing


def main() -> int:
    """0 when everything arrived within two minutes."""
    moment = int(time.time())
    try:
        missing = read_back(ask(), moment)
    except OSError as error:
        print(f"{error}. Is it running? `docker compose up`, `make up` or `make run`")
        return 1
    for what, names in missing.items():
        print(f"{what}: missing after {TIMEOUT} s: {', '.join(sorted(names))}")
    return min(len(missing), 1)


if __name__ == "__main__":
    sys.exit(main())
