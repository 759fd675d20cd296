"""The life of a model as docs/model.md tells it: commands beside a running service with users."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from app import command_feedback
from app.model.judged import JudgedQuery, seed_queries
from app.recommend.stages import COMPARE_SHADOW
from app.settings import TelemetrySettings
from benchmarks.traffic import Reader, Traffic
from tests.api.service import recommended, settings
from tests.model.test_training import write
from tests.telemetry.recorded_service import Service
from tests.test_cli import vitrine
from tests.waiting import eventually

pytestmark = [pytest.mark.anyio, pytest.mark.lasting]
CHANGES: dict[str, Any] = {
    "watch": {"shadow_share": 1, "feedback": False, "drift": False},
    "telemetry": TelemetrySettings(logs="off"), "journal_queries": True, "answers_bytes": 0,
}  # fmt: skip
HOUR = 3600


@dataclass(frozen=True, slots=True)
class Users:
    """They ask each query, and click by the grade of what they look at."""

    client: httpx.AsyncClient
    queries: list[JudgedQuery]

    async def ask(self, text: str = "why does bread go stale") -> httpx.Response:
        return await self.client.post("/recommend", json={"query": text, "limit": 10})

    async def version(self) -> str:
        """Which one answers now: its number."""
        return recommended(await self.ask()).model.version.partition("-")[0]

    async def come(self, times: int = 4) -> None:
        traffic = Traffic(self.client)
        reader = Reader(traffic, Random(0), "10.0.0.1")
        for query in times * self.queries:
            await reader.read(query, (await self.ask(query.text)).json())
        assert set(traffic.outcomes) == {"200", "201"}


async def test_refused_shadowed_promoted_taught_by_users_and_rolled_back(
    seed_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tune = [each for each in seed_queries("tune") if each.relevance]
    outside = [each for each in seed_queries("tune") if not each.relevance]
    test = write(tmp_path / "test.jsonl", seed_queries("test"), "test")
    good = write(write(tmp_path / "good.jsonl", tune[::2], "tune"), outside[::2], "tune")
    bad = write(write(tmp_path / "bad.jsonl", tune, "tune", confused=True), outside, "tune")
    later = SimpleNamespace(time=lambda: time.time() + HOUR)
    monkeypatch.setattr(command_feedback, "time", later)

    def command(*words: object, code: int = 0) -> str:
        done = vitrine(seed_data, *map(str, words), VITRINE_TELEMETRY__ENABLED="false")
        assert done.exit_code == code, done.output
        return done.stdout if code == 0 else done.output

    async with Service(settings(seed_data, **CHANGES)) as service:
        users = Users(service.client, tune)
        judged = ("train", "--holdout", test, "--judgements")
        assert "not registered" in command(*judged, bad, code=1)
        assert "registered 1-" in command(*judged, good)
        await users.come()
        await eventually(lambda: any(each.name == COMPARE_SHADOW for each in service.spans))
        assert "vitrine.shadow.overlap" in service.measured_now()
        command("promote", 1)
        assert await users.version() == "1"
        await users.come()
        online: dict[str, Any] = json.loads(command("feedback", "--json"))
        assert len(online["versions"]) == 2
        assert all(each["uncorrected"]["low"] > 0 for each in online["versions"])
        assert 0 < online["examination"][1]["value"] < 1, "they look less often at the second"
        assert "registered 2-" in command("train", "--holdout", test, "--feedback", "--force")
        command("promote", 2, "--force")
        assert await users.version() == "2"
        command("rollback")
        assert await users.version() == "1"
