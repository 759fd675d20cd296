"""A sanity check of the fake: it refuses what the real SigNoz refuses."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any
from uuid import uuid4

import pytest

from signoz.server import Refused, Server
from tests.cases import cases
from tests.signoz.fake_signoz import EMAIL, PASSWORD
from tests.signoz.panels import Body, bodies
from tests.signoz.signoz_responses import PATHS
from tests.waiting import TIMEOUT

CHANNEL = {"name": "tried", "webhook_configs": [{"url": "http://127.0.0.1:9/"}]}
FILES = {
    "channels": CHANNEL,
    "rules": bodies("rules")["high-latency"],
    "dashboards": bodies("dashboards")["vitrine-service"],
    "saved_views": bodies("views")["vitrine-failed-requests"],
}
PANEL = "request-rate"
PLACED = {"content": {"$ref": f"#/spec/panels/{PANEL}"}}


@pytest.fixture(params=["signoz", "real"])
def server(request: pytest.FixtureRequest) -> Server:
    """Logged in, with the channel that rules send to."""
    running = request.getfixturevalue(request.param)
    found = Server(running.url, EMAIL, PASSWORD)
    found.await_ready(TIMEOUT)
    if not any(each["name"] == "tried" for each in found.ask("GET", PATHS["channels"])):
        found.ask("POST", PATHS["channels"], CHANNEL)
    return found


def fresh(kind: str) -> Body:
    """One that is not there yet, and that no provisioner takes for its own."""
    name = f"tried-{uuid4().hex}"
    body: Body = deepcopy(FILES[kind]) | {"alert" if kind == "rules" else "name": name}
    if kind == "rules":
        limits(body).update(channels=["tried"])
    return body


def panel(body: Body) -> Body:
    found: Body = body["spec"]["panels"][PANEL]["spec"]
    return found


def look(body: Body) -> Body:
    found: Body = panel(body)["plugin"]["spec"]
    return found


def asked(body: Body) -> Body:
    found: Body = panel(body)["queries"][0]["spec"]["plugin"]["spec"]
    return found


def grid(body: Body) -> list[Body]:
    found: list[Body] = body["spec"]["layouts"][0]["spec"]["items"]
    return found


def limits(body: Body) -> Body:
    found: Body = body["condition"]["thresholds"]["spec"][0]
    return found


SPOILT: list[tuple[str, str, Callable[[Body], Any]]] = [
    ("channels", "no way to send", lambda body: body.pop("webhook_configs")),
    ("rules", "no thresholds", lambda body: body["condition"].pop("thresholds")),
    ("rules", "no such channel", lambda body: limits(body).update(channels=["nobody"])),
    ("rules", "a label with a dash", lambda body: body["labels"].update({"a-b": "c"})),
    ("dashboards", "an older schema", lambda body: body.update(schemaVersion="v5")),
    ("dashboards", "no such field of a look", lambda body: look(body).update(foo=1)),
    ("dashboards", "no metric", lambda body: asked(body)["aggregations"][0].update(metricName="")),
    ("dashboards", "panels overlap", lambda body: grid(body)[1].update(x=grid(body)[0]["x"])),
    ("saved_views", "no such look", lambda body: body["spec"].update(panelType="sphere")),
    ("saved_views", "no query", lambda body: body["spec"].update(queries=[])),
]  # fmt: skip


@cases(("kind", "what", "spoil"), SPOILT, ids=[f"{k}: {w}" for k, w, _ in SPOILT])
def test_what_is_refused(
    server: Server, kind: str, what: str, spoil: Callable[[Body], Any]
) -> None:
    body = fresh(kind)
    spoil(body)
    with pytest.raises(Refused):
        server.ask("POST", PATHS[kind], body)


@cases("kind", FILES)
def test_what_is_taken_and_taken_again(server: Server, kind: str) -> None:
    """Names are unique, except those of rules, and immutable."""
    body = fresh(kind)
    server.ask("POST", PATHS[kind], body)
    if kind == "rules":
        server.ask("POST", PATHS[kind], body | {"foo": "is ignored"})
    else:
        with pytest.raises(Refused):
            server.ask("POST", PATHS[kind], body)


@cases("kind", [kind for kind in FILES if kind != "rules"])
def test_names_do_not_change(server: Server, kind: str) -> None:
    made = server.ask("POST", PATHS[kind], fresh(kind))
    with pytest.raises(Refused):
        server.ask("PUT", f"{PATHS[kind]}/{made['id']}", fresh(kind))
