"""The rules of the house that no linter checks: sizes, and what knows what."""

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path for package in ("app", "observatory") for path in (ROOT / package).rglob("*.py")
)
LONGEST_FILE, LONGEST_FUNCTION, USUAL_FUNCTION, SCREEN = 200, 40, 25, 80


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """The name and number of lines of every function in a file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            yield f"{path.relative_to(ROOT)}:{node.name}", node.end_lineno - node.lineno + 1


def test_files_are_short() -> None:
    lengths = {str(path): len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert {name for name, length in lengths.items() if length > LONGEST_FILE} == set()


def test_functions_are_short() -> None:
    lengths = dict(each for path in SOURCES for each in functions(path))
    assert {name for name, length in lengths.items() if length > LONGEST_FUNCTION} == set()
    assert np.percentile(list(lengths.values()), 90) <= USUAL_FUNCTION


def test_the_pipeline_fits_one_screen() -> None:
    pipeline = ROOT / "app" / "recommend" / "pipeline.py"
    assert len(pipeline.read_text("utf-8").splitlines()) <= SCREEN


def test_handlers_are_at_most_ten_lines() -> None:
    for path in (ROOT / "app" / "api").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.AsyncFunctionDef) and _is_handler(node):
                body = node.body[-1].end_lineno or 0
                assert body - node.body[0].lineno < 10, f"{path.name}:{node.name}"


def _is_handler(node: ast.AsyncFunctionDef) -> bool:
    return any("router." in ast.unparse(each) for each in node.decorator_list)


def test_quick_otel_knows_nothing_of_this_repository() -> None:
    for path in (ROOT / "quick_otel").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                names += [each.name for each in node.names]
                assert not {name.split(".")[0] for name in names} & {"app", "observatory"}, path
