"""The core and its backends as one file, for a Collector that reads only one, as SigNoz's does.

python -m collector.merging signoz > signoz/otel-collector.yaml
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
CORE = HERE.parent / "otel-collector-config.yaml"
BACKENDS = HERE / "backends"
HEAD = "# Made by `make docs` of otel-collector-config.yaml and collector/backends/: {}\n"


class _Whole(yaml.SafeDumper):
    """Everything written out where it is used."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the name is the base's
        return True


def merged(*names: str) -> dict[str, Any]:
    """As the upstream Collector merges files: maps do, anything else is replaced."""
    whole: dict[str, Any] = {}
    for path in (CORE, *(BACKENDS / f"{each}.yaml" for each in names)):
        _merge(whole, yaml.safe_load(path.read_text()))
    return whole


def as_one_file(*names: str) -> str:
    """The same as YAML."""
    text: str = yaml.dump(merged(*names), Dumper=_Whole, sort_keys=False, width=1000)
    return HEAD.format(", ".join(names)) + text


def _merge(into: dict[str, Any], other: Mapping[str, Any]) -> None:
    for key, value in other.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = dict(value) if isinstance(value, Mapping) else value


if __name__ == "__main__":
    sys.stdout.write(as_one_file(*sys.argv[1:]))
