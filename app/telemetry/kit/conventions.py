"""The names of OpenTelemetry's semantic conventions, from their Python package, without deprecated.

https://github.com/open-telemetry/semantic-conventions
"""

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from itertools import pairwise
from pkgutil import iter_modules
from typing import NamedTuple

from opentelemetry import semconv

PACKAGES = ("attributes", "_incubating.attributes")
METRIC_PACKAGES = ("metrics", "_incubating.metrics")
EVENTS = frozenset({"exception"})
"""Span events of the conventions; the package does not list them."""
_ABOUT_METRIC = re.compile(r"Instrument: (\w+)\nUnit: (\S+)")


class Instrument(NamedTuple):
    """Kind and unit of a metric."""

    kind: str  # counter, updowncounter, gauge or histogram
    unit: str


@cache
def attributes() -> frozenset[str]:
    """The name of every attribute."""
    return frozenset(name for name, _ in _constants(PACKAGES))


@cache
def metrics() -> dict[str, Instrument]:
    """Every metric by its name."""
    found = ((name, _ABOUT_METRIC.search(text)) for name, text in _constants(METRIC_PACKAGES))
    return {name: Instrument(about[1], about[2]) for name, about in found if about}


def _constants(packages: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The value and the docstring of each module-level constant in the packages."""
    for package in packages:
        folder = import_module(f"{semconv.__name__}.{package}").__path__
        for each in iter_modules(folder, f"{semconv.__name__}.{package}."):
            module = import_module(each.name)
            body = ast.parse(inspect.getsource(module)).body
            for line, below in pairwise(body):
                text = _text(below)
                if isinstance(line, ast.AnnAssign) and not text.startswith("Deprecated"):
                    yield getattr(module, ast.unparse(line.target)), text


def _text(line: ast.stmt) -> str:
    """The text of a statement that is a docstring, else empty."""
    text = line.value if isinstance(line, ast.Expr) else None
    return str(text.value).strip() if isinstance(text, ast.Constant) else ""
