"""How SigNoz answers with what it was sent: with more of its own, and open places filled in."""

import json
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy

from tests.signoz import signoz_validation
from tests.signoz.dashboard_validation import dashboard
from tests.signoz.signoz_validation import Body

DEMANDS: Mapping[str, Callable[[Body, Iterable[str]], None]] = {
    "/api/v1/channels": signoz_validation.channel,
    "/api/v2/rules": signoz_validation.rule,
    "/api/v2/dashboards": dashboard,
    "/api/v2/saved_views": signoz_validation.view,
}
PATHS = {path.rpartition("/")[2]: path for path in DEMANDS}
KEYS = {PATHS["rules"]: "alert"}
SOMEBODY = "somebody@example.com"
MADE = "2026-01-01T00:00:00Z"
OF_PANELS: Mapping[str, Body] = {
    "signoz/TimeSeriesPanel": {
        "visualization": {"timePreference": "global_time", "fillSpans": False},
        "chartAppearance": {"lineInterpolation": "spline", "lineStyle": "solid", "spanGaps": {}},
        "legend": {"position": "bottom", "mode": "list", "customColors": None},
        "thresholds": None,
    },
    "signoz/NumberPanel": {"visualization": {"timePreference": "global_time"}, "thresholds": None},
}
"""Some of what it fills in."""


def answered(path: str, id_: str, body: Body) -> Body:
    """As it is answered: with what is its own, and with what the body left open."""
    own = {"id": id_, "createdAt": MADE, "updatedAt": MADE}
    if path == PATHS["channels"]:
        filled_in = {"send_resolved": True, "max_alerts": 0}
        hooks = [filled_in | each for each in body["webhook_configs"]]
        data = {"name": body["name"], "webhook_configs": hooks}
        return own | {"name": body["name"], "type": "webhook", "data": json.dumps(data)}
    found = deepcopy(body) | own | {"createdBy": SOMEBODY, "updatedBy": SOMEBODY}
    if path == PATHS["rules"]:
        return {"state": "inactive", "disabled": False} | found
    if path == PATHS["dashboards"]:
        for each in found["spec"]["panels"].values():
            plugin = each["spec"]["plugin"]
            plugin["spec"] = _filled_in(OF_PANELS.get(plugin["kind"], {}), plugin["spec"])
        return {"image": "", "locked": False, "source": "user"} | found
    return found


def _filled_in(defaults: Body, body: Body) -> Body:
    both = {name: defaults.get(name) for name in defaults.keys() - body.keys()} | body
    return {
        name: _filled_in(defaults.get(name) or {}, each) if isinstance(each, dict) else each
        for name, each in both.items()
    }
