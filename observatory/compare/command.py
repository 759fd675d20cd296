"""`python -m observatory compare`: a comparison as text or JSON on standard output."""

import json
import time
from urllib.parse import parse_qsl

import httpx

from observatory.compare.comparison import compare
from observatory.compare.remote import SECONDS, RemoteError, remote_query
from observatory.compare.report import as_json, as_text
from observatory.console import fail
from observatory.settings import ObservatorySettings
from observatory.ui.compare_view import BASE, selections
from observatory.ui.responses import Problem


def print_comparison(
    settings: ObservatorySettings, requests: str, others: str, clickhouse: str, is_json: bool
) -> None:
    """Compare over ClickHouse's HTTP interface; exits with a message if that is not possible."""
    url = clickhouse or f"http://{settings.host}:{settings.clickhouse_port}"
    given = parse_qsl(requests.lstrip("?"), keep_blank_values=True)
    given += [
        (f"{BASE}{name}", value)
        for name, value in parse_qsl(others.lstrip("?"), keep_blank_values=True)
    ]
    kept = settings.retention_hours * 3600 * 10**9
    try:
        first, second = selections(given, time.time_ns(), kept)
        with httpx.Client(base_url=url, timeout=SECONDS, trust_env=False) as client:
            result = compare(remote_query(client), first, second)
    except (Problem, RemoteError) as error:
        raise fail(str(error)) from error
    text = json.dumps(as_json(result), indent=2) + "\n" if is_json else as_text(result)
    print(text, end="")  # noqa: T201
