"""A real HTTP server in the place of the service's API of model versions.

with RegistryService() as service:
    … ObservatorySettings(service=service.address) …
    assert service.calls[-1].path == "/models/2-0a1b2c3d/promote"
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

TOKEN = "a-token-for-the-tests"
OLD, NEW, REFUSED = "1-23b42883", "2-c38c1d68", "3-00c0ffee"


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    content: Any


def card(ndcg: float, *reasons: str) -> dict[str, Any]:
    """The parts of a model card that the page shows."""
    rate = {"mean": ndcg, "low": ndcg - 0.02, "high": ndcg + 0.02}
    return {
        "champion": "fusion",
        "data": {"tune_queries": 174, "test_queries": 174, "name": "the judged queries"},
        "gate": {"passed": not reasons, "reasons": list(reasons)},
        "metrics": {
            "ranked": {"candidate": {"ndcg": rate, "recall": 0.9, "cpu_p95": 0.002}},
            "comparisons": {"fusion": {"difference": rate, "p": 0.04}},
            "calibration": {"candidate": {"brier": 0.1}},
            "slices": [{"dimension": "kind", "name": "typo", "queries": 9, "ndcg": ndcg}],
        },
        "limits": ["Stop words are English."],
    }


def listed() -> dict[str, Any]:
    """What GET /models answers."""
    cards = {OLD: card(0.78), NEW: card(0.8), REFUSED: card(0.7, "nDCG@10 is 0.08 lower")}
    versions: list[dict[str, Any]] = [
        {"id": "fusion", "role": "previous", "damaged": None, "card": {}}
    ]
    roles = {OLD: "champion", NEW: "challenger"}
    for name, content in cards.items():
        versions.append({"id": name, "role": roles.get(name), "damaged": None, "card": content})
    return {
        "serving": {"name": "pairwise", "version": OLD}, "champion": OLD, "challenger": NEW,
        "previous": ["fusion"], "split": 0.1, "refused": {}, "versions": versions, "changes": [],
    }  # fmt: skip


class RegistryService:
    """Lists versions; changes need TOKEN. `answer` (status, headers, body) replaces all others."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answer: tuple[int, Mapping[str, str], bytes] | None = None

    def __enter__(self) -> Self:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._reply()

            def do_POST(self) -> None:
                self._reply()

            def _reply(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                content = json.loads(self.rfile.read(length) or b"null")
                call = Call(self.command, self.path, dict(self.headers.items()), content)
                outer.calls.append(call)
                status, headers, body = outer.answer or outer.reply(call)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def reply(self, call: Call) -> tuple[int, Mapping[str, str], bytes]:
        """As the service does."""
        json_ = {"Content-Type": "application/json"}
        if call.method == "GET":
            return 200, json_, json.dumps(listed()).encode()
        if call.headers.get("Authorization") != f"Bearer {TOKEN}":
            problem = {"type": "urn:vitrine:problem:unauthorized", "title": "Unauthorized",
                       "status": 401, "detail": "Send the token from VITRINE_TOKEN."}  # fmt: skip
            return 401, json_, json.dumps(problem).encode()
        version = "fusion" if call.path.endswith("rollback") else call.path.split("/")[2]
        return 200, json_, json.dumps({"version": version}).encode()
