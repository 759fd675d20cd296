"""What the model registry writes: its state, the changes of it, and a version's manifest."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.recommend.artefact import ArtefactRefused, parse

BUILT_IN = "fusion"
"""The id of the model that needs no training: champion until another version is promoted."""
VERSION_ID = re.compile(r"([1-9]\d{0,8})-[0-9a-f]{8}")


class Action(StrEnum):
    """What changes the state."""

    REGISTER = "register"
    PROMOTE = "promote"
    ROLL_BACK = "rollback"


@dataclass(frozen=True, slots=True)
class Author:
    """Who makes a change, and why."""

    name: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the state; a line of the audit log.

    `replaced`: the champion before it. `forced`: it was made although the gate had refused the
    version.
    """

    action: Action
    version: str
    replaced: str
    at: str
    by: str
    reason: str
    forced: bool = False

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> "Change":
        """From JSON. Raises ValueError, KeyError or TypeError."""
        known = {name: content[name] for name in cls.__dataclass_fields__}
        return cls(**known | {"action": Action(content["action"])})


@dataclass(frozen=True, slots=True)
class State:
    """The roles of versions, by their ids.

    `previous`: earlier champions, the latest last. `sequence`: of the newest version.
    """

    champion: str = BUILT_IN
    challenger: str | None = None
    previous: tuple[str, ...] = ()
    sequence: int = 0

    @property
    def in_use(self) -> frozenset[str]:
        """The versions that have a role."""
        challenger = () if self.challenger is None else (self.challenger,)
        return frozenset({self.champion, *self.previous, *challenger})

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> "State":
        """From JSON. Raises ArtefactRefused."""
        try:
            champion, challenger = content["champion"], content["challenger"]
            previous, sequence = tuple(content["previous"]), int(content["sequence"])
        except (KeyError, TypeError, ValueError) as error:
            raise ArtefactRefused(f"the state lacks something: {error!r}") from error
        named = [champion, *previous, *(() if challenger is None else (challenger,))]
        if not all(each == BUILT_IN or VERSION_ID.fullmatch(str(each)) for each in named):
            raise ArtefactRefused("the state names something that is not a version")
        return cls(champion, challenger, previous, sequence)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a version consists of, and what it must fit.

    `digest`: the hash of the files that decide answers. `files`: the SHA-256 of each file.
    `about`: what the version must fit; see `version_loader.py`.
    """

    id: str
    digest: str
    created_at: str
    files: Mapping[str, str]
    about: Mapping[str, Any]

    @property
    def trained_at(self) -> float:
        """Unix time."""
        return datetime.fromisoformat(self.created_at).timestamp()

    @classmethod
    def parse(cls, artefact: bytes, version: str) -> "Manifest":
        """The manifest of this version. Raises ArtefactRefused."""
        content = parse(artefact)
        try:
            names = {str(name): str(checksum) for name, checksum in content["files"].items()}
            about = dict(content["about"])
            found = cls(content["id"], content["digest"], content["created_at"], names, about)
            found.trained_at  # noqa: B018 - raises if it is no time
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise ArtefactRefused(f"something is missing or wrong: {error!r}") from error
        if found.id != version:
            raise ArtefactRefused(f"it is the manifest of {found.id!r}")
        return found


def sequence_of(version: str) -> int:
    """The sequence number in a version's id."""
    return int(version.partition("-")[0])
