"""Paths of requests: behind a proxy's prefix, and which are no work of the service."""

import re

PROBES = frozenset({"/livez", "/readyz"})
PAGES = frozenset({"/", "/docs", "/openapi.json", "/runbook"})
STATIC = "/static"
"""Where the pages' own files are."""
UNTRACED = re.compile("|".join([*map(re.escape, sorted(PROBES | PAGES)), f"{STATIC}/.*"]))
"""Neither traced nor logged: what monitors ask for every few seconds, and what only shows."""
