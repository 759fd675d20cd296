"""A command that sends its telemetry as it ends, for tests of `python -m observatory beside`.

python -m tests.observatory.beside_command [STATUS]: a line of JSON has its environment,
another, after SIGINT or SIGTERM, what became of the span it sent.
"""

import json
import os
import signal
import sys
import urllib.request
from urllib.error import URLError

from tests.observatory.messages import request, span

KNOWN = ("OTEL_EXPORTER_OTLP_ENDPOINT", "VITRINE_TELEMETRY__TRACE_URL")
STOPPED = {signal.SIGINT, signal.SIGTERM}


def sent(name: str) -> int | None:
    """A span over HTTP; the answer's status, if there is one."""
    body = request("traces", [span(name)]).SerializeToString()
    asking = urllib.request.Request(
        f"{os.environ['OTEL_EXPORTER_OTLP_ENDPOINT']}/v1/traces",
        body,
        {"Content-Type": "application/x-protobuf"},
    )
    try:
        with urllib.request.urlopen(asking, timeout=30) as answer:
            return int(answer.status)
    except URLError:
        return None


def main() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPED)
    started = {name: os.environ.get(name) for name in KNOWN}
    print(json.dumps({"pid": os.getpid(), **started}), flush=True)  # noqa: T201
    number = signal.sigwait(STOPPED)
    output = {"signal": signal.Signals(number).name, "sent": sent("the last words")}
    print(json.dumps(output), flush=True)  # noqa: T201
    sys.exit(int(sys.argv[1]) if len(sys.argv) > 1 else 0)


if __name__ == "__main__":
    main()
