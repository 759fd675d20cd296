"""What is emitted about a model that is watched: shadow and drift, cut by version."""

from pathlib import Path
from typing import Any

import pytest
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagEvaluationDetails, FlagType, Reason
from openfeature.hook import HookContext
from opentelemetry._logs import LogRecord

from app.api.models import OnlineMetric
from app.recommend.reference_profile import FEATURES
from app.recommend.stages import COMPARE_SHADOW, ESTIMATE_ONLINE, EVALUATE_DRIFT
from app.settings import SplitSettings, WatchSettings
from app.telemetry import vocabulary as v
from app.telemetry.flag_evaluations import FlagEvaluations
from tests.telemetry.logged import Logged
from tests.telemetry.recorded_service import OpenService, Service
from tests.telemetry.watched_service import (
    TYPED,
    drift_and_recover,
    like_the_first,
    promoted_and_challenged,
    small_windows,
)

pytestmark = pytest.mark.anyio


async def test_shadow_and_drift_are_emitted_by_version(
    open_service: OpenService, shelf_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    champion, challenger = promoted_and_challenged(shelf_data)
    small_windows(monkeypatch)
    async with open_service(watch=WatchSettings(shadow_share=1)) as service:
        await drift_and_recover(service)
        ready = (await service.client.get("/readyz")).json()
    assert ready["status"] == "ready", "drift does not make it unready"
    shadows = [each for each in service.spans if each.name == COMPARE_SHADOW]
    assert len(shadows) == len(TYPED), "what comes from the cache is not scored"
    requests = {each.context.span_id for each in service.spans if each.name == "POST /recommend"}
    for each in shadows:
        assert each.attributes is not None
        assert each.attributes[v.MODEL_VERSION] == champion
        assert each.attributes[v.SHADOW_VERSION] == challenger
        assert {link.context.span_id for link in each.links} <= requests
    labels = {v.MODEL_NAME: "pairwise", v.MODEL_VERSION: champion, v.SHADOW_VERSION: challenger}
    points: Any = service.measured()[v.SHADOW_OVERLAPS].data.data_points
    assert [dict(each.attributes) for each in points] == [labels]
    indices: Any = service.measured()[v.DRIFT_PSI].data.data_points
    assert {each.attributes[v.DRIFT_FEATURE] for each in indices} == set(FEATURES)
    evaluations = [each for each in service.spans if each.name == EVALUATE_DRIFT]
    events = [event.name for each in evaluations for event in each.events]
    assert events == [v.DRIFT_BEGAN, v.DRIFT_OVER]
    drifted = evaluations[1].attributes or {}
    assert drifted[v.DRIFTING] is True
    assert "query_length" in str(drifted[v.DRIFTED])
    logged = [each.event_name for each in service.records]
    assert logged.count(v.DRIFT_BEGAN) == 1


def records(service: Service, event: str) -> list[LogRecord]:
    return [each for each in service.records if each.event_name == event]


async def test_a_split_is_emitted_by_version(open_service: OpenService, shelf_data: Path) -> None:
    champion, challenger = promoted_and_challenged(shelf_data)
    split = SplitSettings(share=0.5, key="header:X-User")
    async with open_service(split=split, watch=WatchSettings(shadow_share=0)) as service:
        versions: dict[str, str] = {}
        for user in (*"abcdefgh", *"abcdefgh"):
            answer = await service.ask("stale bread", {"X-User": user})
            version = answer.json()["model"]["version"]
            assert versions.setdefault(user, version) == version, "the same for the same user"
        await service.ask("stale bread")  # the user is unknown
        listed = (await service.client.get("/models")).json()
    assert set(versions.values()) == {champion, challenger}
    assert listed["split"] == 0.5
    flags = [dict(each.attributes or {}) for each in records(service, v.FLAG_EVALUATED)]
    assert [each["feature_flag.result.variant"] for each in flags] == [
        *(("champion", "challenger")[each == challenger] for each in (*versions.values(),) * 2),
        "champion",
    ]
    assert flags[0] | {"feature_flag.result.variant": ""} == {
        "feature_flag.key": "ranking-model",
        "feature_flag.result.variant": "",
        "feature_flag.result.reason": "split",
        "feature_flag.version": f"{challenger} 0.5",
        "feature_flag.provider.name": "In-Memory Provider",
    }
    assert flags[-1]["feature_flag.result.reason"] == "default"
    served = [dict(each.attributes or {}) for each in records(service, v.SERVED)]
    misses = [str(each[v.MODEL_VERSION]) for each in served if each[v.CACHE_OUTCOME] == "miss"]
    assert sorted(misses) == sorted((champion, challenger)), "each version is cached by itself"
    traces = {each.trace_id for each in records(service, v.FLAG_EVALUATED)}
    assert traces == {each.trace_id for each in records(service, v.SERVED)}
    for metric in (v.RECOMMENDATIONS, v.RECOMMEND_DURATION, v.TOP_SCORE, v.FIRST_RELEVANCE):
        points: Any = service.measured()[metric].data.data_points
        assert {each.attributes[v.MODEL_VERSION] for each in points} == {champion, challenger}


def test_a_flag_without_a_variant_has_its_value() -> None:
    logged = Logged()
    about = HookContext("flag", FlagType.STRING, "champion", EvaluationContext())
    failed = FlagEvaluationDetails(
        "flag", "champion", reason=Reason.ERROR, error_code=ErrorCode.FLAG_NOT_FOUND
    )
    FlagEvaluations(logged.provider.get_logger("here")).finally_after(about, failed, {})
    logged.provider.shutdown()
    assert logged.attributes == {
        "feature_flag.key": "flag",
        "feature_flag.result.value": "champion",
        "feature_flag.result.reason": "error",
        "error.type": "flag_not_found",
    }


async def test_the_online_metric_is_emitted_and_read_by_version(
    open_service: OpenService, shelf_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_windows(monkeypatch)
    async with open_service(watch=WatchSettings(shadow_share=0)) as service:
        await like_the_first(service, TYPED)
        read = OnlineMetric.model_validate((await service.client.get("/models/online")).json())
        wrong = {"recommendation_id": "0" * 32, "document_id": "tide", "kind": "click"}
        await service.client.post("/feedback", json=wrong)
    (version,) = read.versions
    assert (version.model.name, version.recommendations, version.liked) == ("fusion", 8, 8)
    assert version.click_through.value == 1
    assert read.rows == {"used": 8}
    qualities: Any = service.measured()[v.ONLINE_QUALITY].data.data_points
    values = {each.attributes[v.ONLINE_STATISTIC]: each.value for each in qualities}
    assert values["low"] <= values["estimate"] <= values["high"]
    assert version.quality is not None
    assert values["estimate"] == version.quality.value
    received = service.counts(v.FEEDBACK_RECEIVED)
    assert received == {("new",): 8, ("unknown_recommendation",): 1}
    estimates = [each for each in service.spans if each.name == ESTIMATE_ONLINE]
    assert [(each.attributes or {})[v.ONLINE_RECOMMENDATIONS] for each in estimates] == [8]


async def test_watching_can_be_turned_off(open_service: OpenService, shelf_data: Path) -> None:
    promoted_and_challenged(shelf_data)
    off = WatchSettings(drift=False, shadow_share=0, feedback=False)
    async with open_service(watch=off) as service:
        await service.ask("bread")
        watch = service.parts.watch
        assert (await service.client.get("/models/online")).status_code == 404
    assert (watch.drift, watch.shadow, watch.online) == (None, None, None)
    assert COMPARE_SHADOW not in {each.name for each in service.spans}
