"""Upstream's own tests, run on quick_otel: `make test-upstream`.

The source distributions of the installed SDK and exporters carry their tests. They are downloaded
once into the user's cache, together with the few packages that only these tests import. Fails if
a test fails that known.tsv does not list, or if fewer than 98 % of the tests that apply pass.
"""

import json
import os
import subprocess
import sys
import tarfile
from collections import Counter
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
VERSION = version("opentelemetry-sdk")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
FOLDER = CACHE / "vitrine" / "upstream" / VERSION
SUITES = {
    "opentelemetry-sdk": ("trace", "metrics", "logs", "shared_internal"),
    "opentelemetry-exporter-otlp-proto-common": ("test_trace_encoder.py", "test_log_encoder.py"),
    "opentelemetry-exporter-otlp-proto-grpc": ("test_otlp_trace_exporter.py", "logs"),
    "opentelemetry-exporter-otlp-proto-http": (
        "test_proto_span_exporter.py", "test_proto_log_exporter.py",
    ),
}  # fmt: skip
"""Source distributions, and what of their tests can meet quick_otel."""
TOOLS = (
    f"opentelemetry-test-utils=={version('opentelemetry-semantic-conventions')}",
    "decorator==5.3.1", "flaky==3.8.1", "mocket==3.15.0", "puremagic==1.30",
)  # fmt: skip
"""What only these tests import."""
GOAL = 0.98


def main() -> int:
    """Download what is missing, run, and print what applies, what passes and why not."""
    _download()
    outcomes = FOLDER / "outcomes.jsonl"
    outcomes.unlink(missing_ok=True)
    failed = [suite for suite, tests in SUITES.items() if not _passes(suite, tests, outcomes)]
    lines = outcomes.read_text("utf-8").splitlines()
    passing = _summary([json.loads(line) for line in lines])
    if failed:
        sys.stdout.write(f"unexpected outcomes in {', '.join(failed)}: see above\n")
    return 1 if failed or passing < GOAL else 0


def _download() -> None:
    names = ",".join(SUITES)
    sources, tools = FOLDER / "sources", FOLDER / "tools"
    if not (FOLDER / "complete").exists():
        wanted = [f"{name}=={VERSION}" for name in SUITES]
        _pip("download", "--no-deps", "--no-binary", names, "--dest", str(sources), *wanted)
        _pip("install", "--no-deps", "--upgrade", "--target", str(tools), *TOOLS)
        for archive in sources.glob("*.tar.gz"):
            with tarfile.open(archive) as packed:
                packed.extractall(sources, filter="data")
        (FOLDER / "complete").touch()


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True)


def _passes(suite: str, tests: tuple[str, ...], outcomes: Path) -> bool:
    path = [str(FOLDER / "tools"), str(HERE), str(HERE.parent.parent)]
    environment = {name: value for name, value in os.environ.items() if name[:5] != "OTEL_"}
    environment |= {
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "UPSTREAM_OUTCOMES": str(outcomes),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    folder = FOLDER / "sources" / f"{suite.replace('-', '_')}-{VERSION}"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "upstream_plugin", "-p", "no:xdist"]
    command += ["-p", "no:cacheprovider", *sys.argv[1:], *(f"tests/{test}" for test in tests)]
    sys.stdout.write(f"{suite}\n")
    sys.stdout.flush()
    return subprocess.run(command, cwd=folder, env=environment, check=False).returncode == 0


def _summary(outcomes: list[dict[str, object]]) -> float:
    """Print it. Returns the part of the applicable tests that pass."""
    known = dict(
        line.split("\t")
        for line in (HERE / "known.tsv").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    )
    reasons = [known.get(str(each["test"]), "") for each in outcomes]
    applicable = [
        each
        for each, reason in zip(outcomes, reasons, strict=True)
        if (each["used"] or reason) and not reason.startswith("private:")
    ]
    passed = sum(each["outcome"] == "passed" for each in applicable)
    part = passed / max(len(applicable), 1)
    sys.stdout.write(
        f"of {len(outcomes)} tests {len(applicable)} apply to quick_otel; {passed} of these pass "
        f"({part:.1%}). Others of its tests, by reason:\n"
    )
    for reason, count in Counter(filter(None, reasons)).most_common():
        sys.stdout.write(f"{count:5} {reason}\n")
    return part


if __name__ == "__main__":
    sys.exit(main())
