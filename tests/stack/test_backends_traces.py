"""The real Zipkin and Jaeger return a trace as it was sent."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.observatory.messages import attributes, fresh, request, span
from tests.observatory.otlp_client import over_grpc
from tests.stack.backends import CACHE, Backend, program
from tests.stack.collector_process import Collector
from tests.telemetry.exporting_service import ExportingService
from tests.telemetry.receiver import refused_port
from tests.waiting import until

pytestmark = pytest.mark.lasting


ZIPKIN = CACHE / "zipkin" / "zipkin-server-3.5.1-slim.jar"
ZIPKIN_FROM = "io.zipkin:zipkin-server:3.5.1:jar:slim from Maven Central, run by Java 17"
JAEGER = CACHE / "jaeger" / "all-in-one"
JAEGER_FROM = "github.com/jaegertracing/jaeger/cmd/all-in-one v1.76.0, built by Go"
TREE = {
    ("POST /recommend", None),
    ("analyze query", "POST /recommend"),
    ("retrieve candidates", "POST /recommend"),
    ("score candidates", "POST /recommend"),
    ("rank candidates", "POST /recommend"),
    ("SELECT", "rank candidates"),
}


class ShownSpan(NamedTuple):
    """A span as a backend shows it; attributes are text there."""

    name: str
    parent: str | None
    attributes: dict[str, str]
    failed: bool


class Shop(NamedTuple):
    """A backend of traces, and the Collector before it."""

    collector: Collector
    backend: Backend
    kind: str

    def trace(self, id_: str) -> list[ShownSpan]:
        """The spans that are there."""
        return (
            zipkin_spans(self.backend, id_)
            if self.kind == "zipkin"
            else jaeger_spans(self.backend, id_)
        )

    def name(self, of: str) -> str:
        """A span's name as it is shown: Zipkin writes them all in small letters."""
        return of.lower() if self.kind == "zipkin" else of


def zipkin_spans(backend: Backend, id_: str) -> list[ShownSpan]:
    found = backend.get(f"/api/v2/trace/{id_}") or []
    names = {each["id"]: each["name"] for each in found}
    return [
        ShownSpan(
            each["name"], names.get(each.get("parentId")), each["tags"], "error" in each["tags"]
        )
        for each in found
    ]


def jaeger_spans(backend: Backend, id_: str) -> list[ShownSpan]:
    answer = backend.get(f"/api/traces/{id_}")
    found: list[dict[str, Any]] = answer["data"][0]["spans"] if answer else []
    names = {each["spanID"]: each["operationName"] for each in found}
    shown = []
    for each in found:
        tags = {tag["key"]: str(tag["value"]) for tag in each["tags"]}
        parents = [names.get(one["spanID"]) for one in each["references"]]
        parent = parents[0] if parents else None
        shown.append(ShownSpan(each["operationName"], parent, tags, tags.get("error") == "True"))
    return shown


def zipkin(stack: ExitStack, folder: Path) -> Backend:
    """By Java, in memory."""
    jar, java = program("TEST_ZIPKIN_JAR", ZIPKIN, how=ZIPKIN_FROM), shutil.which("java")
    if not java:
        pytest.skip("no Java here, which Zipkin is run by")
    port = stack.enter_context(refused_port())
    command = [
        java, "-Xmx192m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar", jar,
        f"--armeria.ports[0].port={port}", "--armeria.ports[0].ip=127.0.0.1",
        "--armeria.ports[0].protocols[0]=http",
    ]  # fmt: skip
    return Backend(command, ready="Serving HTTP at", folder=folder, port=port)


def jaeger(stack: ExitStack, folder: Path) -> tuple[Backend, str]:
    """All in one process, in memory; and where it takes OTLP."""
    binary = program("TEST_JAEGER", JAEGER, how=JAEGER_FROM)
    names = (
        "query.http-server", "query.grpc-server", "collector.otlp.grpc", "collector.otlp.http",
        "collector.http-server", "collector.grpc-server", "admin.http",
    )  # fmt: skip
    ports = {each: stack.enter_context(refused_port()) for each in names}
    endpoints = [f"--{name}.host-port=127.0.0.1:{port}" for name, port in ports.items()]
    backend = Backend(
        [binary, *endpoints], ready="Health Check state change", folder=folder,
        port=ports["query.http-server"], variables={"SPAN_STORAGE_TYPE": "memory"},
    )  # fmt: skip
    return backend, f"http://127.0.0.1:{ports['collector.otlp.grpc']}"


@pytest.fixture(scope="module", params=["zipkin", "jaeger"])
def shop(
    request: pytest.FixtureRequest, otelcol: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    folder, kind = tmp_path_factory.mktemp("shop"), request.param
    with ExitStack() as stack:
        if kind == "zipkin":
            backend = stack.enter_context(zipkin(stack, folder))
            variables = {"ZIPKIN_ENDPOINT": f"{backend.address}/api/v2/spans"}
        else:
            starting, otlp = jaeger(stack, folder)
            backend, variables = stack.enter_context(starting), {"JAEGER_ENDPOINT": otlp}
        collector = stack.enter_context(Collector(otelcol, folder, kind, **variables))
        yield Shop(collector, backend, kind)


def test_a_request_is_shown_as_a_tree(shop: Shop, tmp_path: Path) -> None:
    with ExportingService(
        tmp_path, {"OTEL_EXPORTER_OTLP_ENDPOINT": shop.collector.grpc}
    ) as service:
        answer = service.client.post("/recommend", json={"query": "stale bread"}).json()
        service.stop()
    until(lambda: len(shop.trace(answer["trace_id"])) == len(TREE))
    shown = shop.trace(answer["trace_id"])
    named = {(shop.name(name), shop.name(parent) if parent else None) for name, parent in TREE}
    assert {(each.name, each.parent) for each in shown} == named
    [root] = [each for each in shown if each.parent is None]
    assert root.attributes["http.route"] == "/recommend"
    assert root.attributes["vitrine.recommendation.id"] == answer["recommendation_id"]
    assert not any(each.failed for each in shown)


def test_a_failure_is_shown_as_one(shop: Shop) -> None:
    status = Status(code=Status.STATUS_CODE_ERROR, message="no such shelf")
    about = attributes({"error.type": "NoShelf"})
    failed = span(fresh(), status=status, attributes=about)
    fine = span(fresh(), trace_id=failed.trace_id, parent_span_id=failed.span_id)
    over_grpc(
        shop.collector, "traces", request("traces", [failed, fine], {"service.name": "vitrine"})
    )
    until(lambda: len(shop.trace(failed.trace_id.hex())) == 2)
    shown = {each.name: each for each in shop.trace(failed.trace_id.hex())}
    assert shown[failed.name].failed
    assert "no such shelf" in shown[failed.name].attributes.values()
    assert shown[failed.name].attributes["error.type"] == "NoShelf"
    assert not shown[fine.name].failed
