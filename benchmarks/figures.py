"""Writes the benchmarks' figures into docs/*.md.

    python -m benchmarks.figures            # write the tables from docs/figures/*.json
    python -m benchmarks.figures --take     # first copy the results from benchmarks/results/
    python -m benchmarks.figures --check    # write nothing; fail if a table differs

A table is between `<!-- figures NAME: column, column … -->` and `<!-- end -->`; without a list of
columns it has all of them.
"""

import argparse
import json
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.report import RESULTS

DOCS = Path(__file__).parents[1] / "docs"
DOCUMENTS = tuple(
    DOCS / f"{name}.md" for name in ("performance", "drift", "feedback", "diagnosis", "encoders")
)
FIGURES = DOCS / "figures"
PLACE = re.compile(r"<!-- figures ([\w-]+)(?:: ([^>]+?))? -->\n.*?<!-- end -->", re.DOTALL)


def cell(value: object) -> str:
    """A number with at most three significant digits; any other value as text."""
    if isinstance(value, float):
        rounded = float(f"{value:.3g}")
        return f"{rounded:,.0f}" if abs(rounded) >= 100 else f"{rounded:g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def table(measured: Mapping[str, Any], columns: list[str]) -> str:
    """The rows as Markdown, and how and when they were measured."""
    rows = measured["rows"]
    columns = columns or list(rows[0])
    if unknown := set(columns).difference(*rows):
        raise SystemExit(f"{measured['name']} has no column {', '.join(sorted(unknown))}")
    machine = measured["machine"]
    texts = [all(isinstance(row.get(column, ""), str) for row in rows) for column in columns]
    lines = [columns, ["---" if text else "---:" for text in texts]]
    lines += [[cell(row.get(column, "")) for column in columns] for row in rows]
    command = f"`python -m benchmarks.{measured['name'].partition('-')[0]}`"
    day = measured["at"].partition("T")[0]
    where = f"{machine['cores']} cores ({machine['machine']}), Python {machine['python']}"
    about = f"{command}, {day}, {where}."
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{text}\n\n{' '.join(filter(None, (about, measured.get('note'))))}"


def filled(document: str, figures: Path) -> str:
    """The document with its tables regenerated."""

    def place(found: re.Match[str]) -> str:
        columns = [each.strip() for each in re.split(r",\s", found[2] or "") if each]
        name = found[1]
        path, head = figures / f"{name}.json", found[0].partition("\n")[0]
        text = f"Not measured yet: `python -m benchmarks.{name.partition('-')[0]}`."
        if path.exists():
            text = table(json.loads(path.read_text("utf-8")), columns)
        return f"{head}\n\n{text}\n\n<!-- end -->"

    return PLACE.sub(place, document)


def main() -> None:
    """Write the tables, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--take", action="store_true", help="copy the latest results first")
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    given = parser.parse_args()
    for each in RESULTS.glob("*.json") if given.take else ():
        shutil.copy(each, FIGURES)
    for document in DOCUMENTS:
        current = document.read_text("utf-8")
        expected = filled(current, FIGURES)
        if not given.check:
            document.write_text(expected, "utf-8")
        elif current != expected:
            sys.exit(f"docs/{document.name} differs from docs/figures/*.json: make docs")


if __name__ == "__main__":
    main()
