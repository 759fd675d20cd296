"""The table of settings, made from the settings."""

from collections.abc import Iterator

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from app.settings import Settings

HEAD = """# Settings

Every setting is an environment variable, checked at start. This table is generated
(`make docs`); a test fails when it is stale.

| variable | default | meaning |
|---|---|---|
"""


def settings_table() -> str:
    """Markdown with one row a setting."""
    return HEAD + "".join(_rows("VITRINE_", Settings))


def _rows(prefix: str, model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _rows(f"{prefix}{name.upper()}__", kind)
        else:
            yield f"| `{prefix}{name.upper()}` | {_default(field)} | {field.description} |\n"


def _default(field: FieldInfo) -> str:
    value = field.default
    return "" if value in (None, "") or isinstance(value, SecretStr) else f"`{value}`"
