"""`python -m observatory diagnose`: a diagnosis as text or JSON on standard output."""

import json
import time

import httpx

from observatory.compare.remote import SECONDS, RemoteError, remote_query
from observatory.console import fail
from observatory.diagnose.diagnosis import diagnose
from observatory.diagnose.report import as_json, as_text
from observatory.diagnose.windows import Windows
from observatory.durations import seconds_of
from observatory.settings import ObservatorySettings


def nanoseconds(text: str) -> int:
    """A duration such as 90s, 10m or 2h in nanoseconds. Raises ValueError."""
    seconds = seconds_of(text)
    if not seconds:
        raise ValueError(f"{text!r} is not a duration: write 90s, 10m or 2h")
    return seconds * 10**9


def print_diagnosis(  # noqa: PLR0913, PLR0917  each is an option of the command
    settings: ObservatorySettings,
    since: str,
    baseline: str,
    until: str,
    service: str,
    clickhouse: str,
    is_json: bool,
) -> None:
    """Diagnose over ClickHouse's HTTP interface; exits with a message if that is not possible."""
    url = clickhouse or f"http://{settings.host}:{settings.clickhouse_port}"
    page = f"http://{settings.host}:{settings.page_port}"
    try:
        end = time.time_ns() - (nanoseconds(until) if until else 0)
        start = end - nanoseconds(since)
        base = start - nanoseconds(baseline)
        with httpx.Client(base_url=url, timeout=SECONDS, trust_env=False) as client:
            result = diagnose(Windows(remote_query(client), base, start, end, service))
    except (ValueError, RemoteError) as error:
        raise fail(f"{error}.") from error
    text = json.dumps(as_json(result, page), indent=2) + "\n" if is_json else as_text(result, page)
    print(text, end="")  # noqa: T201
