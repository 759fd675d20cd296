"""Paths of requests: behind a proxy's prefix, and which are no work of the service."""

import re

from starlette.types import Scope

PROBES = frozenset({"/livez", "/readyz"})
PAGES = frozenset({"/", "/docs", "/openapi.json", "/runbook"})
STATIC = "/static"
"""Where the pages' own files are."""
UNTRACED = re.compile("|".join([*map(re.escape, sorted(PROBES | PAGES)), f"{STATIC}/.*"]))
"""Neither traced nor logged: what monitors ask for every few seconds, and what only shows."""


def route_path(scope: Scope) -> str:
    """The path without the prefix under which a proxy serves the application (`root_path`)."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path.removeprefix(root) if path.startswith(f"{root}/") else path


def is_untraced(scope: Scope) -> bool:
    """Whether telemetry leaves this request out."""
    return UNTRACED.fullmatch(route_path(scope)) is not None
