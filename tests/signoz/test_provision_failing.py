"""Errors are one sentence and an exit code."""

import json
import threading
from collections.abc import Callable
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from signoz import server
from tests.signoz.fake_signoz import EMAIL, PASSWORD, SigNoz
from tests.signoz.provisioning import Provisioner
from tests.telemetry.receiver import black_hole, refused_port

WRONG, AWAY, NOT_LET_IN, REFUSED = 2, 3, 4, 5


@pytest.mark.parametrize(
    ("email", "password", "why"),
    [
        (EMAIL, "another", f"refuses the login of {EMAIL}: invalid email or password"),
        ("nobody@example.com", PASSWORD, "refuses the login of nobody@example.com: invalid email"),
    ],
)
def test_who_is_not_let_in_is_reported(
    signoz: SigNoz, provisioner: Provisioner, email: str, password: str, why: str
) -> None:
    provisioner.set(EMAIL=email, PASSWORD=password)
    assert provisioner() == NOT_LET_IN
    assert why in provisioner.error
    assert "SIGNOZ_PASSWORD" in provisioner.error
    assert password not in provisioner.error
    assert len(provisioner.error.splitlines()) == 1
    assert signoz.writes == []


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("PASSWORD", "", "SIGNOZ_PASSWORD is not set"),
        ("URL", "signoz:8080", "SIGNOZ_URL is 'signoz:8080'"),
        ("URL", "http://", "SIGNOZ_URL is 'http://'"),
        ("URL", "http://signoz:http", "SIGNOZ_URL is 'http://signoz:http'"),
        ("RETENTION_LOGS_DAYS", "1.5", "SIGNOZ_RETENTION_LOGS_DAYS is '1.5'"),
        ("PATIENCE", "long", "SIGNOZ_PATIENCE is 'long'"),
    ],
)
def test_a_setting_that_is_wrong_is_named(
    provisioner: Provisioner, name: str, value: str, why: str
) -> None:
    provisioner.set(**{name: value})
    assert provisioner() == WRONG
    assert provisioner.error.startswith(why)


def instead_of_sleeping(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Runs this instead of sleeping."""
    clock = SimpleNamespace(monotonic=lambda: 0.0, sleep=lambda _: happens())
    monkeypatch.setattr(server, "time", clock)


def test_one_that_is_not_ready_is_waited_for(
    signoz: SigNoz, provisioner: Provisioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def later() -> None:
        assert signoz.logins == 0
        signoz.ready = signoz.asked_whether_ready == 3

    signoz.ready = False
    instead_of_sleeping(monkeypatch, later)
    assert provisioner() == 0
    assert signoz.asked_whether_ready == 4
    assert set(provisioner.outcomes) == {"created"}


def test_one_that_is_not_there_yet_is_waited_for(
    provisioner: Provisioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with refused_port() as port, ExitStack() as started:
        instead_of_sleeping(monkeypatch, lambda: started.enter_context(SigNoz(port)))
        provisioner.set(URL=f"http://127.0.0.1:{port}")
        assert provisioner() == 0
    assert set(provisioner.outcomes) == {"created"}


def test_patience_has_an_end(signoz: SigNoz, provisioner: Provisioner) -> None:
    signoz.ready = False
    provisioner.set(PATIENCE="0.3")
    assert provisioner() == AWAY
    why = "SigNoz was not ready within 0.3 s: /api/v2/healthz answers 503."
    assert provisioner.error == why


def test_no_one_there(provisioner: Provisioner) -> None:
    with refused_port() as port:
        provisioner.set(URL=f"http://127.0.0.1:{port}", PATIENCE="0")
        assert provisioner() == AWAY
    assert f"Nothing answers at http://127.0.0.1:{port}: " in provisioner.error
    assert "refused" in provisioner.error


def test_one_that_never_answers(provisioner: Provisioner) -> None:
    with black_hole() as url:
        provisioner.set(URL=url, PATIENCE="0.2")
        assert provisioner() == AWAY
    assert "timed out" in provisioner.error


def test_something_else_answers(provisioner: Provisioner) -> None:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Page) as page:
        thread = threading.Thread(target=page.handle_request)
        thread.start()
        provisioner.set(URL=f"http://127.0.0.1:{page.server_port}", PATIENCE="0")
        assert provisioner() == AWAY
        thread.join()
    assert "is not SigNoz" in provisioner.error


def test_a_token_that_is_no_longer_taken_is_renewed(
    signoz: SigNoz, provisioner: Provisioner
) -> None:
    signoz.token_lasts = 3
    assert provisioner() == 0
    assert set(provisioner.outcomes) == {"created"}
    assert signoz.logins > 2


def test_a_refusal_names_the_file_and_the_others_are_set_up(
    signoz: SigNoz, provisioner: Provisioner, files: Path
) -> None:
    path = files / "dashboards" / "vitrine-service.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"colour": "red"}))
    assert provisioner() == REFUSED
    assert provisioner.outcomes["refused"] == [("dashboard", "vitrine-service")]
    assert provisioner.reasons["vitrine-service"] == (
        'dashboards/vitrine-service.json: json: unknown field "colour"; of the stand-in'
        " (POST /api/v2/dashboards)"
    )
    assert " created, 1 refused" in provisioner.last
    assert "vitrine-slo" in signoz.names("dashboards")
    assert "vitrine-served-events" in signoz.names("saved_views")


def test_what_needs_something_that_is_not_there_is_refused(
    signoz: SigNoz, provisioner: Provisioner, files: Path
) -> None:
    (files / "channels" / "vitrine-operators.json").unlink()
    assert provisioner() == REFUSED
    refused = {noun for noun, _ in provisioner.outcomes["refused"]}
    assert refused == {"rule"}
    assert "channel vitrine-operators does not exist" in provisioner.reasons["Catalogue empty"]
    assert signoz.names("rules") == []


def no_json(files: Path) -> str:
    (files / "views" / "broken.json").write_text("{")
    return "views/broken.json is not JSON: "


def nameless(files: Path) -> str:
    (files / "rules" / "nameless.json").write_text('{"name": "it"}')
    return "rules/nameless.json has no alert."


def not_ours(files: Path) -> str:
    (files / "channels" / "pager.json").write_text('{"name": "pager"}')
    return "channels/pager.json: names of channels must begin with vitrine-."


def twice(files: Path) -> str:
    (files / "channels" / "again.json").write_text('{"name": "vitrine-operators"}')
    return "channels/again.json and channels/vitrine-operators.json have the same name, vitrine-"


def no_folder(files: Path) -> str:
    (files / "views").rename(files / "sights")
    return "No folder views in "


@pytest.mark.parametrize("broken", [no_json, nameless, not_ours, twice, no_folder])
def test_a_file_that_is_wrong_is_named_before_anything_is_done(
    signoz: SigNoz, provisioner: Provisioner, files: Path, broken: Callable[[Path], str]
) -> None:
    why = broken(files)
    assert provisioner() == WRONG
    assert provisioner.error.startswith(why)
    assert signoz.writes == []
    assert signoz.logins == 0
