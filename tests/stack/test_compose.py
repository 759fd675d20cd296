"""What docker-compose.yml promises, read from the file: no engine is needed."""

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from collector.merging import as_one_file
from tests.cases import cases
from tests.processes import ROOT
from tests.waiting import TIMEOUT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
GUARD = "no-demo-secrets-beyond-localhost"
RUNNING = sorted(name for name, each in SERVICES.items() if each["restart"] == "unless-stopped")
ONCE = sorted(set(SERVICES) - set(RUNNING))
OURS = {"vitrine:local", "vitrine-traffic:local"}
MINIMUM = 6 * 1024
"""Mebibytes of the laptop that it fits on."""
DEMO = "itrine-demo"
"""What every demo secret contains."""
UNITS = {"m": 1, "g": 1024}


def mebibytes(limit: str) -> int:
    return int(limit[:-1]) * UNITS[limit[-1]]


def mounted() -> list[str]:
    """Files and folders of the repository that a container sees."""
    named = [each for of in SERVICES.values() for each in of.get("volumes", ())]
    return [each.partition(":")[0] for each in named if each.startswith(".")]


def variables(text: str) -> dict[str, str]:
    """Variables that the file uses, with their defaults."""
    return dict(re.findall(r"\$\{(\w+)([^}]*)\}", text))


@cases("name", SERVICES)
def test_nothing_is_published_beyond_this_machine(name: str) -> None:
    for port in SERVICES[name].get("ports", ()):
        assert port.startswith("${BIND_ADDRESS:-127.0.0.1}:"), port
        assert GUARD in SERVICES[name]["depends_on"]
    assert SERVICES[name].get("network_mode") in {None, "none"}


@cases("name", SERVICES)
def test_every_image_is_pinned_and_every_service_is_bounded(name: str) -> None:
    service = SERVICES[name]
    _, _, tag = service["image"].rpartition(":")
    assert service["image"] in OURS or re.fullmatch(r"v?\d+\.\d+\.\d+", tag), service["image"]
    assert mebibytes(service["mem_limit"]) > 0
    assert {"max-size", "max-file"} <= set(service["logging"]["options"])
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["CHOWN"] if name == "queue-folder" else [])
    assert service["read_only"]


@cases("name", RUNNING)
def test_what_runs_says_whether_it_is_well(name: str) -> None:
    service = SERVICES[name]
    if "healthcheck" not in service:
        assert service["image"] in OURS
        assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2]
        return
    assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert service["healthcheck"]["retries"] * 5 <= 180


@cases("name", ONCE)
def test_what_runs_once_is_tried_again_within_bounds(name: str) -> None:
    assert SERVICES[name]["restart"].startswith("no" if name == GUARD else "on-failure:")
    assert SERVICES[name]["healthcheck"] == {"disable": True}


def test_waiting_is_for_something_that_can_be_waited_for() -> None:
    for service in SERVICES.values():
        for name, wait in service.get("depends_on", {}).items():
            done = "service_completed_successfully"
            assert wait["condition"] == (done if name in ONCE else "service_healthy")


def test_the_service_starts_without_any_of_the_others() -> None:
    assert set(SERVICES["app"]["depends_on"]) == {GUARD}


def test_it_fits_a_laptop() -> None:
    limits = [mebibytes(SERVICES[name]["mem_limit"]) for name in RUNNING]
    assert sum(limits) < MINIMUM - 512


@cases("path", mounted())
def test_mounted_files_are_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_named_volumes_are_declared_and_used() -> None:
    used = {
        each.partition(":")[0]
        for service in SERVICES.values()
        for each in service.get("volumes", ())
        if not each.startswith(".")
    }
    assert used == set(COMPOSE["volumes"])


def test_nothing_has_to_be_prepared_and_the_example_names_each_secret() -> None:
    defaults = re.findall(r"\$\{(\w+):-([^}]*)\}", (ROOT / "docker-compose.yml").read_text())
    example = (ROOT / ".env.example").read_text().splitlines()
    given = dict(line.split("=", 1) for line in example if line and not line.startswith("#"))
    secrets = {name for name, default in defaults if DEMO in default}
    assert secrets == {name for name, value in given.items() if not value}
    assert len({pair for pair in defaults if pair[0] in secrets}) == len(secrets), "always the same"
    assert ":?" not in (ROOT / "docker-compose.yml").read_text()
    for name, value in given.items():
        assert value == "" or (name, value) in {*defaults, ("SIGNOZ_EMAIL", value)}, name
    assert all(secret in str(SERVICES[GUARD]["environment"]) for secret in secrets)


