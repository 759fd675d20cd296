"""Settings come from the environment, and invalid ones are refused."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from app import settings as module
from app.settings import Settings
from tests.cases import cases

SOURCES = Path(module.__file__).parent
TABLE = SOURCES.parent / "docs" / "settings.md"


def leaves(
    model: type[BaseModel] = Settings, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Every field that holds a value, with the way to it."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from leaves(field.annotation, (*path, name))
        else:
            yield (*path, name), field


LEAVES = {".".join(path): field for path, field in leaves()}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is set where the tests run."""
    for name in list(os.environ):
        if name.startswith("VITRINE_"):
            monkeypatch.delenv(name)


def variable(name: str) -> str:
    """The environment variable of a field."""
    return "VITRINE_" + name.upper().replace(".", "__")


def value(name: str) -> Any:
    """What a field is now."""
    found: Any = Settings()
    for step in name.split("."):
        found = getattr(found, step)
    return found


@cases("name", LEAVES)
def test_every_setting_is_read(name: str) -> None:
    attribute = re.compile(rf"\.{name.rpartition('.')[2]}\b")
    readers = [path for path in SOURCES.rglob("*.py") if path.name != "settings.py"]
    assert any(attribute.search(path.read_text("utf-8")) for path in readers)


@cases("name", LEAVES)
def test_every_setting_is_described(name: str) -> None:
    assert LEAVES[name].description


@pytest.mark.skipif(not TABLE.exists(), reason="docs/settings.md is not there yet")
@cases("name", LEAVES)
def test_every_setting_is_documented(name: str) -> None:
    rows = TABLE.read_text("utf-8").splitlines()
    (row,) = [row for row in rows if f"`{variable(name)}`" in row]
    assert str(LEAVES[name].description) in row


def test_the_defaults_make_sense() -> None:
    settings = Settings()
    assert settings.token is None  # no default that anybody could know
    assert settings.server.host == "127.0.0.1"
    assert settings.wikipedia.deadline_seconds == 0.3
    assert settings.wikipedia.contact == ""


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("data", "/srv/vitrine", Path("/srv/vitrine")),
        ("lexical_index", "memory", "memory"),
        ("answers_bytes", "0", 0),
        ("journal_rows", "1000", 1000),
        ("server.host", "::1", "::1"),
        ("server.port", "65535", 65535),
        ("server.workers", "4", 4),
        ("limits.requests_per_second", "0.5", 0.5),
        ("limits.burst", "1", 1),
        ("limits.in_flight", "1000", 1000),
        ("limits.body_bytes", "1024", 1024),
        ("limits.import_bytes", "1024", 1024),
        ("wikipedia.enabled", "false", False),
        ("wikipedia.contact", "me@example.org", "me@example.org"),
        ("wikipedia.deadline_seconds", "0.5", 0.5),
        ("wikipedia.timeout_seconds", "3600", 3600),
        ("wikipedia.attempts", "5", 5),
        ("wikipedia.connections", "100", 100),
        ("wikipedia.cache_entries", "1", 1),
        ("wikipedia.cache_seconds", "60", 60),
        ("wikipedia.breaker_failures", "1", 1),
        ("wikipedia.breaker_seconds", "0.1", 0.1),
        ("telemetry.trace_url", "", ""),
        ("telemetry.trace_url", "https://a.example/{trace_id}?b", "https://a.example/{trace_id}?b"),
    ],
)
def test_a_setting_is_taken_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, expected: object
) -> None:
    monkeypatch.setenv(variable(name), text)
    assert value(name) == expected


def test_the_address_and_the_token_are_taken_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VITRINE_WIKIPEDIA__BASE_URL", "http://127.0.0.1:9/search")
    monkeypatch.setenv("VITRINE_TOKEN", "sixteen letters!")
    settings = Settings()
    assert str(settings.wikipedia.base_url) == "http://127.0.0.1:9/search"
    assert settings.token is not None
    assert settings.token.get_secret_value() == "sixteen letters!"
    assert "sixteen" not in f"{settings!r} {settings} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("token", "too short", "at least 16"),
        ("token", "", "at least 16"),
        ("lexical_index", "elastic", "'auto', 'fts5' or 'memory'"),
        ("answers_bytes", "-1", "greater than or equal to 0"),
        ("journal_rows", "many", "valid integer"),
        ("server.port", "0", "greater than or equal to 1"),
        ("server.port", "65536", "less than or equal to 65535"),
        ("server.port", "http", "valid integer"),
        ("server.workers", "0", "greater than or equal to 1"),
        ("limits.requests_per_second", "0", "greater than 0"),
        ("limits.requests_per_second", "-1", "greater than 0"),
        ("limits.requests_per_second", "nan", "greater than 0"),
        ("limits.in_flight", "1.5", "valid integer"),
        ("limits.body_bytes", "5", "greater than or equal to 1024"),
        ("wikipedia.enabled", "perhaps", "valid boolean"),
        ("wikipedia.base_url", "wikipedia", "valid URL"),
        ("wikipedia.base_url", "ftp://example.org", "'http' or 'https'"),
        ("wikipedia.deadline_seconds", "0", "greater than 0"),
        ("wikipedia.deadline_seconds", "nan", "less than or equal to 3600"),
        ("wikipedia.deadline_seconds", "4000", "less than or equal to 3600"),
        ("wikipedia.attempts", "6", "less than or equal to 5"),
        ("wikipedia.contact", "me\r\nX-Evil: 1", "pattern"),
        ("wikipedia.contact", "mé", "pattern"),
        ("wikipedia.colour", "red", "not permitted"),
        ("telemetry.trace_url", "https://a.example/", "pattern"),
        ("telemetry.trace_url", "javascript:alert('{trace_id}')", "pattern"),
        ("telemetry.trace_url", "/trace/{trace_id}", "pattern"),
        ("telemetry.trace_url", "https://a.example/{trace_id} b", "pattern"),
        ("telemetry.trace_url", "https://a.example/{trace_id}\n", "pattern"),
        ("server", "8000", "dictionary"),
    ],
)
def test_what_is_invalid_is_refused_with_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, message: str
) -> None:
    monkeypatch.setenv(variable(name), text)
    with pytest.raises(ValidationError) as caught:
        Settings()
    (error,) = caught.value.errors()
    assert ".".join(map(str, error["loc"])) == name
    assert message in error["msg"]


def test_a_refused_token_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_TOKEN", "hunter2")
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert "hunter2" not in str(caught.value)
