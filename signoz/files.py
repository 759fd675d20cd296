"""Reads the JSON files that declare the objects to create in SigNoz."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from signoz.kinds import Kind


class Unreadable(Exception):
    """A file is invalid; the message names it."""

    code = 2


@dataclass(frozen=True, slots=True)
class Wanted:
    """One object to create, and the file that declares it."""

    file: str
    name: str
    body: dict[str, Any]


def wanted(folder: Path, kind: "Kind", variables: Mapping[str, str]) -> list[Wanted]:
    """The objects of a kind, marked as ours; `${NAME}` in them is replaced by a variable."""
    found = list(_read(folder, kind, variables))
    files: dict[str, str] = {}
    for each in found:
        if not kind.is_ours(each.body):
            raise Unreadable(f"{each.file}: names of {kind.folder} must begin with vitrine-.")
        if each.name in files:
            raise Unreadable(f"{files[each.name]} and {each.file} have the same name, {each.name}.")
        files[each.name] = each.file
    return found


def _read(folder: Path, kind: "Kind", variables: Mapping[str, str]) -> Iterator[Wanted]:
    if not (folder / kind.folder).is_dir():
        raise Unreadable(f"No folder {kind.folder} in {folder}.")
    for path in sorted((folder / kind.folder).glob("*.json")):
        file = f"{kind.folder}/{path.name}"
        try:
            body = json.loads(_filled_in(path.read_text("utf-8"), variables))
        except (OSError, ValueError) as error:
            raise Unreadable(f"{file} is not JSON: {error}.") from error
        if not isinstance(body, dict) or not isinstance(body.get(kind.key), str):
            raise Unreadable(f"{file} has no {kind.key}.")
        yield Wanted(file, body[kind.key], kind.marked(body))


def _filled_in(text: str, variables: Mapping[str, str]) -> str:
    """Replace only known variables: SigNoz uses `{{$…}}`, and some names contain `$$`."""
    return re.sub(
        r"\$\{(\w+)\}",
        lambda found: json.dumps(variables[found[1]])[1:-1] if found[1] in variables else found[0],
        text,
    )
