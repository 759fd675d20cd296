"""A real HTTP server in the place of SigNoz, as strict as SigNoz v0.138.0 was seen to be.

with SigNoz() as signoz:
    … provision signoz.url as EMAIL with PASSWORD …
    assert signoz.names("rules") == […]
    assert signoz.writes == ["POST /api/v1/channels", …]
"""

import json
import re
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs
from uuid import uuid4

from tests.signoz.signoz_responses import DEMANDS, KEYS, PATHS, answered
from tests.signoz.signoz_validation import Body, Unfit

EMAIL, PASSWORD = "admin@example.com", "Only-4-the-tests"
LOOK_ROUND = 0.02
"""Seconds between looks at whether to stop listening."""
V1, V2 = "/api/v1/settings/ttl", "/api/v2/settings/ttl"
OBJECT = re.compile(r"(/api/v\d/(?:channels|rules|dashboards|saved_views))(?:/([^/]+))?")
Answer = tuple[int, Any]


class SigNoz:
    """One organisation with one user, who may do everything."""

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self.objects: dict[str, dict[str, Body]] = {path: {} for path in DEMANDS}
        self.ready, self.asked_whether_ready, self.logins = True, 0, 0
        self.token = ""
        self.token_lasts = 10**6
        """Requests for which a token is taken."""
        self.writes: list[str] = []
        self.retention = {"traces": 360, "metrics": 720, "logs": 360}
        """Hours; as SigNoz's migrations set them."""

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"signoz": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(LOOK_ROUND,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def names(self, kind: str) -> list[str]:
        """Of the objects of a kind (`saved_views`), in the order in which they were made."""
        path = PATHS[kind]
        return [each[KEYS.get(path, "name")] for each in self.objects[path].values()]

    def one(self, kind: str, name: str) -> Body:
        """An object, to look at or to change behind the provisioner's back."""
        key = KEYS.get(PATHS[kind], "name")
        [found] = [each for each in self.objects[PATHS[kind]].values() if each[key] == name]
        return found

    def put(self, kind: str, body: Body) -> None:
        """An object that the provisioner did not make."""
        self.objects[PATHS[kind]][str(uuid4())] = body

    def answer(self, method: str, path: str, body: Body, token: str) -> Answer:
        """The status, and the data or the message."""
        where, _, query = path.partition("?")
        if where in ("/api/v2/healthz", "/api/v2/sessions/context"):
            return self._before(where, query)
        if where == "/api/v2/sessions/email_password":
            return self._log_in(body)
        if not self._known(token):
            return 401, "unauthenticated"
        if where in (V1, V2):
            return self._retention(method, where, query, body)
        found = OBJECT.fullmatch(where)
        if not found or found[1] not in DEMANDS:
            return 404, "not found"
        return self._asked(method, found, body, query)

    def _before(self, where: str, query: str) -> Answer:
        if where == "/api/v2/healthz":
            self.asked_whether_ready += 1
            return (200 if self.ready else 503), {"healthy": self.ready}
        known = EMAIL in parse_qs(query).get("email", [])
        return 200, {"exists": known, "orgs": [{"id": "organisation"}]}

    def _asked(self, method: str, found: re.Match[str], body: Body, query: str) -> Answer:
        try:
            return self._about(method, found[1], found[2], body, query)
        except Unfit as error:
            return error.status, error.message
        except (KeyError, TypeError, AttributeError) as error:
            return 400, f"invalid request body: {error!r}"

    def _log_in(self, body: Body) -> Answer:
        if body != {"email": EMAIL, "password": PASSWORD, "orgId": "organisation"}:
            return 401, "invalid email or password"
        self.logins += 1
        self.token, self._left = str(uuid4()), self.token_lasts
        return 200, {"accessToken": self.token}

    def _known(self, token: str) -> bool:
        if not self.token or token != f"Bearer {self.token}" or not self._left:
            return False
        self._left -= 1
        return True

    def _retention(self, method: str, where: str, query: str, body: Body) -> Answer:
        asked = parse_qs(query)
        signal = "logs" if where == V2 else asked["type"][0]
        if method == "POST":
            self.writes.append(f"POST {where}")
            hours = body["defaultTTLDays"] * 24 if where == V2 else int(asked["duration"][0][:-1])
            self.retention[signal] = hours
            return 200, {"message": "done"}
        hours = self.retention[signal]
        if where == V2:
            return 200, {"default_ttl_days": hours // 24, "status": "success"}
        return 200, {f"{signal}_ttl_duration_hrs": hours, "status": "success"}

    def _about(self, method: str, path: str, id_: str | None, body: Body, query: str) -> Answer:
        there = self.objects[path]
        if id_ is not None and id_ not in there:
            return 404, "not found"
        if method == "GET":
            return 200, (answered(path, id_, there[id_]) if id_ else self._listed(path, query))
        self.writes.append(f"{method} {path}")
        if method == "DELETE" and id_:
            del there[id_]
            return 204, None
        if method == "POST" and not id_:
            return self._create(path, body)
        if method == "PUT" and id_:
            there[id_] = self._replaced(path, there[id_], body)
            return (200 if path == PATHS["dashboards"] else 204), None
        return 405, "method not allowed"

    def _create(self, path: str, body: Body) -> Answer:
        DEMANDS[path](body, self.names("channels"))
        taken = [each.get("name") for each in self.objects[path].values()]
        if path != PATHS["rules"] and body["name"] in taken:
            return (400 if path == PATHS["channels"] else 409), f"{body['name']} already exists"
        id_ = str(uuid4())
        self.objects[path][id_] = body
        return 201, {"id": id_}

    def _replaced(self, path: str, old: Body, body: Body) -> Body:
        if path == PATHS["saved_views"]:
            if "name" in body:
                raise Unfit('json: unknown field "name"')
            body = body | {"name": old["name"]}
        elif path != PATHS["rules"] and body.get("name") != old["name"]:
            raise Unfit("name is immutable")
        DEMANDS[path](body, self.names("channels"))
        return body

    def _listed(self, path: str, query: str) -> Any:
        every = [answered(path, id_, body) for id_, body in self.objects[path].items()]
        if path != PATHS["dashboards"]:
            return every
        asked = parse_qs(query)
        start, count = (int(asked.get(name, [n])[0]) for name, n in (("offset", 0), ("limit", 20)))
        page = every[start : start + min(count, 200)]
        return {"dashboards": [each | {"spec": {}} for each in page], "total": len(every)}


class _Handler(BaseHTTPRequestHandler):
    signoz: SigNoz

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length) or "{}")
        token = self.headers.get("Authorization", "")
        status, data = self.signoz.answer(self.command, self.path, body, token)
        bare = self.path.partition("?")[0] in (V1, V2)
        about: Any = data if bare else {"status": "success", "data": data}
        if status >= 400:
            message = {"message": data, "errors": [{"message": "of the stand-in"}]}
            about = {"status": "error", "error": message}
        self.send_response(status)
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(b"" if status == 204 else json.dumps(about).encode())

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing."""
