"""The faults of `app/faults`, switched on by HTTP, with the causes that diagnose may name."""

from contextlib import ExitStack, suppress

import httpx

from benchmarks.drills.faults import FAULTS, Fault
from benchmarks.drills.traffic import Traffic
from benchmarks.drills.world import TOKEN, World

SEEDS = {"model-raises": 3}
"""A category that the traffic of the drills asks for: otherwise nothing fails."""
MARGIN = 2
"""Seconds that a fault lasts longer than its window, if it can't be switched off."""
TUNED = frozenset({
    "wikipedia-429", "wikipedia-dns", "wikipedia-slow", "sqlite-slow", "model-nan", "model-negated",
    "model-slow", "model-reloaded", "cache-off", "cache-stampede", "collector-down",
    "collector-slow", "full-text-truncated",
})  # fmt: skip
"""Those because of which a rule of the diagnosis, or the drill, was changed; the others only score.
"""
_EXPECTED: dict[str, tuple[str, tuple[str, ...], str]] = {
    "wikipedia-slow": ("dependency", ("dependency_slow", "dependency_failing:timeout"), "degraded"),
    "wikipedia-hangs": ("dependency", ("dependency_failing:timeout",), "degraded"),
    "wikipedia-429": ("dependency", ("dependency_failing:429",), "degraded"),
    "wikipedia-500": ("dependency", ("dependency_failing:500",), "degraded"),
    "wikipedia-malformed": ("dependency", ("dependency_failing:malformed",), "degraded"),
    "wikipedia-empty": ("dependency", ("dependency_empty",), "degraded"),
    "wikipedia-dns": ("dependency", ("dependency_failing:unresolved",), "degraded"),
    "wikipedia-refused": ("dependency", ("dependency_failing:connection",), "degraded"),
    "sqlite-slow": ("storage", ("storage_slow", "statement_slow"), "slow"),
    "sqlite-locked": ("storage", ("lock_wait",), "slow"),
    "missing-index": ("storage", ("storage_slow", "statement_slow"), "slow"),
    "full-text-truncated": ("storage", ("words_lost", "leg_changed:lexical"), "relevance"),
    "sqlite-read-only": ("storage", ("storage_failing",), "errors"),
    "model-slow": ("model", ("code_slow:score candidates",), "slow"),
    "model-reloaded": ("model", ("model_reloading", "code_slow:score candidates"), "slow"),
    "model-raises": ("model", ("model_failing",), "errors"),
    "model-nan": ("model", ("model_failing",), "errors"),
    "model-wrong-version": ("model", ("model_changed",), "relevance"),
    "model-negated": ("model", ("model_changed",), "relevance"),
    "embeddings-stale": ("data", ("leg_changed:dense",), "relevance"),
    "cache-off": ("data", ("cache_ineffective",), ""),
    "cache-stampede": ("data", ("cache_ineffective",), ""),
    "loop-blocked": ("resource", ("event_loop_lag",), "slow"),
    "cpu-hog": ("resource", ("cpu_contention",), "slow"),
    "memory-leak": ("resource", ("memory_growing",), ""),
    "threads-exhausted": ("resource", ("resource_exhausted:threads",), "slow"),
    "files-exhausted": ("resource", ("resource_exhausted:file_descriptors",), ""),
    "collector-down": ("telemetry", ("telemetry_lost",), ""),
    "collector-slow": ("telemetry", ("telemetry_lost",), ""),
    "clock-skew": ("telemetry", ("clock_skew",), ""),
    "weights-changed": ("deploy", ("settings_changed", "model_changed"), "relevance"),
}


def _switched(name: str) -> Fault:
    group, expected, symptom = _EXPECTED[name]

    def inject(world: World, _: Traffic, stack: ExitStack) -> None:
        url = f"http://127.0.0.1:{world.port}/faults/{name}"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        given = {"duration_seconds": world.window + MARGIN, "seed": SEEDS.get(name, 0)}
        httpx.put(url, json=given, headers=headers, timeout=30).raise_for_status()
        stack.callback(_switch_off, url, headers)

    return Fault(name, group, expected, inject, symptom)


def _switch_off(url: str, headers: dict[str, str]) -> None:
    # A service that takes no connection can't be asked; the fault ends by itself.
    with suppress(httpx.HTTPError):
        httpx.delete(url, headers=headers, timeout=10)


SWITCHED = {name: _switched(name) for name in _EXPECTED}
ALL = FAULTS | SWITCHED
