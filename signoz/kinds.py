"""The four kinds of objects that are provisioned, and how SigNoz's API represents them."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from signoz.server import Server

OURS = "vitrine"
PREFIX = f"{OURS}-"
"""Name prefix that marks objects with neither labels nor tags as ours."""
PAGE = 200
"""Dashboards per page; SigNoz's maximum."""
Body = dict[str, Any]


class Kind:
    """One kind of object. `path`: the API's collection; `key`: the field with the name."""

    noun: ClassVar[str]
    path: ClassVar[str]
    key: ClassVar[str] = "name"

    @property
    def folder(self) -> str:
        """Where the files are."""
        return f"{self.noun}s"

    def listed(self, server: "Server") -> list[Body]:
        """All existing objects, ours and others."""
        return list(server.ask("GET", self.path) or [])

    def whole(self, _server: "Server", listed: Body) -> Body:
        """The object's declared fields, without those that SigNoz adds."""
        return listed

    def marked(self, body: Body) -> Body:
        """The body to send, with the mark by which `is_ours` recognises it."""
        return body

    def is_ours(self, listed: Body) -> bool:
        """Whether provision.py created it."""
        return str(listed[self.key]).startswith(PREFIX)

    def create(self, server: "Server", body: Body) -> None:
        """Create it."""
        server.ask("POST", self.path, body)

    def update(self, server: "Server", listed: Body, body: Body) -> None:
        """Replace the existing object."""
        server.ask("PUT", f"{self.path}/{listed['id']}", body)

    def delete(self, server: "Server", listed: Body) -> None:
        """Delete it."""
        server.ask("DELETE", f"{self.path}/{listed['id']}")


class Channels(Kind):
    """Notification channels."""

    noun, path = "channel", "/api/v1/channels"

    def whole(self, _server: "Server", listed: Body) -> Body:
        """SigNoz returns the channel as JSON text in `data`."""
        body: Body = json.loads(listed["data"])
        return body


class Rules(Kind):
    """Alert rules. SigNoz allows two of the same name; the first is ours."""

    noun, path, key = "rule", "/api/v2/rules", "alert"
    LABEL = "managed_by"

    def whole(self, _server: "Server", listed: Body) -> Body:
        """Without its state, authors and times."""
        own = {"id", "state", "createdAt", "updatedAt", "createdBy", "updatedBy"}
        return _without(listed, own)

    def marked(self, body: Body) -> Body:
        """With a label, which receivers of alerts see too."""
        return body | {"labels": body.get("labels", {}) | {self.LABEL: OURS}}

    def is_ours(self, listed: Body) -> bool:
        """By the label, whatever the name."""
        return bool((listed.get("labels") or {}).get(self.LABEL) == OURS)


class Dashboards(Kind):
    """Dashboards. The API lists them in pages, and without their panels."""

    noun, path = "dashboard", "/api/v2/dashboards"
    TAG: ClassVar[Mapping[str, str]] = {"key": "managed-by", "value": OURS}

    def listed(self, server: "Server") -> list[Body]:
        """The dashboards of all pages."""
        found: list[Body] = []
        while True:
            page = server.ask("GET", f"{self.path}?limit={PAGE}&offset={len(found)}")
            found += page["dashboards"] or []
            if len(page["dashboards"] or []) < PAGE:
                return found

    def whole(self, server: "Server", listed: Body) -> Body:
        """With its panels."""
        found: Body = server.ask("GET", f"{self.path}/{listed['id']}")
        names = ("schemaVersion", "name", "image", "tags", "spec")
        return {name: found.get(name) for name in names}

    def marked(self, body: Body) -> Body:
        """With a tag."""
        return body | {"tags": [*body.get("tags", []), dict(self.TAG)]}

    def is_ours(self, listed: Body) -> bool:
        """By the tag."""
        return dict(self.TAG) in (listed.get("tags") or [])


class Views(Kind):
    """Saved views. Names are immutable; an update must omit them."""

    noun, path = "view", "/api/v2/saved_views"

    def whole(self, _server: "Server", listed: Body) -> Body:
        """Without authors and times."""
        return _without(listed, {"id", "createdAt", "updatedAt", "createdBy", "updatedBy"})

    def update(self, server: "Server", listed: Body, body: Body) -> None:
        """Replace everything but the name."""
        super().update(server, listed, _without(body, {"name"}))


KINDS: tuple[Kind, ...] = (Channels(), Rules(), Dashboards(), Views())
"""In order of creation: rules refer to channels."""

SIGNOZ_DEFAULTS = {
    "timePreference": "global_time",
    "decimalPrecision": "2",
    "lineInterpolation": "spline",
    "lineStyle": "solid",
    "fillMode": "none",
    "position": "bottom",
    "mode": "list",
    "operator": "above",
    "format": "text",
    "sort": "none",
    "signal": "all",
    "send_resolved": True,
}
"""Values that SigNoz adds for fields that a file omits; it also adds empty ones."""


def difference(wanted: Any, found: Any, where: str = "") -> str:
    """The path of the first relevant difference; empty if there is none."""
    if isinstance(wanted, dict | None) and isinstance(found, dict | None) and wanted != found:
        mine, theirs = wanted or {}, found or {}
        places = ((name, f"{where}.{name}" if where else name) for name in sorted(mine | theirs))
        each = (difference(mine.get(name), theirs.get(name), place) for name, place in places)
        return next(filter(None, each), "")
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        pairs = enumerate(zip(wanted, found, strict=True))
        return next(filter(None, (difference(*pair, f"{where}[{i}]") for i, pair in pairs)), "")
    same = wanted == found or not (wanted or found)
    is_default = wanted is None and found == SIGNOZ_DEFAULTS.get(where.rpartition(".")[2])
    return "" if same or is_default else where or "all of it"


def _without(body: Body, names: set[str]) -> Body:
    return {name: value for name, value in body.items() if name not in names}
