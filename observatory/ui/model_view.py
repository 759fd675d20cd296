"""The page Model: what the telemetry shows, and the service's registry of versions."""

from collections.abc import Mapping
from typing import Any

from observatory.models.registry import Registry
from observatory.models.report import models
from observatory.models.window import Window
from observatory.ui.parameters import RANGE, Parameters
from observatory.ui.queries import Queries
from observatory.ui.responses import Problem

KNOWN = (*RANGE, "service")


def model(queries: Queries, parameters: Parameters) -> dict[str, Any]:
    """Who serves and how well, drift, shadow, changes; over the range and one service or all."""
    where = parameters.range(queries.clock(), queries.kept)
    return models(Window.of(queries, where, parameters.text("service") or ""))


def versions(queries: Queries) -> dict[str, Any]:
    """What the service lists at /models: {registry, note}; registry is None if it can't be had, and
    the note says why. The page works without it."""
    try:
        return {"registry": _registry(queries).versions(), "note": ""}
    except Problem as problem:
        return {"registry": None, "note": f"{problem.title}: {problem.detail}"}


def change(
    queries: Queries, version: str | None, given: Mapping[str, Any], authorization: str
) -> Any:
    """Promote a version, or roll back if it is None; the service's answer.

    Raises:
        Problem: see `Registry`.

    """
    registry = _registry(queries)
    if version is None:
        return registry.roll_back(given, authorization)
    return registry.promote(version, given, authorization)


def _registry(queries: Queries) -> Registry:
    if queries.parts.opened is not None:
        detail = "Versions are managed in the running observatory, not in one that `open` started."
        raise Problem(403, "opened-run", "This is an exported run", detail)
    return Registry(queries.parts.settings.service.rstrip("/"))
