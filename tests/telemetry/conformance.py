"""The names of spans that the service may have, for `violations` of what it emits."""

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from opentelemetry.semconv.attributes.http_attributes import HttpRequestMethodValues

from app.recommend.stages import STAGES
from app.telemetry.kit import testing
from app.telemetry.vocabulary import VOCABULARY
from tests.fake_wikipedia import PATH

METHODS = frozenset(each.value for each in HttpRequestMethodValues) - {"_OTHER"} | {"HTTP"}
"""How names of spans of requests begin; HTTP stands for unknown methods."""
STATEMENTS = frozenset({"SELECT", "PRAGMA"})


def span_names(app: FastAPI) -> frozenset[str]:
    """All names that its spans may have: of its stages, its routes and its calls, and no more."""
    paths = {each.path for each in iter_route_contexts(app.routes)}
    requests = {f"{method} {path}" for method in METHODS for path in paths}
    calls = {f"GET {PATH}"}
    return METHODS | STATEMENTS | requests | calls | frozenset(STAGES)


def violations(recorder: testing.Recorder, names: frozenset[str]) -> list[str]:
    """A sentence for each thing that is not as declared; `names` are those of spans."""
    return testing.violations(recorder, VOCABULARY, names)
