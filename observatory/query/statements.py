"""Parses and checks statements: a reader may run one SELECT, SHOW, DESCRIBE, EXISTS or EXPLAIN.

Readers' sessions are read-only already; these checks cover what `readonly` permits in an embedded
engine: local files, remote models, Python objects, settings of subqueries. The statement that runs
is the canonical form that the engine's own parser prints.
"""

import re
from base64 import b64decode
from dataclasses import dataclass, replace
from json import loads
from typing import Any

from observatory.query.permissions import NotAllowed, check_reader_tree, check_writer_tree
from observatory.store.engine import Engine, EngineError

__all__ = [
    "NotAllowed",
    "Statement",
    "check_values",
    "parse_reader_statement",
    "parse_statement",
    "parse_writer_statement",
]

READING = ("SELECT", "WITH", "SHOW", "DESCRIBE", "EXISTS", "EXPLAIN", "(")
WRITING = (*READING, "CREATE", "INSERT", "ALTER", "TRUNCATE", "DROP", "RENAME", "OPTIMIZE")
NAMING = ("SHOW", "DESCRIBE", "EXISTS")
"""Statements on names; the parser has no tree for most of them."""
_DROP_FUNCTION = re.compile(r"DROP FUNCTION (?:IF EXISTS )?\w+")
PARSE_SECONDS, MAX_VALUES_BYTES = 5, 200_000
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_FORMAT = re.compile(r"\sFORMAT\s+(\w+|'·*')\s*$")
_BEYOND_NAMES = re.compile(r"\(|\bINTO\s+OUTFILE\b|\bSETTINGS\s+\w+\s*=")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement in canonical form, and the format in its FORMAT clause, if any."""

    text: str
    format: str | None
    selects: bool = False
    """Whether it is an INSERT … SELECT."""

    @property
    def verb(self) -> str:
        """The first word, in upper case."""
        return "(" if self.text.startswith("(") else self.text.partition(" ")[0].upper()


def parse_statement(engine: Engine, sql: str) -> Statement:
    """Parse one statement.

    Raises:
        EngineError: `sql` is not a statement, or more than one.

    """
    text = _printed(engine, "formatQuerySingleLine", sql)
    clause = _FORMAT.search(_blank(text))
    if clause is None:
        return Statement(text, None)
    return Statement(text[: clause.start()], text[clause.start(1) : clause.end(1)].strip('`"'))


def parse_reader_statement(engine: Engine, sql: str, database: str = "") -> Statement:
    """Parse and check a reader's statement; unqualified names are resolved in `database`.

    Raises:
        NotAllowed: it writes, or uses something other than the tables.
        EngineError: a syntax error.

    """
    statement = parse_statement(engine, sql)
    if statement.verb not in READING:
        raise NotAllowed(
            f"{statement.verb} is not allowed for readers: use SELECT, SHOW or DESCRIBE"
        )
    if statement.verb in NAMING:
        _check_names(statement)
    else:
        check_reader_tree(_tree(engine, statement), database)
    return statement


def parse_writer_statement(engine: Engine, sql: str) -> Statement:
    """Parse and check a writer's statement.

    Raises:
        NotAllowed: it needs a session, or uses something outside of the database.
        EngineError: a syntax error.

    """
    statement = parse_statement(engine, sql)
    if statement.verb not in WRITING or statement.text.startswith("CREATE TEMPORARY"):
        raise NotAllowed(f"{statement.verb} is not supported: requests are stateless")
    if statement.verb in NAMING:
        _check_names(statement)
        return statement
    if _DROP_FUNCTION.fullmatch(statement.text):  # the parser has no tree for it
        return statement
    tree = _tree(engine, statement, with_format=True)
    check_writer_tree(tree)
    return replace(statement, selects="select" in tree)


def check_values(engine: Engine, values: bytes) -> bool:
    """Whether expressions after VALUES may be evaluated; if not, only literals are accepted.

    Raises:
        NotAllowed: they call a forbidden function.

    """
    if len(values) > MAX_VALUES_BYTES:
        return False
    sql = f"SELECT {values.decode(errors='replace').rstrip().rstrip(';')}"
    try:
        check_writer_tree(_tree(engine, Statement(sql, None)))
    except EngineError:
        return False
    return True


def _check_names(statement: Statement) -> None:
    """Check a statement of NAMING: names of tables only, so that no file can be probed."""
    if found := _BEYOND_NAMES.search(_blank(statement.text)):
        raise NotAllowed(f"{statement.verb} takes only names; leave out {found[0]!r}")
    if "{" in _blank(statement.text):
        raise NotAllowed(f"{statement.verb} takes literal names, not parameters")
    if any("/" in quoted[0] for quoted in _QUOTED.finditer(statement.text)):
        raise NotAllowed(f"{statement.verb} takes names of tables, not of files")


def _tree(engine: Engine, statement: Statement, *, with_format: bool = False) -> Any:
    form = f" FORMAT {statement.format}" if with_format and statement.format else ""
    try:
        return loads(_printed(engine, "parseQueryToJSON", statement.text + form))
    except RecursionError as error:
        raise NotAllowed("the statement is nested too deeply") from error
    except EngineError as error:
        if "JSON serialization" in str(error):  # the parser has no tree for this kind
            raise NotAllowed(f"this kind of {statement.verb} is not supported") from error
        raise


def _printed(engine: Engine, function: str, sql: str) -> str:
    # Tab-separated results are escaped; base64 contains nothing to escape.
    call = f"SELECT base64Encode({function}("
    try:
        printed = engine.write(
            f"{call}{{sql:String}}))", "TSV", {"sql": sql}, seconds=PARSE_SECONDS
        ).content
    except EngineError as error:
        raise EngineError(str(error).partition(f": In scope {call}")[0]) from error
    return b64decode(printed).decode(errors="replace").strip()


def _blank(text: str) -> str:
    """The same text with the content of quotes masked; the length stays the same."""
    return _QUOTED.sub(lambda quoted: "'" + "·" * (len(quoted[0]) - 2) + "'", text)
