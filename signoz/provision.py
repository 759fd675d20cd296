"""Sets up SigNoz from the files in this folder: channels, rules, dashboards, views, retention.

python signoz/provision.py            creates what is missing, updates what differs
python signoz/provision.py --check    writes nothing; exits with 1 if something differs
python signoz/provision.py --prune    also deletes what it created and no file names any more

It recognises its own objects by a label (rules: managed_by), a tag (dashboards: managed-by), or a
name that begins with vitrine- (channels and views). It needs only Python 3.11 and this folder.

Environment:
SIGNOZ_URL          (http://127.0.0.1:8080)
SIGNOZ_EMAIL        (admin@vitrine.example) an administrator
SIGNOZ_PASSWORD     has no default
SIGNOZ_WEBHOOK_URL  (http://127.0.0.1:8090/) receiver of alerts: Alertmanager's webhook format
SIGNOZ_RUNBOOK_URL  (http://localhost:8000/runbook) target of the links to the runbook
SIGNOZ_EXTERNAL_URL (http://localhost:8080) SigNoz as browsers reach it, for links in alerts
SIGNOZ_RETENTION_TRACES_DAYS (15), SIGNOZ_RETENTION_LOGS_DAYS (15), SIGNOZ_RETENTION_METRICS_DAYS
                    (45) how long SigNoz keeps each signal; 0 leaves it unchanged
SIGNOZ_PATIENCE     (120) seconds to wait until SigNoz serves

Exit codes: 0; 1 (--check: something differs); 2 (a setting or a file is wrong); 3 (SigNoz does not
answer); 4 (it refuses the login); 5 (it refused an object; the others are set up).
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if __package__:
    from signoz.files import Unreadable, Wanted, wanted
    from signoz.kinds import KINDS, Body, Kind, difference
    from signoz.retention import DEFAULTS as RETENTION_DAYS
    from signoz.retention import InvalidRetention, Retention, retentions, variable
    from signoz.server import ProvisioningError, Refused, Server
elif not TYPE_CHECKING:  # run as a file
    from files import Unreadable, Wanted, wanted
    from kinds import KINDS, Body, Kind, difference
    from retention import DEFAULTS as RETENTION_DAYS
    from retention import InvalidRetention, Retention, retentions, variable
    from server import ProvisioningError, Refused, Server

FOLDER = Path(__file__).parent
DEFAULTS = {
    "SIGNOZ_URL": "http://127.0.0.1:8080",
    "SIGNOZ_EMAIL": "admin@vitrine.example",
    "SIGNOZ_WEBHOOK_URL": "http://127.0.0.1:8090/",
    "SIGNOZ_RUNBOOK_URL": "http://localhost:8000/runbook",
    "SIGNOZ_EXTERNAL_URL": "http://localhost:8080",
    "SIGNOZ_PATIENCE": "120",
} | {variable(signal): str(days) for signal, days in RETENTION_DAYS.items()}
FILE_VARIABLES = ("SIGNOZ_WEBHOOK_URL", "SIGNOZ_RUNBOOK_URL", "SIGNOZ_EXTERNAL_URL")
DRIFT = {"missing", "different", "extra"}


@dataclass(slots=True)
class Provisioning:
    """One run. Prints the outcome of each object, and counts the outcomes."""

    server: Server
    check: bool
    prune: bool
    counts: Counter[str] = field(default_factory=Counter)

    def run(self, plan: Mapping[Kind, Sequence[Wanted]], kept: Sequence[Retention]) -> int:
        """Objects in order, then surplus ones in reverse, then retention; the exit code."""
        extra: list[tuple[Kind, Body]] = []
        for kind, objects in plan.items():
            there = kind.listed(self.server)
            used = [self._provision(kind, each, there) for each in objects]
            extra += [(kind, one) for one in there if kind.is_ours(one) and one not in used]
        for kind, one in reversed(extra):
            self._surplus(kind, one)
        for each in kept:
            self._retain(each)
        counted = ", ".join(f"{times} {outcome}" for outcome, times in self.counts.items())
        print(f"{self.counts.total()} objects: {counted}")
        if self.counts["refused"]:
            return Refused.code
        return int(self.check and bool(DRIFT & self.counts.keys()))

    def _provision(self, kind: Kind, each: Wanted, there: Sequence[Body]) -> Body | None:
        """Create, update or compare one object; the object that SigNoz had, if any."""
        named = [one for one in there if one[kind.key] == each.name]
        one = next(iter(sorted(named, key=kind.is_ours, reverse=True)), None)
        try:
            if one is None:
                self._create(kind, each)
            else:
                self._compare(kind, each, one)
        except Refused as error:
            self._report("refused", kind.noun, each.name, f"{each.file}: {error}")
        return one

    def _create(self, kind: Kind, each: Wanted) -> None:
        if not self.check:
            kind.create(self.server, each.body)
        self._report("missing" if self.check else "created", kind.noun, each.name)

    def _compare(self, kind: Kind, each: Wanted, one: Body) -> None:
        where = difference(each.body, kind.whole(self.server, one))
        if not where:
            self._report("unchanged", kind.noun, each.name)
            return
        if not self.check:
            kind.update(self.server, one, each.body)
        self._report("different" if self.check else "updated", kind.noun, each.name, where)

    def _surplus(self, kind: Kind, one: Body) -> None:
        name, outcome = one[kind.key], "extra"
        try:
            if self.prune:
                kind.delete(self.server, one)
                outcome = "deleted"
        except Refused as error:
            self._report("refused", kind.noun, name, f"can't be deleted: {error}")
            return
        self._report(
            outcome, kind.noun, name, "" if self.prune else "in no file; --prune deletes it"
        )

    def _retain(self, each: Retention) -> None:
        try:
            found = each.found(self.server)
            differs = found != each.days
            if differs and not self.check:
                each.apply(self.server)
        except Refused as error:
            self._report("refused", "retention", each.signal, str(error))
            return
        outcome = ("different" if self.check else "updated") if differs else "unchanged"
        why = f"{found:g} days, not {each.days}" if differs else f"{each.days} days"
        self._report(outcome, "retention", each.signal, why)

    def _report(self, outcome: str, noun: str, name: str, why: str = "") -> None:
        self.counts[outcome] += 1
        print(f"{outcome:<9}  {noun:<9}  {name}" + (f"  ({why})" if why else ""), flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    options = _options(arguments)
    settings = DEFAULTS | {name: value for name, value in os.environ.items() if value}
    variables = {name: settings[name] for name in FILE_VARIABLES}
    try:
        plan = {kind: wanted(options.folder, kind, variables) for kind in KINDS}
        kept = retentions(settings)
        server = Server(*_account(settings))
        server.await_ready(_seconds(settings["SIGNOZ_PATIENCE"]))
        return Provisioning(server, options.check, options.prune).run(plan, kept)
    except (Unreadable, InvalidRetention, ProvisioningError) as error:
        print(error, file=sys.stderr)
        return error.code


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="provision.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--check", action="store_true", help="write nothing, list what differs")
    kinds.add_argument("--prune", action="store_true", help="delete what no file names any more")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="folder of the JSON files")
    return parser.parse_args(arguments)


def _account(settings: Mapping[str, str]) -> tuple[str, str, str]:
    if "SIGNOZ_PASSWORD" not in settings:
        raise ProvisioningError("SIGNOZ_PASSWORD is not set; it is the password of SIGNOZ_EMAIL.")
    return settings["SIGNOZ_URL"], settings["SIGNOZ_EMAIL"], settings["SIGNOZ_PASSWORD"]


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ProvisioningError(
            f"SIGNOZ_PATIENCE is {text!r}; it must be a number of seconds."
        ) from None


if __name__ == "__main__":
    sys.exit(main())