def test_the_page_of_the_stack_says_how_to_log_in() -> None:
    page = (ROOT / "docs/stack.md").read_text()
    defaults = variables((ROOT / "docker-compose.yml").read_text())
    for name in ("SIGNOZ_EMAIL", "SIGNOZ_PASSWORD", "CLICKHOUSE_REPORTS_PASSWORD"):
        assert defaults[name].removeprefix(":-") in page


@cases(
    ("address", "secrets", "refused"),
    [
        ("127.0.0.1", "vitrine-demo-reports", False),
        ("::1", "Vitrine-demo-1", False),
        ("0.0.0.0", "c27b49Aa1_ 9be1d2Aa1_", False),
        ("0.0.0.0", "c27b49Aa1_ Vitrine-demo-1", True),
        ("192.168.1.9", "vitrine-demo-hash-key", True),
    ],
)
def test_demo_secrets_are_for_this_machine_only(address: str, secrets: str, refused: bool) -> None:
    guard = SERVICES[GUARD]
    script = guard["command"][0].replace("$$", "$")
    done = subprocess.run(
        [*guard["entrypoint"], script],
        env={"BIND_ADDRESS": address, "SECRETS": secrets},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == refused
    assert ("make .env" in done.stderr) == refused


def test_the_collector_of_signoz_has_the_same_configuration_as_one_file() -> None:
    assert (ROOT / "signoz" / "otel-collector.yaml").read_text() == as_one_file("signoz")


def test_a_secret_is_made_once_and_what_one_has_set_stays(tmp_path: Path) -> None:
    example = (ROOT / ".env.example").read_text()
    made, sample = tmp_path / ".env", tmp_path / ".env.example"
    command = ["make", "--silent", "--file", str(ROOT / "Makefile"), ".env"]
    sample.write_text(example)
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=TIMEOUT)
    assert made.stat().st_mode & 0o777 == 0o600
    first = made.read_text()
    pairs = zip(example.splitlines(), first.splitlines(), strict=True)
    secrets = [has for wanted, has in pairs if wanted != has]
    assert len(set(secrets)) == example.count("=\n")
    assert all(re.fullmatch(r"[A-Z_]+=[\w-]{24,}", each) for each in secrets)
    changed = first.replace("APP_PORT=8000", "APP_PORT=8001").replace(secrets[0], "")
    made.write_text(changed.rstrip("\n"))  # as an editor may leave it
    sample.write_text(example + "# New\nNEW=1\n")
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=TIMEOUT)
    again = made.read_text()
    assert {"APP_PORT=8001", "NEW=1", *secrets[1:]} <= set(again.splitlines())
    assert again.count("\n") == (example + "# New\nNEW=1\n").count("\n")


def test_a_copy_of_the_example_gets_its_secrets_too(tmp_path: Path) -> None:
    example = (ROOT / ".env.example").read_text()
    for name in (".env", ".env.example"):
        (tmp_path / name).write_text(example + "OWN=1\n" * (name == ".env"))
    command = ["make", "--silent", "--file", str(ROOT / "Makefile"), ".env"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=TIMEOUT)
    made = (tmp_path / ".env").read_text()
    assert "=\n" not in made
    assert made.endswith("OWN=1\n")


def test_secrets_are_not_committed_nor_sent_to_the_builder() -> None:
    assert "/.env" in (ROOT / ".gitignore").read_text().splitlines()
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    assert allowed[0] == "*"
    assert all(any(ROOT.glob(line[1:])) for line in allowed[1:] if line.startswith("!"))


def test_the_override_for_checks_changes_only_services_that_exist() -> None:
    text = Path(__file__).with_name("compose.observatory.yml").read_text()
    changed = yaml.safe_load(re.sub(r"!(override|reset)( null)?", "", text))["services"]
    assert set(changed) <= set(SERVICES)
