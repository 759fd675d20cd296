"""Query settings sent with a request: applied or refused, never ignored."""

import re
from collections.abc import Mapping
from typing import Any

from observatory.query.permissions import NotAllowed, check_outside

_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_READERS = re.compile(
    r"(?:output|input)_format_\w+|format_\w+|date_time_\w+|bool_\w+_representation|cast_\w+"
    r"|join_\w+|group_by_use_nulls|aggregate_functions_null_for_empty|transform_null_in"
    r"|union_default_mode|intersect_default_mode|except_default_mode|extremes|final|offset|limit"
    r"|session_timezone|use_client_time_zone|prefer_column_name_to_alias|enable_\w+|optimize_\w+"
    r"|allow_(?!introspection)\w+|any_join_\w+|asterisk_\w+|data_type_default_nullable"
    r"|max_(?:rows|bytes)_(?:to|in)_\w+|max_columns_to_read|(?:read|result|group_by|sort|distinct"
    r"|timeout|join|set|transfer)_overflow_mode|log_comment|log_queries|send_logs_level"
    r"|use_\w*cache\w*|async_insert|wait_for_async_insert|query_cache_\w+|idle_connection_timeout"
)
"""Settings of readers: they change the form of a result, or lower a limit."""


def literal_settings(given: Mapping[str, str]) -> dict[str, Any]:
    """A writer's settings as literals for SET.

    Raises:
        NotAllowed: a name is invalid, or a setting names something outside of the database.

    """
    for name in given:
        if not _NAME.fullmatch(name):
            raise NotAllowed(f"{name[:100]!r} is not a setting")
        check_outside(name)
    return {name: _quoted(value) for name, value in given.items()}


def reader_settings(given: Mapping[str, str], bounds: Mapping[str, Any]) -> dict[str, Any]:
    """A reader's settings as literals for SET; `bounds`: the limits of every reader.

    Raises:
        NotAllowed: a setting is not for readers, or above its limit.

    """
    settings = literal_settings(given)
    for name, value in given.items():
        bound = bounds.get(name)
        if name == "readonly":  # applies to every reader anyway
            if value not in ("1", "2"):
                raise NotAllowed("readers can't change readonly")
            del settings[name]
        elif name in bounds and _NAME_OF_BOUND.match(name):
            if bound and not _within(value, float(bound)):
                raise NotAllowed(f"{name} must be above 0 and at most {bound:g}")
        elif not _READERS.fullmatch(name):
            raise NotAllowed(f"readers can't change the setting {name}")
    return settings


_NAME_OF_BOUND = re.compile("max_|limit$")


def _within(value: str, bound: float) -> bool:
    try:
        return 0 < float(value) <= bound
    except ValueError:
        return False


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
