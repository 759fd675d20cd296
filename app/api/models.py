"""Handlers of the model registry: which versions there are, who serves, promote, roll back."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from app.api.dependencies import PartsDep, may_write
from app.api.problems import Problem, documented, not_found
from app.api.wire import Model
from app.composition import Parts
from app.model.online_metric import OnlineReport
from app.model.promotion import GateRefused, promote, roll_back
from app.model.registry import NoPreviousVersion, UnknownVersion
from app.model.registry_records import BUILT_IN, Author, Change
from app.recommend.artefact import ArtefactRefused

router = APIRouter(prefix="/models", tags=["models"])
MAX_CHANGES = 20
"""Changes that the list of versions contains at most."""
Role = Literal["champion", "challenger", "previous"]
Reason = Annotated[str, Field(max_length=500, description="for the audit log")]


class VersionSummary(BaseModel):
    """A version of the model."""

    id: str = Field(examples=["3-5f1d0b8e"])
    role: Role | None = None
    created_at: str | None = Field(None, description="RFC 3339; null for the built-in model")
    damaged: str | None = Field(None, description="why its description can't be read")
    card: dict[str, Any] = Field({}, description="its model card; empty for the built-in model")


class ModelChange(BaseModel):
    """A change of the registry."""

    action: str = Field(examples=["promote"])
    version: str = Field(examples=["3-5f1d0b8e"])
    replaced: str = Field(description="the champion before the change", examples=["fusion"])
    at: str = Field(description="RFC 3339, UTC", examples=["2026-11-21T08:00:00Z"])
    by: str = Field(examples=["ada"])
    reason: str = Field(examples=["better on typos"])
    forced: bool = Field(description="whether it was made although the gate refused the version")

    @classmethod
    def of(cls, change: Change) -> "ModelChange":
        return cls.model_validate(change, from_attributes=True)


class ModelList(BaseModel):
    """The versions, their roles and the latest changes."""

    serving: Model = Field(description="what this worker answers with")
    champion: str
    challenger: str | None
    previous: list[str] = Field(description="earlier champions, the latest last")
    split: float = Field(description="share of the users who get the challenger's answers")
    refused: dict[str, str] = Field(description="why versions that have a role are not used, by id")
    versions: list[VersionSummary]
    changes: list[ModelChange] = Field(description="the latest changes, the oldest first")


class Estimate(BaseModel):
    """A value with its 95 % interval."""

    value: float = Field(examples=[0.31])
    low: float = Field(examples=[0.29])
    high: float = Field(examples=[0.33])


class LikesAtRank(BaseModel):
    """What became of the results at one rank."""

    rank: int = Field(description="from 1", examples=[1])
    shown: int = Field(examples=[1200])
    liked: int = Field(description="clicked, read or praised, and not rejected", examples=[310])


class ExaminationOfRank(Estimate):
    """How often users look at a rank, relative to the first one."""

    rank: int = Field(description="from 1", examples=[2])
    likes: int = Field(description="those that it was estimated from", examples=[240])
    known: bool = Field(description="whether they are enough")


class VersionFeedback(BaseModel):
    """What feedback says of one version."""

    model: Model
    recommendations: int = Field(examples=[1200])
    liked: int = Field(description="results", examples=[420])
    quality: Estimate | None = Field(
        description="probability that a user likes one of the first five results that they look "
        "at, weighted by rank as in DCG, corrected for the position bias; null: not enough feedback"
    )
    uncorrected: Estimate | None = Field(description="the same without the correction")
    click_through: Estimate = Field(description="fraction of recommendations with a liked result")
    by_rank: list[LikesAtRank]


class OnlineMetric(BaseModel):
    """The online metric of the versions in the journal."""

    versions: list[VersionFeedback]
    examination: list[ExaminationOfRank]
    rows: dict[str, int] = Field(
        description="rows of feedback: used, pending (recommended too recently), late, "
        "contradictory, no-query"
    )
    repeats: int = Field(description="feedback that was sent again")
    pending: int = Field(description="recommendations that are too recent to count")

    @classmethod
    def of(cls, report: OnlineReport) -> "OnlineMetric":
        return cls.model_validate(asdict(report))


class ModelAction(BaseModel):
    """Who changes the serving version, and why."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"by": "ada", "reason": "worse on typos"}]},
    )

    by: str = Field("api", min_length=1, max_length=128, description="for the audit log")
    reason: Reason = ""


