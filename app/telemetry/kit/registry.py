"""Converts a vocabulary to a Weaver registry (YAML, https://github.com/open-telemetry/weaver).

`weaver registry check -r docs/registry` checks the registry; `weaver registry live-check` checks a
service's telemetry against it. Names of the semantic conventions are references to their registry.
"""

import re
from collections.abc import Mapping
from typing import Any

from . import vocabulary as names
from .resource import SCHEMA
from .vocabulary import Attribute, Carried, Event, Metric, Span, Vocabulary

SEMANTIC_CONVENTIONS = "https://github.com/open-telemetry/semantic-conventions@v{}[model]"
SYNTAX = "https://raw.githubusercontent.com/open-telemetry/weaver/main/schemas/semconv.schema.json"
HEAD = f"# Generated from the vocabulary.\n# yaml-language-server: $schema={SYNTAX}\n"
STANDARD_METRICS = (
    *names.OF_LIBRARIES, "process.cpu.time", "process.memory.usage", "process.thread.count",
    "process.unix.file_descriptor.count", "cpython.gc.collections",
)  # fmt: skip
Group = dict[str, Any]


def registry(vocabulary: Vocabulary, schema_url: str, description: str) -> dict[str, str]:
    """File name to content. `schema_url` must end with the version of the registry."""
    prefix = vocabulary.core.prefix
    conventions = {
        "schema_url": SCHEMA,
        "registry_path": SEMANTIC_CONVENTIONS.format(SCHEMA.rpartition("/")[2]),
    }
    attributes = {
        "id": f"registry.{prefix}",
        "type": "attribute_group",
        "display_name": f"Attributes of {prefix}",
        "brief": f"Attributes that only {prefix} emits.",
        "attributes": [_attribute(each) for each in vocabulary.attributes.values()],
    }
    spans = [_span(prefix, each) for each in vocabulary.spans.values()]
    events = [_event(prefix, each, vocabulary) for each in vocabulary.events.values()]
    own = [each for each in vocabulary.metrics.values() if each not in names.OF_LIBRARIES]
    metrics = {
        "imports": {"metrics": [str(each) for each in STANDARD_METRICS]},
        "groups": [_metric(each) for each in own],
    }
    manifest = {
        "description": description,
        "schema_url": schema_url,
        "stability": "development",
        "dependencies": [conventions],
    }
    return {
        "manifest.yaml": "# Generated from the vocabulary.\n" + _yaml(manifest),
        "attributes.yaml": HEAD + _yaml({"groups": [attributes]}),
        "spans.yaml": HEAD + _yaml({"groups": spans}),
        "events.yaml": HEAD + _yaml({"groups": events}),
        "metrics.yaml": HEAD + _yaml(metrics),
    }


def _yaml(content: Mapping[str, Any]) -> str:
    import yaml  # noqa: PLC0415 - needed for the registry only

    text: str = yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=100)
    return text


def _attribute(each: Attribute) -> Group:
    about: Group = {
        "id": str(each), "type": each.kind, "stability": "development", "brief": _brief(each),
    }  # fmt: skip
    if each.values and each.kind == "string":
        about["type"] = {"members": [_member(value) for value in each.values]}
    elif each.values:
        about["note"] = "One or more of " + ", ".join(f"`{value}`" for value in each.values) + "."
        about["examples"] = [[each.values[0]], [*each.values]]
    elif each.kind != "boolean":
        about["examples"] = [*each.examples]
    if each.form:
        about["note"] = f"Matches `{each.form}`."
    return about


def _member(value: str) -> Group:
    identifier = re.sub("[^a-z0-9]+", "_", value.lower()).strip("_")
    identifier = identifier if identifier[0].isalpha() else f"of_{identifier}"
    return {"id": identifier, "value": str(value), "stability": "development"}


def _span(prefix: str, each: Span) -> Group:
    return {
        "id": f"span.{prefix}.{_identifier(each)}",
        "type": "span",
        "span_kind": each.kind,
        "stability": "development",
        "brief": _brief(each),
        "note": f"Its name is `{each}`.",
        "attributes": _references(each.carries),
    }


def _identifier(span: Span) -> str:
    """The stage's name; for a pattern its system and kind, as in `http.server`."""
    if "{" not in span:
        return span.replace(" ", "_")
    system = "db" if span.startswith("{db") else "http"
    return f"{system}.{span.kind}"


def _event(prefix: str, each: Event, vocabulary: Vocabulary) -> Group:
    about: Group = {
        "id": f"event.{prefix}.{each}",
        "type": "event",
        "name": str(each),
        "stability": "development",
        "brief": _brief(each),
    }
    carries = vocabulary.wide if each.wide else each.carries
    return about | ({"attributes": _references(carries)} if carries else {})


def _metric(each: Metric) -> Group:
    about: Group = {
        "id": f"metric.{each}",
        "type": "metric",
        "metric_name": str(each),
        "instrument": each.instrument,
        "unit": each.unit,
        "stability": "development",
        "brief": _brief(each),
    }
    return about | ({"attributes": _references(each.carries)} if each.carries else {})


def _references(carries: Carried) -> list[Group]:
    return [
        {"ref": str(name), "requirement_level": _level(level)} for name, level in carries.items()
    ]


def _level(level: str) -> str | Group:
    plain = level in (names.REQUIRED, names.RECOMMENDED, names.OPT_IN)
    return level if plain else {"conditionally_required": level}


def _brief(each: Attribute | Event | Metric | Span) -> str:
    return each.meaning[0].upper() + each.meaning[1:] + "."
