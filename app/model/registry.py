"""The model registry: versions on disk, which of them serves, and who changed that when.

    data/models/
      state.json     champion, challenger and earlier champions; replaced atomically
      audit.jsonl    every change of it
      3-5f1d0b8e/    a version: written once, never changed, with the checksum of each file

A version's id is a sequence number for people and the hash of the files that decide answers: the
same training gives the same hash, and is registered once. Processes may share the folder: changes
are made one at a time under a file lock, and readers see the state before or after a change.
"""

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from app.model.atomic_file import sync_folder, write_whole
from app.model.registry_records import (
    BUILT_IN,
    VERSION_ID,
    Action,
    Author,
    Change,
    Manifest,
    State,
    sequence_of,
)
from app.recommend.artefact import ArtefactRefused, dump, parse

STATE, AUDIT, LOCK, MANIFEST = "state.json", "audit.jsonl", "lock", "manifest.json"
CARD, READABLE_CARD = "card.json", "card.md"
PROFILE = "profile.json"
DESCRIPTIVE = (CARD, READABLE_CARD, PROFILE)
"""Files that describe a version and do not decide answers: they are not part of its hash."""
MAX_AUDIT, MAX_PREVIOUS, MAX_UNUSED = 1000, 20, 20
"""Retained changes, earlier champions, and versions without a role."""
MAX_BYTES = 16_777_216
"""Maximum size of one file of a version."""
T = TypeVar("T")
_UNREADABLE = (ValueError, KeyError, TypeError)

Stamp = tuple[int, int, int, int]
"""Identifies one writing of the state file."""


class UnknownVersion(LookupError):
    """There is no such version, or several."""


class NoPreviousVersion(LookupError):
    """There is no earlier champion to go back to."""


