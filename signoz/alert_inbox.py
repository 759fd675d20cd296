"""Receives alerts from SigNoz or Alertmanager, logs each as a line, and shows the latest on a page.

python -m signoz.alert_inbox

The default receiver of the stack, so that an alert is seen before anyone has set up a chat or a
pager. It is a separate process, because the service cannot receive the alert that it is down. It
keeps the last 200 alerts, in memory; `SIGNOZ_WEBHOOK_URL` sends them elsewhere.

    POST /   Alertmanager's webhook, version 4, as JSON
    GET  /   the page

Environment: ALERTS_HOST (127.0.0.1), ALERTS_PORT (8090).
Format: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

import json
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEPT = 200
"""Alerts that the page shows; older ones are in the log."""
LARGEST = 1 << 20
"""Bytes of a request's body."""
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Alerts</title>
<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="10">
<style>
:root {{ color-scheme: light dark }}
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto;
  padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0;
  border-top: 1px solid #8884 }}
td + td {{ overflow-wrap: anywhere }}
.firing {{ color: light-dark(#b00020, #ff6b6b) }}
.resolved {{ color: light-dark(#067647, #4ade80) }}
time, small {{ opacity: .75 }}
</style>
<h1>Alerts</h1><p>{state}</p>
<table><thead><tr><th>Received<th>Alert</thead><tbody>{rows}</tbody></table>
"""
ROW = """<tr><td><time>{at:%Y-%m-%d %H:%M:%S} UTC</time>
<td><span class="{status}">{status}</span> {severity} <strong>{name}</strong>
<br>{summary}<br><small>{links}</small>
"""


class Malformed(ValueError):
    """The body is not an Alertmanager webhook; the message says why."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of a notification."""

    at: datetime
    status: str
    name: str
    severity: str
    summary: str
    fingerprint: str
    links: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"{self.at.isoformat(timespec='seconds')} {self.status} {self.severity} " + (
            " ".join(f"{self.name}: {self.summary}".split())
        )


class Inbox:
    """The latest alerts. Safe to use from several threads."""

    def __init__(self) -> None:
        self._alerts: deque[Alert] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def receive(self, body: bytes, at: datetime) -> list[Alert]:
        """Keep the alerts of a notification. Raises Malformed."""
        found = list(_parsed(body, at))
        with self._lock:
            self._alerts.extend(found)
        return found

    def page(self) -> str:
        """HTML, the newest first."""
        with self._lock:
            alerts = list(self._alerts)
        latest = {each.fingerprint: each for each in alerts}
        firing = sum(each.status == "firing" for each in latest.values())
        state = f"{firing} firing now." if alerts else "None received since the start."
        return PAGE.format(state=state, rows="".join(_row(each) for each in reversed(alerts)))


def _parsed(body: bytes, at: datetime) -> Iterator[Alert]:
    try:
        for each in json.loads(body)["alerts"]:
            labels, about = each["labels"], each["annotations"]
            links = ("dashboard", about.get("dashboard")), ("runbook", about.get("runbook_url"))
            named = ("rule", each.get("generatorURL")), *links
            yield Alert(
                at,
                "resolved" if each["status"] == "resolved" else "firing",
                str(labels["alertname"]),
                str(labels.get("severity", "")),
                str(about.get("summary", "")),
                str(each.get("fingerprint") or sorted(labels.items())),
                tuple((name, str(url)) for name, url in named if url),
            )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Malformed(f"Not an Alertmanager webhook in JSON: {error!r}.") from error


def _row(alert: Alert) -> str:
    links = " · ".join(
        f'<a href="{escape(url)}">{name}</a>'
        for name, url in alert.links
        if url.startswith(("http://", "https://"))
    )
    texts = {name: escape(getattr(alert, name)) for name in ("severity", "name", "summary")}
    return ROW.format(at=alert.at, status=alert.status, links=links, **texts)


class Handler(BaseHTTPRequestHandler):
    """One request; `inbox` is set on a subclass."""

    inbox: Inbox
    timeout = 10  # seconds without a byte

    def do_GET(self) -> None:
        """The page."""
        if self.path != "/":
            self._answer(HTTPStatus.NOT_FOUND, "The only page is /.\n")
        else:
            self._answer(HTTPStatus.OK, self.inbox.page(), "text/html; charset=utf-8")

    def do_POST(self) -> None:
        """A notification. Only JSON: browsers refuse to send it cross-site without CORS."""
        if self.headers.get_content_type() != "application/json":
            self._answer(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send application/json.\n")
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST:
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if length else HTTPStatus.LENGTH_REQUIRED
            self._answer(status, f"Content-Length must be at most {LARGEST}.\n")
            return
        try:
            received = self.inbox.receive(self.rfile.read(int(length)), datetime.now(UTC))
        except Malformed as error:
            self._answer(HTTPStatus.BAD_REQUEST, f"{error}\n")
            return
        for each in received:
            print(each, flush=True)
        self._answer(HTTPStatus.OK, "")

    def _answer(self, status: HTTPStatus, text: str, kind: str = "text/plain") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log no requests: the log contains only alerts."""


def server(host: str, port: int) -> ThreadingHTTPServer:
    """A server with an empty inbox."""
    return ThreadingHTTPServer((host, port), type("Handler", (Handler,), {"inbox": Inbox()}))


def main() -> int:
    """Serve until SIGTERM or Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    host, port = os.environ.get("ALERTS_HOST", "127.0.0.1"), os.environ.get("ALERTS_PORT", "8090")
    if not (port.isascii() and port.isdigit()):
        print(f"ALERTS_PORT is {port!r}; it must be a number.", file=sys.stderr)
        return 2
    with server(host, int(port)) as serving:
        print(f"Alerts are shown on http://{host}:{port}/", flush=True)
        try:
            serving.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
