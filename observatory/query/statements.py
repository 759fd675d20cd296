"""Which statements a reader may run: one SELECT, SHOW, DESCRIBE, EXISTS or EXPLAIN.

The sessions that run them are read-only; this closes what `readonly` leaves open in an embedded
engine: files of this machine, models elsewhere, Python's objects, settings of subqueries. What is
run is the statement in the one canonical form that the engine's own parser prints.
"""

import re
from base64 import b64decode
from dataclasses import dataclass, replace
from json import loads
from typing import Any

from observatory.query.permissions import NotAllowed, look_at, look_at_writing
from observatory.store.engine import Engine, EngineError

__all__ = ["NotAllowed", "Statement", "check_values", "parsed", "reading", "writing"]

READING = ("SELECT", "WITH", "SHOW", "DESCRIBE", "EXISTS", "EXPLAIN", "(")
WRITING = (*READING, "CREATE", "INSERT", "ALTER", "TRUNCATE", "DROP", "RENAME", "OPTIMIZE")
NAMING = ("SHOW", "DESCRIBE", "EXISTS")
"""Those that take names; the parser has no tree for most of them."""
_DROP_FUNCTION = re.compile(r"DROP FUNCTION (?:IF EXISTS )?\w+")
PARSE_SECONDS, LONGEST_VALUES = 5, 200_000
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_FORMAT = re.compile(r"\sFORMAT\s+(\w+|'·*')\s*$")
_BEYOND_NAMES = re.compile(r"\(|\bINTO\s+OUTFILE\b|\bSETTINGS\s+\w+\s*=")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement in canonical form, and the format it asks for, if any."""

    text: str
    format: str | None
    selects: bool = False
    """Of an INSERT: the rows come from a query."""

    @property
    def verb(self) -> str:
        """Its first word."""
        return "(" if self.text.startswith("(") else self.text.partition(" ")[0].upper()


def parsed(engine: Engine, sql: str) -> Statement:
    """The statement that `sql` is.

    Raises:
        EngineError: it is none, or more than one.

    """
    text = _printed(engine, "formatQuerySingleLine", sql)
    asked = _FORMAT.search(_blank(text))
    if asked is None:
        return Statement(text, None)
    return Statement(text[: asked.start()], text[asked.start(1) : asked.end(1)].strip('`"'))


def reading(engine: Engine, sql: str, database: str = "") -> Statement:
    """As `parsed`, if a reader may run it; names are looked up in `database` first.

    Raises:
        NotAllowed: it writes, or reaches beyond the tables.
        EngineError: the engine can't read it.

    """
    statement = parsed(engine, sql)
    if statement.verb not in READING:
        raise NotAllowed(f"{statement.verb} is not for readers: ask with SELECT, SHOW or DESCRIBE")
    if statement.verb in NAMING:
        _look_at_names(statement)
    else:
        look_at(_tree(engine, statement), database)
    return statement


def writing(engine: Engine, sql: str) -> Statement:
    """As `parsed`, if a writer may run it.

    Raises:
        NotAllowed: it is not for requests that stand for themselves, or reaches beyond the tables.
        EngineError: the engine can't read it.

    """
    statement = parsed(engine, sql)
    if statement.verb not in WRITING or statement.text.startswith("CREATE TEMPORARY"):
        raise NotAllowed(f"{statement.verb} is not for requests that stand for themselves")
    if statement.verb in NAMING:
        _look_at_names(statement)
        return statement
    if _DROP_FUNCTION.fullmatch(statement.text):  # it has no tree
        return statement
    tree = _tree(engine, statement, with_format=True)
    look_at_writing(tree)
    return replace(statement, selects="select" in tree)


def check_values(engine: Engine, values: bytes) -> bool:
    """Whether the expressions behind VALUES may be evaluated; literals may stand there anyway.

    Raises:
        NotAllowed: they call what a writer may not.

    """
    if len(values) > LONGEST_VALUES:
        return False
    sql = f"SELECT {values.decode(errors='replace').rstrip().rstrip(';')}"
    try:
        look_at_writing(_tree(engine, Statement(sql, None)))
    except EngineError:
        return False
    return True


def _look_at_names(statement: Statement) -> None:
    """SHOW and the like take names and patterns; of files not even whether they are there."""
    if found := _BEYOND_NAMES.search(_blank(statement.text)):
        raise NotAllowed(f"{statement.verb} takes names here; leave out {found[0]!r}")
    if "{" in _blank(statement.text):
        raise NotAllowed(f"{statement.verb} takes names as they are, not as parameters")
    if any("/" in quoted[0] for quoted in _QUOTED.finditer(statement.text)):
        raise NotAllowed(f"{statement.verb} takes the names of tables, not of files")


def _tree(engine: Engine, statement: Statement, *, with_format: bool = False) -> Any:
    form = f" FORMAT {statement.format}" if with_format and statement.format else ""
    try:
        return loads(_printed(engine, "parseQueryToJSON", statement.text + form))
    except RecursionError as error:
        raise NotAllowed("it is nested too deeply; make it flatter") from error
    except EngineError as error:
        if "JSON serialization" in str(error):  # it has no tree for this kind
            raise NotAllowed(f"this kind of {statement.verb} is not possible here") from error
        raise


def _printed(engine: Engine, function: str, sql: str) -> str:
    # Values come back as tab-separated text, escaped; base64 has nothing to escape.
    asking = f"SELECT base64Encode({function}("
    try:
        printed = engine.write(
            f"{asking}{{sql:String}}))", "TSV", {"sql": sql}, seconds=PARSE_SECONDS
        ).content
    except EngineError as error:
        raise EngineError(str(error).partition(f": In scope {asking}")[0]) from error
    return b64decode(printed).decode(errors="replace").strip()


def _blank(text: str) -> str:
    """The same, of the same length, with everything quoted blotted out."""
    return _QUOTED.sub(lambda quoted: "'" + "·" * (len(quoted[0]) - 2) + "'", text)
