"""Generates the Markdown table of settings, and finds unknown variables."""

from collections.abc import Iterable, Iterator

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from app.settings import Settings

PREFIX = "VITRINE_"
Leaf = tuple[str, FieldInfo]
HEAD = """# Settings

Every setting is an environment variable, validated at start. This table is generated
(`make docs`); a test fails if it is out of date.

| variable | default | meaning |
|---|---|---|
"""


def settings_table() -> str:
    """Markdown with one row per setting."""
    rows = (f"| `{name}` | {_default(field)} | {field.description} |\n" for name, field in leaves())
    return HEAD + "".join(rows)


def unknown_names(environment: Iterable[str]) -> list[str]:
    """Variables with the prefix that are not settings: most likely misspelt."""
    known = {name for name, _ in leaves()}
    groups = {name.rpartition("__")[0] for name in known}
    mine = {name for name in environment if name.startswith(PREFIX)}
    return sorted(mine - known - groups)


def leaves(prefix: str = PREFIX, model: type[BaseModel] = Settings) -> Iterator[Leaf]:
    """Every setting as (variable, field)."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from leaves(f"{prefix}{name.upper()}__", kind)
        else:
            yield f"{prefix}{name.upper()}", field


def _default(field: FieldInfo) -> str:
    value = field.default
    return "" if value in (None, "") or isinstance(value, SecretStr) else f"`{value}`"
