"""Which statements a reader may run: one SELECT, SHOW, DESCRIBE, EXISTS or EXPLAIN.

The engine's own parser prints the statement in its one canonical form first, without comments and
with every quote where it belongs; what is looked for is looked for there. The sessions that run it
are read-only besides: this closes what `readonly` leaves open in an embedded engine.
"""

import re
from base64 import b64decode
from dataclasses import dataclass

from observatory.engine import Engine

READING = ("SELECT", "WITH", "SHOW", "DESCRIBE", "EXISTS", "EXPLAIN", "(")
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_FORBIDDEN = re.compile(r"\bINTO\s+OUTFILE\b|\bfile\s*\(", re.IGNORECASE)
_FORMAT = re.compile(r"\sFORMAT\s+(\w+)\s*$")
_TABLE_FUNCTION = re.compile(r"\w\s*\(")


class NotAllowed(Exception):
    """A reader may not run this; says what to do instead."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement in canonical form, and the format it asks for, if any."""

    text: str
    format: str | None

    @property
    def verb(self) -> str:
        """Its first word."""
        return "(" if self.text.startswith("(") else self.text.partition(" ")[0].upper()


def parsed(engine: Engine, sql: str) -> Statement:
    """The statement that `sql` is.

    Raises:
        EngineError: it is none, or more than one.

    """
    # Values come back as tab-separated text, escaped; base64 has nothing to escape.
    printed = engine.run("SELECT base64Encode(formatQuerySingleLine({sql:String}))", sql=sql)
    text = b64decode(printed).decode(errors="replace").strip()
    asked = _FORMAT.search(_blank(text))
    if asked is None:
        return Statement(text, None)
    return Statement(text[: asked.start()], asked[1])


def reading(engine: Engine, sql: str) -> Statement:
    """As `parsed`, if a reader may run it.

    Raises:
        NotAllowed: it writes, or reaches beyond the tables.
        EngineError: the engine can't read it.

    """
    statement = parsed(engine, sql)
    if statement.verb not in READING:
        raise NotAllowed(f"{statement.verb} is not for readers: ask with SELECT, SHOW or DESCRIBE")
    bare = _blank(statement.text)
    if found := _FORBIDDEN.search(bare):
        raise NotAllowed(f"leave out {found[0]!r}: queries read the tables of this database only")
    if statement.verb in ("DESCRIBE", "SHOW", "EXISTS") and _TABLE_FUNCTION.search(bare):
        raise NotAllowed(f"{statement.verb} takes the name of a table")
    return statement


def _blank(text: str) -> str:
    """The same, of the same length, with everything quoted blotted out."""
    return _QUOTED.sub(lambda quoted: "'" + "·" * (len(quoted[0]) - 2) + "'", text)
