"""What knows what: rules of the layout that no linter checks."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cases import cases

ROOT = Path(__file__).parents[1]
HEART = frozenset({"fastapi", "starlette", "opentelemetry", "sqlite3"})
"""Packages that the heart doesn't know."""


def imported(folder: Path, pattern: str = "**/*.py") -> Iterator[tuple[str, str]]:
    """Each file's name with each module that it imports."""
    for path in folder.glob(pattern):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((path.name, each.name) for each in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield path.name, node.module or ""


def forbidden_imports(folder: Path) -> list[tuple[str, str]]:
    """What the heart must not import, and does."""
    return [
        (file, module)
        for file, module in imported(folder)
        if module.split(".")[0] in HEART
        or (module.startswith("app.") and not module.startswith("app.recommend"))
    ]


def test_the_heart_knows_no_framework_no_telemetry_and_no_database() -> None:
    assert forbidden_imports(ROOT / "app" / "recommend") == []


TELEMETRY, FAULTS = ("app.telemetry", "opentelemetry"), ("app.faults",)


@cases(
    ("folder", "forbidden"),
    [
        ("catalogue", ("app.api", "app.model", "fastapi", *TELEMETRY, *FAULTS)),
        ("wikipedia", ("app.api", "app.model", "fastapi", *TELEMETRY, *FAULTS)),
        ("model", ("app.api", "fastapi", *TELEMETRY, *FAULTS)),
        ("api", ("app.cli", "app.server", *FAULTS)),
        ("batch", ("app.composition", "fastapi", *TELEMETRY, *FAULTS)),
        ("faults", ("app.model", "app.wikipedia.client")),
    ],
)
def test_a_folder_knows_what_architecture_md_says(folder: str, forbidden: tuple[str, ...]) -> None:
    """docs/architecture.md#who-may-import-what"""
    every = imported(ROOT / "app" / folder)
    assert [
        each for each in every if f"{each[1]}.".startswith(tuple(f"{x}." for x in forbidden))
    ] == []


FORBIDDEN_IMPORTS = [
    "import sqlite3",
    "from fastapi import FastAPI",
    "from starlette.requests import Request",
    "from opentelemetry import trace",
    "from app.catalogue.store import Catalogue",
    "import app.telemetry.facts",
]


@pytest.mark.parametrize("line", FORBIDDEN_IMPORTS)
def test_a_forbidden_import_is_reported(tmp_path: Path, line: str) -> None:
    (tmp_path / "forbidden.py").write_text(line)
    assert [file for file, _ in forbidden_imports(tmp_path)] == ["forbidden.py"]


@cases("folder", ["app/recommend", "app/recommend/legs"])
@cases("line", FORBIDDEN_IMPORTS)
def test_make_check_reports_a_forbidden_import(folder: str, line: str) -> None:
    ruff = [str(Path(sys.executable).with_name("ruff")), "check", "--output-format=concise"]
    done = subprocess.run(
        [*ruff, f"--stdin-filename={folder}/forbidden.py", "-"],
        cwd=ROOT, input=line, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "TID251" in done.stdout, done.stdout + done.stderr


def test_the_seam_imports_nothing_of_the_service() -> None:
    seam = list(imported(ROOT / "app" / "recommend", "stages.py"))
    assert [module for _, module in seam if module.startswith("app")] == []


def test_the_service_patches_nothing_and_reaches_into_nothing_private() -> None:
    forbidden = re.compile(r"_internal|setattr\(|\.export = ")
    found = [
        f"{path.name}:{number}"
        for path in (ROOT / "app").rglob("*.py")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if forbidden.search(line)
    ]
    assert found == []


def test_quick_otel_knows_nothing_of_this_repository() -> None:
    ours = {"app", "observatory"}
    assert [each for each in imported(ROOT / "quick_otel") if each[1].split(".")[0] in ours] == []


def test_the_observatory_knows_nothing_of_the_service() -> None:
    """Its image has neither `app` nor `quick_otel`."""
    service = {"app", "quick_otel", "signoz", "collector"}
    found = imported(ROOT / "observatory")
    assert [each for each in found if each[1].split(".")[0] in service] == []
