"""Permission checks on the syntax tree that the engine's parser produces.

Checking the tree instead of the text covers every notation: `SELECT * APPLY(file)` reads files as
`file('…')` does.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

TABLE_FUNCTIONS = frozenset(
    ("numbers", "numbers_mt", "zeros", "generateseries", "generate_series", "values", "view")
)
"""Table functions that only generate rows."""
FUNCTIONS = frozenset(
    (
        *("file", "sleep", "sleepeachrow", "eval", "evalmlmethod", "catboostevaluate"),
        *("showcertificate", "hascolumnintable"),
    )
)
"""Forbidden functions: they read files, evaluate code, or sleep."""
AI = re.compile("ai[A-Z]")
"""Prefix of functions that call a remote model."""
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
"""Tables of the `system` database that readers may use: schema and state."""
WRITERS_TABLE_FUNCTIONS = TABLE_FUNCTIONS | {"merge", "null"}
ENGINES = re.compile(
    r"(?:(?:Replacing|Summing|Aggregating|Collapsing|VersionedCollapsing|Coalescing|Graphite)?"
    r"MergeTree|Memory|Null|Merge|Atomic)",
    re.IGNORECASE,
)
"""Table and database engines whose data is stored here and counts in the limits."""
_IN = re.compile(r"(?:global)?(?:not)?(?:null)?in(?:ignoreset)?", re.IGNORECASE)
OUTSIDE = re.compile(
    r"disk|table_disk|storage_policy|dynamic_disk\w*|format_schema\w*|output_format_schema"
    r"|format_template\w*|url_base|\w*_(?:path|url|endpoint|cache_name)"
)
"""Settings that name files, URLs or other storage."""
_ONLY = "queries may read only the tables of this database"
Node = Mapping[str, Any]


class NotAllowed(Exception):
    """The statement is not permitted; the message says what to do instead."""


def check_reader_tree(tree: Any, database: str) -> None:
    """Check the statement of a reader; unqualified names are resolved in `database`.

    Raises:
        NotAllowed: it uses something other than the tables.

    """
    for node in _nodes(tree):
        kind, name = node.get("type"), str(node.get("name", ""))
        _check_clauses(node)
        _check_function(str(node.get("func_name", "")))  # of APPLY
        if kind == "TableIdentifier":
            _check_table(_parts(node, database))
        if kind in ("Function", "Identifier"):
            _check_function(name)
        if kind == "Function" and _IN.fullmatch(name):
            _check_right_side(node, database)


def check_writer_tree(tree: Any) -> None:
    """Check the statement of a writer: it must stay within the database.

    Raises:
        NotAllowed: it uses files or other servers.

    """
    for node in _nodes(tree):
        _check_places(node)
        for change in node.get("changes", ()) if node.get("type") == "SetQuery" else ():
            check_outside(str(change.get("name", "")))
        for word in ("table_function", "as_table_function"):
            if word in node:
                _check_table_function(node[word], WRITERS_TABLE_FUNCTIONS)
        _check_function(str(node.get("func_name", "")))  # of APPLY
        if node.get("type") in ("Function", "Identifier") and "kind" not in node:
            _check_function(str(node.get("name", "")))


def _check_places(node: Node) -> None:
    """Check where a statement reads from and stores to."""
    name, kind = str(node.get("name", "")), str(node.get("kind", ""))
    if any(node.get(word) for word in ("out_file", "infile", "attach_from_path", "attach")):
        raise NotAllowed("writers may use tables, not files")
    if kind.endswith("_ENGINE") and not ENGINES.fullmatch(name):
        raise NotAllowed(f"the engine {name} stores its data elsewhere and is not allowed")
    if node.get("type") == "CreateQuery" and node.get("is_dictionary"):
        raise NotAllowed("dictionaries are not allowed: they read from other sources")
    command = str(node.get("command_type", ""))
    if node.get("detach") or command.startswith(("FREEZE", "UNFREEZE", "FETCH", "EXPORT")):
        raise NotAllowed("parts of tables can't be detached, frozen, fetched or exported")


def check_outside(setting: str) -> None:
    """Raises NotAllowed for a setting that names files, URLs or other storage."""
    if OUTSIDE.fullmatch(setting):
        raise NotAllowed(
            f"leave out the setting {setting}: it names something outside of the database"
        )


def _nodes(tree: Any) -> Iterator[Node]:
    """All nodes of a tree, without recursion."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _check_clauses(node: Node) -> None:
    if "out_file" in node:
        raise NotAllowed("leave out INTO OUTFILE: the result is in the response")
    for name, below in node.items():  # `readonly` does not restrict a subquery's settings
        ours = (node.get("type"), name) == ("ExplainQuery", "settings")  # those of EXPLAIN itself
        if isinstance(below, dict) and below.get("type") == "SetQuery" and not ours:
            raise NotAllowed("leave out SETTINGS: readers can't change them in a statement")
    if "table_function" in node:
        _check_table_function(node["table_function"])


def _check_function(name: str) -> None:
    if name.lower() in FUNCTIONS or AI.match(name):
        raise NotAllowed(f"leave out {name}: {_ONLY}")


def _check_table_function(function: Node, known: Collection[str] = TABLE_FUNCTIONS) -> None:
    name = str(function["name"])
    if function.get("is_compound_name"):  # a view with parameters
        _check_table(name.split("."))
    elif name.lower() not in known:
        raise NotAllowed(f"leave out {name}(…): {_ONLY}")


def _check_right_side(node: Node, database: str) -> None:
    """Check the right side of IN: it may be the name of a table."""
    for operand in node["arguments"]["children"][1:]:
        if operand["type"] == "Identifier":
            _check_table(_parts(operand, database))


def _parts(node: Node, database: str) -> list[str]:
    """Database (if any) and table that a node names."""
    parts: list[str] = node.get("name_parts") or []
    if not all(parts):
        raise NotAllowed("a name in a statement can't be a parameter")
    return parts or [database, str(node["name"])]


def _check_table(parts: list[str]) -> None:
    *databases, table = parts
    if not table:
        raise NotAllowed("the name of a table can't be a parameter")
    if "/" in table:
        raise NotAllowed(f"leave out files: {_ONLY}")
    if databases[-1:] == ["system"] and table not in SYSTEM:
        raise NotAllowed(
            f"readers may not use system.{table}; system.tables and similar tables are allowed"
        )