class Promotion(ModelAction):
    """Which version is promoted, by whom, and why."""

    force: bool = Field(False, description="also if the gate refused the version")


@router.get("", summary="List the versions of the model", responses=documented(429, 503))
async def list_models(parts: PartsDep) -> ModelList:
    """All versions with their model cards, and which of them serves."""
    return await run_in_threadpool(_listed, parts)


def _listed(parts: Parts) -> ModelList:
    registry, serving = parts.loader.registry, parts.model.now().card
    state = registry.current_state()
    roles: dict[str, Role] = {**dict.fromkeys(state.previous, "previous")}
    if state.challenger is not None:
        roles[state.challenger] = "challenger"
    roles[state.champion] = "champion"
    return ModelList(
        serving=Model(name=serving.name, version=serving.version),
        champion=state.champion,
        challenger=state.challenger,
        previous=list(state.previous),
        split=parts.split.share,
        refused=dict(parts.model.refusals),
        versions=[_summary(parts, each, roles.get(each)) for each in (BUILT_IN, *registry.ids())],
        changes=[ModelChange.of(each) for each in registry.changes()[-MAX_CHANGES:]],
    )


def _summary(parts: Parts, version: str, role: Role | None) -> VersionSummary:
    registry = parts.loader.registry
    if version == BUILT_IN:
        return VersionSummary(id=version, role=role)
    try:
        created, card = registry.manifest(version).created_at, registry.card(version)
    except ArtefactRefused as error:
        return VersionSummary(id=version, role=role, damaged=str(error))
    return VersionSummary(id=version, role=role, created_at=created, card=card)


@router.get("/online", summary="Online metric of each version", responses=documented(404, 429, 503))
async def online_metric(parts: PartsDep) -> OnlineMetric:
    """How good each version's results are for the users who got them: from their feedback,
    corrected for the position bias, with the naive click-through beside it. At most a minute old.
    """
    if (online := parts.watch.online) is None:
        raise Problem(
            404, "not-found", "No online metric", "VITRINE_WATCH__FEEDBACK=false turns it off."
        )
    return OnlineMetric.of(await run_in_threadpool(online.latest))


@router.post(
    "/{version}/promote",
    summary="Promote a version",
    dependencies=[Depends(may_write)],
    responses=documented(401, 403, 404, 409, 413, 415, 422, 429, 503),
)
async def promote_model(version: str, given: Promotion, parts: PartsDep) -> ModelChange:
    """Every worker serves the version (its id, number or hash) with its next request."""
    author = Author(given.by, given.reason)
    return await run_in_threadpool(_promote, parts, version, author, given.force)


def _promote(parts: Parts, version: str, by: Author, force: bool) -> ModelChange:
    try:
        change = promote(parts.loader, version, by, parts.stages, force=force)
    except UnknownVersion as error:
        raise not_found("version", version, "GET /models lists them") from error
    except GateRefused as error:
        detail = f"{error}. Send “force”: true to promote it all the same; the audit log says so."
        raise Problem(409, "gate-refused", "The gate refused this version", detail) from error
    except ArtefactRefused as error:
        detail = f"{error}. The serving version was not changed; train again."
        raise Problem(409, "model-refused", "This version can't be used", detail) from error
    parts.model.now()
    return ModelChange.of(change)


@router.post(
    "/rollback",
    summary="Go back to the version before",
    dependencies=[Depends(may_write)],
    responses=documented(401, 403, 409, 413, 415, 422, 429, 503),
)
async def roll_back_model(given: ModelAction, parts: PartsDep) -> ModelChange:
    """Promote the earlier champion again; versions that can't be used are passed over."""
    return await run_in_threadpool(_roll_back, parts, Author(given.by, given.reason))


def _roll_back(parts: Parts, by: Author) -> ModelChange:
    try:
        change = roll_back(parts.loader, by, parts.stages)
    except NoPreviousVersion as error:
        title = "There is no earlier version"
        detail = f"{error}. Promote a version instead; GET /models lists them."
        raise Problem(409, "no-earlier-model", title, detail) from error
    parts.model.now()
    return ModelChange.of(change)
