"""Everything is set up once, stays as it is, and manual changes are reverted."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.signoz.fake_signoz import SigNoz
from tests.signoz.provisioning import FOLDER, Provisioner

KINDS = {"channels": "channel", "rules": "rule", "dashboards": "dashboard", "views": "view"}
COUNTS = {noun: len([*(FOLDER / kind).glob("*.json")]) for kind, noun in KINDS.items()}
RULES = "/api/v2/rules"
DASHBOARD, RULE = "vitrine-service", "Catalogue empty"
CHANNEL, VIEW = "vitrine-operators", "vitrine-served-events"


def test_the_first_run_creates_everything_in_order(
    signoz: SigNoz, provisioner: Provisioner
) -> None:
    assert provisioner() == 0
    assert set(provisioner.outcomes) == {"created"}
    made = Counter(noun for noun, _ in provisioner.outcomes["created"])
    assert dict(made) == COUNTS
    total = made.total()
    assert provisioner.last == f"{total + 3} objects: {total} created, 2 unchanged, 1 updated"
    order = [*dict.fromkeys(signoz.writes)]
    assert [each.rpartition("/")[2] for each in order] == [
        "channels", "rules", "dashboards", "saved_views", "ttl",
    ]  # fmt: skip


def test_what_it_made_is_marked(signoz: SigNoz, provisioner: Provisioner) -> None:
    provisioner()
    assert signoz.one("rules", RULE)["labels"]["managed_by"] == "vitrine"
    tags = signoz.one("dashboards", DASHBOARD)["tags"]
    assert {"key": "managed-by", "value": "vitrine"} in tags


def test_the_second_run_changes_nothing(signoz: SigNoz, provisioner: Provisioner) -> None:
    provisioner()
    signoz.writes.clear()
    for arguments in ([], ["--check"], ["--prune"]):
        assert provisioner(*arguments) == 0
        assert set(provisioner.outcomes) == {"unchanged"}
        total = sum(COUNTS.values()) + 3
        assert provisioner.last == f"{total} objects: {total} unchanged"
    assert signoz.writes == []


def test_a_check_of_an_empty_one_finds_everything_missing(
    signoz: SigNoz, provisioner: Provisioner
) -> None:
    assert provisioner("--check") == 1
    assert set(provisioner.outcomes) == {"missing"}
    assert len(provisioner.outcomes["missing"]) == sum(COUNTS.values())
    assert signoz.writes == []


def drift(signoz: SigNoz) -> dict[str, str]:
    """Changes one object of each kind by hand; where."""
    signoz.one("channels", CHANNEL)["webhook_configs"][0]["url"] = "http://elsewhere/"
    signoz.one("rules", RULE)["disabled"] = True
    panels = signoz.one("dashboards", DASHBOARD)["spec"]["panels"]
    panels["another"] = next(iter(panels.values()))
    signoz.one("saved_views", VIEW)["spec"]["queries"][0]["spec"]["filter"] = {}
    return {
        CHANNEL: "webhook_configs[0].url",
        RULE: "disabled",
        DASHBOARD: "spec.panels.another",
        VIEW: "spec.queries[0].spec.filter.expression",
    }


def test_a_changed_object_is_reported_and_mended(signoz: SigNoz, provisioner: Provisioner) -> None:
    provisioner()
    places = drift(signoz)
    signoz.writes.clear()
    assert provisioner("--check") == 1
    assert {name for _, name in provisioner.outcomes["different"]} == places.keys()
    for name, place in places.items():
        assert provisioner.reasons[name].startswith(place)
    assert signoz.writes == []
    assert provisioner() == 0
    assert {name for _, name in provisioner.outcomes["updated"]} == places.keys()
    assert len(signoz.writes) == 4
    assert provisioner("--check") == 0


def test_what_a_file_contains_again_is_updated(
    signoz: SigNoz, provisioner: Provisioner, files: Path
) -> None:
    provisioner()
    path = files / "dashboards" / f"{DASHBOARD}.json"
    path.write_text(path.read_text().replace('"duration": "1h"', '"duration": "3h"'))
    assert provisioner() == 0
    assert provisioner.outcomes["updated"] == [("dashboard", DASHBOARD)]
    assert provisioner.reasons[DASHBOARD] == "spec.duration"
    assert signoz.one("dashboards", DASHBOARD)["spec"]["duration"] == "3h"


def test_what_was_removed_is_reported_and_deleted_only_on_request(
    signoz: SigNoz, provisioner: Provisioner, files: Path
) -> None:
    rule = {"alert": "Of somebody else", "labels": {}}
    signoz.put("rules", rule)
    signoz.put("channels", {"name": "of somebody else", "webhook_configs": []})
    provisioner()
    (files / "dashboards" / f"{DASHBOARD}.json").unlink()
    [path] = [each for each in (files / "rules").iterdir() if f'"{RULE}"' in each.read_text()]
    path.unlink()
    gone = [("dashboard", DASHBOARD), ("rule", RULE)]
    assert provisioner() == 0
    assert provisioner.outcomes["extra"] == gone
    assert provisioner("--check") == 1
    assert provisioner.outcomes["extra"] == gone
    assert DASHBOARD in signoz.names("dashboards")
    assert provisioner("--prune") == 0
    assert provisioner.outcomes["deleted"] == gone
    assert provisioner("--check") == 0
    assert "Of somebody else" in signoz.names("rules")
    assert "of somebody else" in signoz.names("channels")


def test_a_rule_that_was_made_twice_is_one_too_many(
    signoz: SigNoz, provisioner: Provisioner
) -> None:
    provisioner()
    signoz.put("rules", dict(signoz.one("rules", RULE)))
    assert provisioner("--check") == 1
    assert provisioner.outcomes["extra"] == [("rule", RULE)]
    assert provisioner("--prune") == 0
    assert signoz.names("rules").count(RULE) == 1
    assert provisioner("--check") == 0


def test_a_rule_that_lost_its_mark_is_taken_over_and_not_made_again(
    signoz: SigNoz, provisioner: Provisioner
) -> None:
    provisioner()
    signoz.one("rules", RULE)["labels"] = {}
    assert provisioner() == 0
    assert provisioner.outcomes["updated"] == [("rule", RULE)]
    assert signoz.names("rules").count(RULE) == 1


def test_a_rule_of_the_same_name_of_another_author_stays_as_it_is(
    signoz: SigNoz, provisioner: Provisioner
) -> None:
    provisioner()
    ours = dict(signoz.objects[RULES])
    signoz.objects[RULES].clear()
    signoz.put("rules", {"alert": RULE})
    signoz.objects[RULES].update(ours)
    signoz.writes.clear()
    assert provisioner() == 0
    assert set(provisioner.outcomes) == {"unchanged"}
    assert signoz.writes == []


@pytest.mark.parametrize("others", [200, 450])
def test_dashboards_are_found_on_any_page(
    signoz: SigNoz, provisioner: Provisioner, others: int
) -> None:
    for number in range(others):
        signoz.put("dashboards", {"name": f"other-{number}", "spec": {"panels": {}}})
    provisioner()
    signoz.writes.clear()
    assert provisioner() == 0
    assert set(provisioner.outcomes) == {"unchanged"}
    assert signoz.writes == []


def test_variables_are_filled_in_and_other_dollars_stay(
    signoz: SigNoz, provisioner: Provisioner, files: Path
) -> None:
    path = files / "views" / f"{VIEW}.json"
    filters = "a$$b = 'x' AND c = $d AND e = '{{$value}}${UNKNOWN}'"
    view = json.loads(path.read_text())
    view["spec"]["queries"][0]["spec"]["filter"]["expression"] = filters
    path.write_text(json.dumps(view))
    provisioner.set(WEBHOOK_URL='http://hook/?a="b"', RUNBOOK_URL="http://books")
    assert provisioner() == 0
    assert signoz.one("channels", CHANNEL)["webhook_configs"][0]["url"] == 'http://hook/?a="b"'
    assert signoz.one("dashboards", DASHBOARD)["spec"]["links"][0]["url"] == "http://books"
    spec = signoz.one("saved_views", VIEW)["spec"]["queries"][0]["spec"]
    assert spec["filter"]["expression"] == filters


def test_retention_is_set_and_reported(signoz: SigNoz, provisioner: Provisioner) -> None:
    provisioner.set(RETENTION_TRACES_DAYS="7", RETENTION_LOGS_DAYS="3", RETENTION_METRICS_DAYS="0")
    wanted = {"traces": "15 days, not 7", "logs": "15 days, not 3"}
    assert provisioner("--check") == 1
    assert provisioner.retention == {name: f"different: {why}" for name, why in wanted.items()}
    assert signoz.writes == []
    assert provisioner() == 0
    assert provisioner.retention == {name: f"updated: {why}" for name, why in wanted.items()}
    assert signoz.retention == {"traces": 7 * 24, "logs": 3 * 24, "metrics": 720}
    assert provisioner("--check") == 0
