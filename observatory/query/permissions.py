"""What readers and writers may not do, judged by the tree that the engine's parser makes.

No way of writing it hides anything there: `SELECT * APPLY(file)` reads files as `file('…')` does.
"""

import re
from collections.abc import Collection, Iterator, Mapping
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
WRITERS_TABLE_FUNCTIONS = TABLE_FUNCTIONS | {"merge", "null"}
ENGINES = re.compile(
    r"(?:(?:Replacing|Summing|Aggregating|Collapsing|VersionedCollapsing|Coalescing|Graphite)?"
    r"MergeTree|Memory|Null|Merge|Atomic)",
    re.IGNORECASE,
)
"""Of tables and databases: what they keep is here, and the bound on disk or memory counts it."""
_IN = re.compile(r"(?:global)?(?:not)?(?:null)?in(?:ignoreset)?", re.IGNORECASE)
OUTSIDE = re.compile(
    r"disk|table_disk|storage_policy|dynamic_disk\w*|format_schema\w*|output_format_schema"
    r"|format_template\w*|url_base|\w*_(?:path|url|endpoint|cache_name)"
)
"""Settings that name files, URLs or other places to store."""
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


def look_at_writing(tree: Any) -> None:
    """Nothing, if a writer may run the statement: all of it stays in the database.

    Raises:
        NotAllowed: it reads or writes files, or calls others.

    """
    for node in _nodes(tree):
        _look_at_places(node)
        for change in node.get("changes", ()) if node.get("type") == "SetQuery" else ():
            check_outside(str(change.get("name", "")))
        for word in ("table_function", "as_table_function"):
            if word in node:
                _look_at_table_function(node[word], WRITERS_TABLE_FUNCTIONS)
        _look_at_function(str(node.get("func_name", "")))  # of APPLY
        if node.get("type") in ("Function", "Identifier") and "kind" not in node:
            _look_at_function(str(node.get("name", "")))


def _look_at_places(node: Node) -> None:
    """Where a statement reads from and stores to."""
    name, kind = str(node.get("name", "")), str(node.get("kind", ""))
    if any(node.get(word) for word in ("out_file", "infile", "attach_from_path", "attach")):
        raise NotAllowed("writers read and write tables, not files")
    if kind.endswith("_ENGINE") and not ENGINES.fullmatch(name):
        raise NotAllowed(f"tables and databases of the engine {name} are kept elsewhere")
    if node.get("type") == "CreateQuery" and node.get("is_dictionary"):
        raise NotAllowed("dictionaries are read from elsewhere")
    command = str(node.get("command_type", ""))
    if node.get("detach") or command.startswith(("FREEZE", "UNFREEZE", "FETCH", "EXPORT")):
        raise NotAllowed("parts of tables are neither copied nor put aside here")


def check_outside(setting: str) -> None:
    """Raises NotAllowed for a setting that reaches outside of the database."""
    if OUTSIDE.fullmatch(setting):
        raise NotAllowed(f"leave out the setting {setting}: it reaches outside of the database")


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


def _look_at_table_function(function: Node, known: Collection[str] = TABLE_FUNCTIONS) -> None:
    name = str(function["name"])
    if function.get("is_compound_name"):  # a view with parameters
        _look_at_table(name.split("."))
    elif name.lower() not in known:
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
