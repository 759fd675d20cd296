"""Paths that are not traced."""

import re

PROBES = frozenset({"/livez", "/readyz"})
PAGES = frozenset({"/", "/docs", "/openapi.json", "/runbook"})
STATIC = "/static"
"""Prefix of the pages' static files."""
UNTRACED = re.compile("|".join([*map(re.escape, sorted(PROBES | PAGES)), f"{STATIC}/.*"]))
"""Neither traced nor logged: health checks, pages and static files."""
