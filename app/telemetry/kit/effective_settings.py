"""The effective settings of a process, to tell what differs between two instances or two starts."""

from collections.abc import Collection, Iterator
from hashlib import blake2b
from typing import Any

from pydantic import BaseModel, SecretStr

MAX_VALUE = 200
"""Limit of one value in characters."""
HIDDEN = "(set)"


def effective_settings(settings: BaseModel, without: Collection[str] = ()) -> tuple[str, ...]:
    """Every setting as `group.name=value`, `without` these groups.

    Secrets are replaced, and so is a value with `@`: it contains an address of a person, or
    credentials. URLs are without their queries, which may contain keys.
    """
    return tuple(
        f"{name}={_shown(value)}"
        for name, value in _leaves(settings)
        if name.partition(".")[0] not in without
    )


def settings_hash(shown: tuple[str, ...]) -> str:
    """16 hexadecimal digits of what `effective_settings` returns."""
    return blake2b("\n".join(shown).encode("utf-8", "replace"), digest_size=8).hexdigest()


def _leaves(settings: BaseModel, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _shown(value: object) -> str:
    text = "" if value is None else str(value)
    if isinstance(value, SecretStr) or "@" in text:
        return HIDDEN
    return (text.partition("?")[0] if "://" in text else text)[:MAX_VALUE]