def utc_now() -> str:
    """RFC 3339, in seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class Registry:
    """The registry in a folder, which is created by the first change."""

    def __init__(self, folder: Path, clock: Callable[[], str] = utc_now) -> None:
        self.folder, self._clock = folder, clock
        self._state = folder / STATE

    def stamp(self) -> Stamp | None:
        """Differs after each change; None: nothing was registered yet. Costs one `stat`."""
        try:
            found = self._state.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size

    def state(self) -> State:
        """The current state. Raises ArtefactRefused if its file is damaged."""
        try:
            artefact = self._state.read_bytes()
        except FileNotFoundError:
            return State()
        return State.parse(parse(artefact))

    def state_by_audit(self) -> State:
        """The state after the last change in the audit log, for when the state file is damaged."""
        for line in reversed(self._audit_lines()):
            with suppress(*_UNREADABLE):
                return State.parse(json.loads(line)["state"])
        return State()

    def current_state(self) -> State:
        """The state; if its file is damaged, that after the last change in the audit log."""
        try:
            return self.state()
        except ArtefactRefused:
            return self.state_by_audit()

    def changes(self) -> list[Change]:
        """The audit log, oldest first, without lines that can't be read."""
        found = []
        for line in self._audit_lines():
            with suppress(*_UNREADABLE):
                found.append(Change.parse(json.loads(line)))
        return found

    def has_passed(self, version: str) -> bool:
        """Whether the gate has let a version pass, in any of its trainings."""
        return any(
            (each.action, each.version, each.forced) == (Action.REGISTER, version, False)
            for each in self.changes()
        )

    def ids(self) -> list[str]:
        """The ids of all trained versions, oldest first."""
        names = [each.name for each in self.folder.glob("*-*") if VERSION_ID.fullmatch(each.name)]
        return sorted(names, key=sequence_of)

    def resolve(self, name: str) -> str:
        """The id of a version by its id, its sequence number or its hash. Raises UnknownVersion."""
        known = [BUILT_IN, *self.ids()]
        found = [each for each in known if name in (each, *each.split("-"))]
        if len(found) != 1:
            raise UnknownVersion(f"there is no version “{name}”; there are: {', '.join(known)}")
        return found[0]

    def manifest(self, version: str) -> Manifest:
        """What a version consists of. Raises ArtefactRefused if its manifest is damaged."""
        return self._parsed(version, MANIFEST, lambda content: Manifest.parse(content, version))

    def read(self, version: str) -> tuple[Manifest, dict[str, bytes]]:
        """A version with the content of its files. Raises ArtefactRefused if one is damaged."""
        manifest = self.manifest(version)
        contents = {name: self._read(version, name) for name in manifest.files}
        for name, content in contents.items():
            if sha256(content).hexdigest() != manifest.files[name]:
                raise ArtefactRefused(f"{name}: its checksum is not the one in {MANIFEST}")
        return manifest, contents

    def card(self, version: str) -> dict[str, Any]:
        """A version's model card; empty for the built-in model. Raises ArtefactRefused."""
        return {} if version == BUILT_IN else self._parsed(version, CARD, parse)

    def _parsed(self, version: str, name: str, parser: Callable[[bytes], T]) -> T:
        content = self._read(version, name)
        try:
            return parser(content)
        except ArtefactRefused as error:
            raise ArtefactRefused(f"{name}: {error}") from error

    def _read(self, version: str, name: str) -> bytes:
        if not VERSION_ID.fullmatch(version) or Path(name).name != name:
            raise ArtefactRefused(f"{version!r} and {name!r} do not name a file of a version")
        try:
            with (self.folder / version / name).open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise ArtefactRefused(f"{name} can't be read: {error.strerror}") from error
        if len(content) > MAX_BYTES:
            raise ArtefactRefused(f"{name} has more than {MAX_BYTES} bytes")
        return content

    def _audit_lines(self) -> list[str]:
        try:
            text = (self.folder / AUDIT).read_text("utf-8", "replace")
        except FileNotFoundError:
            return []
        return [line for line in text.split("\n") if line]

    def register(
        self, files: Mapping[str, bytes], about: Mapping[str, Any], by: Author, *, forced: bool
    ) -> Change:
        """Store a version, unless there is one with the same content, and make it the challenger.

        `about`: what the version must fit. Raises OSError.
        """
        sums = {name: sha256(content).hexdigest() for name, content in sorted(files.items())}
        deciding = {name: each for name, each in sums.items() if name not in DESCRIPTIVE}
        digest = sha256(json.dumps(deciding).encode()).hexdigest()
        with self._locked() as before:
            after = before
            version = next((each for each in self.ids() if self._holds(each, digest)), None)
            if version is None:
                sequence = max([before.sequence, *map(sequence_of, self.ids())]) + 1
                version = f"{sequence}-{digest[:8]}"
                self._store(Manifest(version, digest, self._clock(), sums, about), files)
                after = replace(before, sequence=sequence)
            if version != before.champion:
                after = replace(after, challenger=version)
            change = self._change(Action.REGISTER, version, before, by, forced=forced)
            self._apply(change, after)
            self._remove_unused(after)
        return change

    def promote(self, version: str, by: Author, *, forced: bool = False) -> Change:
        """Make a version (its id) the champion. Raises OSError."""
        with self._locked() as before:
            after = before
            if version != before.champion:
                after = replace(
                    before,
                    champion=version,
                    previous=(*before.previous, before.champion)[-MAX_PREVIOUS:],
                    challenger=None if version == before.challenger else before.challenger,
                )
            change = self._change(Action.PROMOTE, version, before, by, forced=forced)
            self._apply(change, after)
        return change

    def roll_back(self, usable: Callable[[str], bool], by: Author) -> Change:
        """Make the latest earlier champion that is `usable` the champion again.

        Raises NoPreviousVersion, OSError.
        """
        with self._locked() as before:
            previous = list(before.previous)
            while previous:
                version = previous.pop()
                if version != before.champion and usable(version):
                    change = self._change(Action.ROLL_BACK, version, before, by)
                    challenger = None if version == before.challenger else before.challenger
                    after = replace(
                        before, champion=version, challenger=challenger, previous=tuple(previous)
                    )
                    self._apply(change, after)
                    return change
        raise NoPreviousVersion(f"no usable version served before {before.champion}")

    @contextmanager
    def _locked(self) -> Iterator[State]:
        """The state, while no other process or thread can change it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / LOCK).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield self.current_state()

    def _holds(self, version: str, digest: str) -> bool:
        """Whether a version is undamaged and has this content."""
        try:
            return self.read(version)[0].digest == digest
        except ArtefactRefused:
            return False

    def _store(self, manifest: Manifest, files: Mapping[str, bytes]) -> None:
        unfinished = self.folder / f".{manifest.id}.part"
        shutil.rmtree(unfinished, ignore_errors=True)
        for name, content in {**files, MANIFEST: dump(asdict(manifest))}.items():
            write_whole(unfinished / name, content)
            (unfinished / name).chmod(0o444)
        unfinished.rename(self.folder / manifest.id)
        sync_folder(self.folder)

    def _change(
        self, action: Action, version: str, before: State, by: Author, *, forced: bool = False
    ) -> Change:
        return Change(action, version, before.champion, self._clock(), by.name, by.reason, forced)

    def _apply(self, change: Change, state: State) -> None:
        """Write the audit log, then the state: there is no change that is not in the log."""
        line = json.dumps({**asdict(change), "state": asdict(state)})
        lines = [*self._audit_lines(), line][-MAX_AUDIT:]
        write_whole(self.folder / AUDIT, "".join(f"{each}\n" for each in lines).encode())
        write_whole(self._state, dump(asdict(state)))

    def _remove_unused(self, state: State) -> None:
        """Remove the oldest versions without a role beyond MAX_UNUSED."""
        unused = [each for each in self.ids() if each not in state.in_use]
        for each in unused[: max(len(unused) - MAX_UNUSED, 0)]:
            shutil.rmtree(self.folder / each, ignore_errors=True)
