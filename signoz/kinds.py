"""The four kinds of objects that are set up, and what SigNoz makes of each."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from signoz.server import Server

OURS = "vitrine"
PREFIX = f"{OURS}-"
"""Of the names of what has no room for a mark."""
PAGE = 200
"""Dashboards that are listed at once; SigNoz gives no more."""
Body = dict[str, Any]


class Kind:
    """One kind. `path` lists and creates; `key` tells its objects apart."""

    noun: ClassVar[str]
    path: ClassVar[str]
    key: ClassVar[str] = "name"

    @property
    def folder(self) -> str:
        """Where the files are."""
        return f"{self.noun}s"

    def listed(self, server: "Server") -> list[Body]:
        """All that are there, ours and others."""
        return list(server.ask("GET", self.path) or [])

    def whole(self, _server: "Server", listed: Body) -> Body:
        """One of them, with what can be compared and nothing else."""
        return listed

    def marked(self, body: Body) -> Body:
        """As it is sent, so that it is known as ours later."""
        return body

    def is_ours(self, listed: Body) -> bool:
        """Whether this made it."""
        return str(listed[self.key]).startswith(PREFIX)

    def create(self, server: "Server", body: Body) -> None:
        """Make it."""
        server.ask("POST", self.path, body)

    def update(self, server: "Server", listed: Body, body: Body) -> None:
        """Put it in the place of the one that is there."""
        server.ask("PUT", f"{self.path}/{listed['id']}", body)

    def delete(self, server: "Server", listed: Body) -> None:
        """Take it away."""
        server.ask("DELETE", f"{self.path}/{listed['id']}")


class Channels(Kind):
    """Where alerts go."""

    noun, path = "channel", "/api/v1/channels"

    def whole(self, _server: "Server", listed: Body) -> Body:
        """It is told as a text within."""
        body: Body = json.loads(listed["data"])
        return body


class Rules(Kind):
    """Alerts. Two may have one name, so that only the first of them counts."""

    noun, path, key = "rule", "/api/v2/rules", "alert"
    LABEL = "managed_by"

    def whole(self, _server: "Server", listed: Body) -> Body:
        """Without its state, and who made it when."""
        own = {"id", "state", "createdAt", "updatedAt", "createdBy", "updatedBy"}
        return _without(listed, own)

    def marked(self, body: Body) -> Body:
        """By a label, which receivers of alerts see too."""
        return body | {"labels": body.get("labels", {}) | {self.LABEL: OURS}}

    def is_ours(self, listed: Body) -> bool:
        """By the label, whatever its name is."""
        return bool((listed.get("labels") or {}).get(self.LABEL) == OURS)


class Dashboards(Kind):
    """Listed page by page, and without their panels."""

    noun, path = "dashboard", "/api/v2/dashboards"
    TAG: ClassVar[Mapping[str, str]] = {"key": "managed-by", "value": OURS}

    def listed(self, server: "Server") -> list[Body]:
        """All pages."""
        found: list[Body] = []
        while True:
            page = server.ask("GET", f"{self.path}?limit={PAGE}&offset={len(found)}")
            found += page["dashboards"] or []
            if len(page["dashboards"] or []) < PAGE:
                return found

    def whole(self, server: "Server", listed: Body) -> Body:
        """With its panels."""
        told: Body = server.ask("GET", f"{self.path}/{listed['id']}")
        return {name: told.get(name) for name in ("schemaVersion", "name", "image", "tags", "spec")}

    def marked(self, body: Body) -> Body:
        """By a tag."""
        return body | {"tags": [*body.get("tags", []), dict(self.TAG)]}

    def is_ours(self, listed: Body) -> bool:
        """By the tag."""
        return dict(self.TAG) in (listed.get("tags") or [])


class Views(Kind):
    """Saved searches. A name is for ever, and may not even be said again."""

    noun, path = "view", "/api/v2/saved_views"

    def whole(self, _server: "Server", listed: Body) -> Body:
        """Without who made it when."""
        return _without(listed, {"id", "createdAt", "updatedAt", "createdBy", "updatedBy"})

    def update(self, server: "Server", listed: Body, body: Body) -> None:
        """All of it but for the name."""
        super().update(server, listed, _without(body, {"name"}))


KINDS: tuple[Kind, ...] = (Channels(), Rules(), Dashboards(), Views())
"""In the order in which they need each other."""

FILLED_IN = {
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
"""What SigNoz adds where a file says nothing; besides that only what is empty."""


def difference(wanted: Any, found: Any, where: str = "") -> str:
    """The place of the first difference that matters, or nothing."""
    if isinstance(wanted, dict | None) and isinstance(found, dict | None) and wanted != found:
        mine, theirs = wanted or {}, found or {}
        places = ((name, f"{where}.{name}" if where else name) for name in sorted(mine | theirs))
        each = (difference(mine.get(name), theirs.get(name), place) for name, place in places)
        return next(filter(None, each), "")
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        pairs = enumerate(zip(wanted, found, strict=True))
        return next(filter(None, (difference(*pair, f"{where}[{i}]") for i, pair in pairs)), "")
    same = wanted == found or not (wanted or found)
    filled_in = wanted is None and found == FILLED_IN.get(where.rpartition(".")[2])
    return "" if same or filled_in else where or "all of it"


def _without(body: Body, names: set[str]) -> Body:
    return {name: value for name, value in body.items() if name not in names}
