"""Ids of documents: which names are valid, and ids for other names and for file paths."""

import re
import unicodedata
from collections.abc import Iterable
from hashlib import blake2b
from os import fsencode
from pathlib import PurePath

MAX_ID = 128
ID = r"^[A-Za-z0-9][A-Za-z0-9._:-]*$"
_VALID = re.compile(ID.removeprefix("^").removesuffix("$"))
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_READABLE = re.compile(r"[A-Za-z0-9]+")
_DIGITS = 12


def valid(name: str) -> bool:
    """Whether a name is a valid id."""
    return len(name) <= MAX_ID and _VALID.fullmatch(name) is not None


def id_of_name(name: str) -> str:
    """An id for any name: the name if it is valid, else its readable characters and a hash.

    >>> id_of_name("DOC_001"), id_of_name("https://a.b/c")
    ('DOC_001', 'https-a-b-c-f3fa22fdadce')
    """
    return name if valid(name) else _made(name)


def ids_of_paths(paths: Iterable[PurePath]) -> dict[PurePath, str]:
    """A distinct id for each path, also if names differ only in Unicode composition.

    Some file systems decompose names: without such a pair, both forms get the same id.
    """
    found, taken = dict[PurePath, str](), set[str]()
    for path in sorted(paths, key=lambda each: not unicodedata.is_normalized("NFC", str(each))):
        id_ = id_of_path(path)
        found[path] = id_ if id_ not in taken else _made(path.as_posix(), exact=True)
        taken.add(id_)
    return found


def id_of_path(path: PurePath) -> str:
    """A stable and distinct id for a file path relative to the imported folder.

    `cooking/fresh-bread.md` becomes `cooking.fresh-bread`; a path with characters other than
    letters, digits, `_` and `-`, or with a suffix other than `.md`, gets a hash at its end.
    """
    plain = path.with_suffix("") if path.suffix == ".md" else path
    name = ".".join(plain.parts)
    if all(_PLAIN.fullmatch(part) for part in plain.parts) and valid(name):
        return name
    return _made(path.as_posix(), name)


def _made(name: str, shown: str = "", *, exact: bool = False) -> str:
    """Readable characters of `shown` (or `name`) and the hash of `name`, in NFC unless `exact`."""
    hashed = fsencode(name if exact else unicodedata.normalize("NFC", name))
    words = _READABLE.findall(unicodedata.normalize("NFKD", shown or name))
    readable = "-".join(words)[: MAX_ID - _DIGITS - 1] or "document"
    return f"{readable}-{blake2b(hashed, digest_size=_DIGITS // 2).hexdigest()}"
