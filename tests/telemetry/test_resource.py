"""Who is speaking: read off files as they are found in the world."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from app import __version__
from app.settings import TelemetrySettings
from app.telemetry.kit.resource import container_id, resource, revision

ID, OTHER = "0123456789abcdef" * 4, "fedcba9876543210" * 4
COMMIT, OLDER = "1" * 40, "2" * 40
MOUNT = "1127 1118 259:1 {root} {point} rw,relatime - ext4 /dev/root rw\n"


def mounts(folder: Path, *roots: str) -> Path:
    """A mountinfo file in which these were mounted, among others."""
    path = folder / "mountinfo"
    lines = [MOUNT.format(root=root, point="/etc/hostname") for root in ("/", *roots)]
    path.write_text("".join(lines))
    return path


@pytest.mark.parametrize(
    "root",
    [
        f"/var/lib/docker/containers/{ID}/hostname",
        f"/var/lib/containers/storage/overlay-containers/{ID}/userdata/hostname",
        f"/home/me/.local/share/containers/storage/overlay-containers/{ID}/userdata/hosts",
        f"/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope",
        f"/machine.slice/libpod-{ID}.scope",
        f"/docker/{ID}",
        f"/system.slice/docker-{ID}.scope",
    ],
)
def test_in_a_container(root: str, tmp_path: Path) -> None:
    assert container_id(mounts(tmp_path, root)) == ID


@pytest.mark.parametrize(
    "roots",
    [
        (),
        (f"/var/lib/docker/overlay2/{OTHER}/diff",),
        (f"/var/lib/docker/containers/{ID[:40]}/hostname",),
        (f"/var/lib/docker/volumes/{OTHER}/_data",),
    ],
)
def test_outside_of_a_container(roots: tuple[str, ...], tmp_path: Path) -> None:
    assert container_id(mounts(tmp_path, *roots)) == ""


def test_mounts_that_cannot_be_read(tmp_path: Path) -> None:
    assert container_id(tmp_path / "missing") == ""
    assert container_id(tmp_path) == ""


def test_mounts_whose_names_are_no_text(tmp_path: Path) -> None:
    path = mounts(tmp_path, f"/var/lib/docker/containers/{ID}/hostname")
    path.write_bytes(b"1 1 0:1 / /mnt/caf\xe9 rw - ext4 /dev/sda rw\n" + path.read_bytes())
    assert container_id(path) == ID


def git(folder: Path, files: Mapping[str, str]) -> Path:
    """A `.git` folder with these files."""
    for name, content in files.items():
        path = folder / ".git" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder / ".git"


PACKED = f"""# pack-refs with: peeled fully-peeled sorted
{OLDER} refs/heads/feature/main
{COMMIT} refs/heads/main
{OLDER} refs/tags/v1
^{OLDER}
"""


@pytest.mark.parametrize(
    "files",
    [
        {"HEAD": f"{COMMIT}\n"},
        {"HEAD": "ref: refs/heads/main\n", "refs/heads/main": f"{COMMIT}\n"},
        {"HEAD": "ref: refs/heads/a/b\n", "refs/heads/a/b": f"{COMMIT}\n"},
        {"HEAD": "ref: refs/heads/main\n", "packed-refs": PACKED},
        {
            "HEAD": "ref: refs/heads/feature/main\n",
            "refs/heads/feature/main": f"{COMMIT}\n",
            "packed-refs": PACKED,
        },
    ],
    ids=["detached", "branch", "branch in a folder", "packed", "newer than packed"],
)
def test_the_commit_that_is_checked_out(files: dict[str, str], tmp_path: Path) -> None:
    assert revision(git(tmp_path, files)) == COMMIT


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"config": ""},
        {"HEAD": "ref: refs/heads/main\n"},
        {"HEAD": "ref: refs/heads/other\n", "packed-refs": PACKED},
    ],
    ids=["no folder", "no HEAD", "no commit yet", "no such branch"],
)
def test_no_commit_is_checked_out(files: dict[str, str], tmp_path: Path) -> None:
    assert revision(git(tmp_path, files)) == ""


def test_a_work_tree_elsewhere(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /somewhere/else\n")
    assert revision(tmp_path / ".git") == ""


def test_every_worker_has_an_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(name, raising=False)
    one, other = (
        dict(resource("vitrine", __version__, TelemetrySettings()).attributes) for _ in range(2)
    )
    assert one.pop("service.instance.id") != other.pop("service.instance.id")
    assert one == other
    assert (one["service.name"], one["service.version"]) == ("vitrine", __version__)
    assert (one["process.pid"], one["deployment.environment.name"]) == (os.getpid(), "development")
    assert all(one.values())


def test_settings_apply_and_the_environment_overrides_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=lab,team=search")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "another")
    emitted = resource(
        "vitrine", __version__, TelemetrySettings(revision=OLDER, environment="production")
    ).attributes
    assert (emitted["vcs.ref.head.revision"], emitted["service.name"]) == (OLDER, "another")
    assert (emitted["deployment.environment.name"], emitted["team"]) == ("lab", "search")


def test_nothing_is_shown_of_what_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.telemetry.kit.resource.container_id", str)
    monkeypatch.setattr("app.telemetry.kit.resource.revision", str)
    emitted = resource("vitrine", __version__, TelemetrySettings()).attributes
    assert not {"container.id", "vcs.ref.head.revision"} & set(emitted)
