"""Finds the Markdown files below a folder: each once, without hidden files and dependencies."""

import os
from pathlib import Path

from app.catalogue.importers.row import Notes, note

ENDINGS = (".md", ".markdown", ".mdx")
LEFT_OUT = frozenset({"node_modules", "__pycache__"})


def files_below(folder: Path, notes: Notes) -> list[Path]:
    """The files, sorted; skipped ones are counted in `notes`.

    A link is followed if its target is in the folder and is not read otherwise.
    """
    found = [path for path in _walk(folder, notes) if _is_wanted(path, notes)]
    files = [path for path in found if not path.is_symlink()]
    known, root = {path.resolve() for path in files}, folder.resolve()
    for path in sorted(path for path in found if path.is_symlink()):
        target = path.resolve() if path.is_file() else None  # is_file: also False for a loop
        if target and target not in known and target.is_relative_to(root):
            known.add(target)
            files.append(path)
        else:
            note(notes, "links not followed: to files read otherwise or outside, or broken")
    return sorted(path for path in files if path.is_file())


def _walk(folder: Path, notes: Notes) -> list[Path]:
    """Everything but folders."""
    found: list[Path] = []
    for here, below, names in os.walk(folder, onerror=lambda error: _unread(error, notes)):
        for name in sorted(below):
            if name.startswith(".") or name in LEFT_OUT:
                note(notes, "folders not read: hidden ones, node_modules, __pycache__")
                below.remove(name)
            elif Path(here, name).is_symlink():
                note(notes, "links to folders not followed")
        found += [Path(here, name) for name in names]
    return found


def _is_wanted(path: Path, notes: Notes) -> bool:
    if path.suffix.lower() not in ENDINGS:
        note(notes, f"files not read: other than {', '.join(ENDINGS)}")
        return False
    if path.name.startswith("."):
        note(notes, "hidden files not read")
        return False
    return True


def _unread(error: OSError, notes: Notes) -> None:
    note(notes, f"folder not read: {error.filename}: {error.strerror}")
