"""What readers may not do, told from the tree that the engine's own parser makes of a statement.

No way of writing it hides anything there: `SELECT * APPLY(file)` reads files as `file('…')` does.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

TABLE_FUNCTIONS = frozenset(
    ("numbers", "numbers_mt", "zeros", "generateseries", "generate_series", "values", "view")
)
"""That make their rows themselves."""
FUNCTIONS = frozenset(
    (
        *("file", "sleep", "sleepeachrow", "eval", "evalmlmethod", "catboostevaluate"),
        *("showcertificate", "hascolumnintable"),
    )
)
"""That read files, run what they are given, or keep others waiting."""
AI = re.compile("ai[A-Z]")
"""How functions begin that ask a model elsewhere."""
SYSTEM = frozenset(
    (
        *("aggregate_function_combinators", "build_options", "codecs", "collations", "columns"),
        *("completions", "data_skipping_indices", "data_type_families", "databases"),
        *("documentation", "errors", "events", "formats", "functions", "keywords", "licenses"),
        *("merge_tree_settings", "merges", "metrics", "mutations", "numbers", "numbers_mt", "one"),
        *("parts", "parts_columns", "processes", "projections", "settings", "table_engines"),
        *("table_functions", "tables", "time_zones", "zeros", "zeros_mt"),
    )
)
"""Tables of the database system that say what there is, and how it is."""
_IN = re.compile(r"(?:global)?(?:not)?(?:null)?in(?:ignoreset)?", re.IGNORECASE)
_ONLY = "queries read the tables of this database only"
Node = Mapping[str, Any]


class NotAllowed(Exception):
    """A reader may not run this; says what to do instead."""


def look_at(tree: Any, database: str) -> None:
    """Nothing, if a reader may run the statement; names are looked up in `database` first.

    Raises:
        NotAllowed: it reaches beyond the tables.

    """
    for node in _nodes(tree):
        kind, name = node.get("type"), str(node.get("name", ""))
        _look_at_clauses(node)
        _look_at_function(str(node.get("func_name", "")))  # of APPLY
        if kind == "TableIdentifier":
            _look_at_table(_parts(node, database))
        if kind in ("Function", "Identifier"):
            _look_at_function(name)
        if kind == "Function" and _IN.fullmatch(name):
            _look_at_right_side(node, database)


def _nodes(tree: Any) -> Iterator[Node]:
    """All nodes of a tree, however deep."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _look_at_clauses(node: Node) -> None:
    if "out_file" in node:
        raise NotAllowed("leave out INTO OUTFILE: the answer comes back to you")
    for name, below in node.items():  # a subquery's settings are not held to `readonly`
        ours = (node.get("type"), name) == ("ExplainQuery", "settings")  # what is to be explained
        if isinstance(below, dict) and below.get("type") == "SetQuery" and not ours:
            raise NotAllowed("leave out SETTINGS: they are what they are for readers")
    if "table_function" in node:
        _look_at_table_function(node["table_function"])


def _look_at_function(name: str) -> None:
    if name.lower() in FUNCTIONS or AI.match(name):
        raise NotAllowed(f"leave out {name}: {_ONLY}")


def _look_at_table_function(function: Node) -> None:
    name = str(function["name"])
    if function.get("is_compound_name"):  # a view with parameters
        _look_at_table(name.split("."))
    elif name.lower() not in TABLE_FUNCTIONS:
        raise NotAllowed(f"leave out {name}(…): {_ONLY}")


def _look_at_right_side(node: Node, database: str) -> None:
    """Of IN: it may be the name of a table."""
    for operand in node["arguments"]["children"][1:]:
        if operand["type"] == "Identifier":
            _look_at_table(_parts(operand, database))


def _parts(node: Node, database: str) -> list[str]:
    """The names of a table and its database, as far as the statement has them."""
    parts: list[str] = node.get("name_parts") or []
    if not all(parts):
        raise NotAllowed("a name in a statement can't be a parameter")
    return parts or [database, str(node["name"])]


def _look_at_table(parts: list[str]) -> None:
    *databases, table = parts
    if not table:
        raise NotAllowed("the name of a table can't be a parameter")
    if "/" in table:
        raise NotAllowed(f"leave out files: {_ONLY}")
    if databases[-1:] == ["system"] and table not in SYSTEM:
        raise NotAllowed(f"system.{table} is not for readers; system.tables and the like are")
