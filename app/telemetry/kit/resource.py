"""The resource attributes of a worker process."""

import os
import platform
import re
import socket
from pathlib import Path
from uuid import uuid4

from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.semconv._incubating.attributes import (
    container_attributes,
    deployment_attributes,
    host_attributes,
    process_attributes,
    service_attributes,
    vcs_attributes,
)
from opentelemetry.semconv.schemas import Schemas
from opentelemetry.util.types import AnyValue

from .settings import KitSettings

SCHEMA = Schemas.V1_44_0.value
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""From `platform.machine()` to the conventions' values of `host.arch`."""
_CONTAINER = re.compile(r"(?:docker|containers|cri-containerd|libpod)[-/]([0-9a-f]{64})")


def resource(name: str, version: str, settings: KitSettings) -> Resource:
    """The resource of this worker; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES override it."""
    found: dict[str, str | int] = {
        service_attributes.SERVICE_NAME: name,
        service_attributes.SERVICE_NAMESPACE: name,
        service_attributes.SERVICE_VERSION: version,
        deployment_attributes.DEPLOYMENT_ENVIRONMENT_NAME: settings.environment,
        host_attributes.HOST_NAME: socket.gethostname(),
        host_attributes.HOST_ARCH: _ARCHITECTURES.get(platform.machine(), platform.machine()),
        process_attributes.PROCESS_PID: os.getpid(),
        process_attributes.PROCESS_RUNTIME_NAME: platform.python_implementation().lower(),
        process_attributes.PROCESS_RUNTIME_VERSION: platform.python_version(),
        container_attributes.CONTAINER_ID: container_id(),
        vcs_attributes.VCS_REF_HEAD_REVISION: settings.revision or revision(),
    }
    known: dict[str, AnyValue] = {name: value for name, value in found.items() if value}
    chosen = OTELResourceDetector().detect()
    instance = chosen.attributes.get(service_attributes.SERVICE_INSTANCE_ID)
    own = str(uuid4()) if instance is None else f"{instance}-{os.getpid()}"  # workers share it
    mine = Resource({service_attributes.SERVICE_INSTANCE_ID: own})
    return Resource.create(known, SCHEMA).merge(chosen).merge(mine)


def container_id(mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """The id of the container of this process; empty outside of one."""
    try:
        found = _CONTAINER.search(mounts.read_text(errors="replace"))
    except OSError:
        return ""
    return found[1] if found else ""


def revision(git: Path | None = None) -> str:
    """The commit that is checked out; empty outside of a Git work tree."""
    above = (each / ".git" for each in Path(__file__).parents)
    git = git or next((each for each in above if each.is_dir()), Path(".git"))
    try:
        head = (git / "HEAD").read_text().strip()
        name = head.removeprefix("ref: ")
        if name == head:
            return head
        if (git / name).exists():
            return (git / name).read_text().strip()
        packed = (git / "packed-refs").read_text().splitlines()
    except OSError:
        return ""
    return next((row.split()[0] for row in packed if row.endswith(f" {name}")), "")
