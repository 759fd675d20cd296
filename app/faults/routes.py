"""HTTP handlers that switch faults. They need the token, and are neither traced nor logged."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field

from app.api.dependencies import may_write
from app.api.problems import Problem, documented, not_found
from app.faults.catalogue import FAULTS, FaultClass
from app.faults.switchboard import MAX_SECONDS, Active, AlreadyOn, Switchboard

router = APIRouter(prefix="/faults", tags=["operation"], dependencies=[Depends(may_write)])


class SwitchOn(BaseModel):
    """How to switch a fault on."""

    model_config = ConfigDict(extra="forbid")

    duration_seconds: float = Field(60, gt=0, le=MAX_SECONDS, description="it ends by itself")
    rate: float = Field(1, gt=0, le=1, description="fraction of the calls that it affects")
    delay_seconds: float | None = Field(
        None, ge=0, le=600, description="parameter of some faults; unset: the fault's default"
    )
    seed: int = Field(0, ge=0, lt=2**32, description="which calls, if not all")


class State(BaseModel):
    """One fault; `seconds_left` is 0 while it is off."""

    name: str
    kind: FaultClass
    effect: str
    delay_seconds: float | None
    seconds_left: float


async def _switchboard(request: Request) -> Switchboard:
    found: Switchboard = request.state.switchboard
    return found


SwitchboardDep = Annotated[Switchboard, Depends(_switchboard)]


@router.get("", summary="List faults", responses=documented(401, 403))
async def list_faults(switchboard: SwitchboardDep) -> list[State]:
    """Every fault, with the time that it stays on."""
    return [_state(name, switchboard.active(name)) for name in FAULTS]


@router.put("/{name}", summary="Switch a fault on", responses=documented(401, 403, 404, 409, 422))
async def switch_on(name: str, how: SwitchOn, switchboard: SwitchboardDep) -> State:
    """It ends after its duration, and with the process."""
    _known(name)
    try:
        active = await switchboard.on(
            name, how.rate, how.delay_seconds, how.seed, how.duration_seconds
        )
    except AlreadyOn as error:
        detail = f"Switch it off first: DELETE /faults/{name}."
        raise Problem(409, "already-on", "The fault is on", detail) from error
    return _state(name, active)


@router.delete(
    "/{name}", status_code=204, summary="Switch a fault off", responses=documented(401, 403, 404)
)
async def switch_off(name: str, switchboard: SwitchboardDep) -> None:
    """No effect if it is off."""
    _known(name)
    await switchboard.off(name)


def install(app: FastAPI) -> None:
    """Add the handlers."""
    app.include_router(router)


def _known(name: str) -> None:
    if name not in FAULTS:
        raise not_found("fault", name, "GET /faults lists them")


def _state(name: str, active: Active | None) -> State:
    fault = FAULTS[name]
    left = 0.0 if active is None else max(active.until - time.monotonic(), 0.0)
    delay = fault.delay if active is None or fault.delay is None else active.delay
    return State(name=name, kind=fault.kind, effect=fault.effect, delay_seconds=delay,
                 seconds_left=round(left, 3))  # fmt: skip
