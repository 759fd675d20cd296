"""The service answers whatever a standard variable holds; an error is logged once."""

import os
import sys
from pathlib import Path

import certifi
import pytest

from app.settings import TelemetrySettings
from app.telemetry.kit.environment import check
from app.telemetry.kit.standard_variables import VARIABLES
from app.telemetry.kit.vocabulary import SERVER_DURATION
from tests.api.service import serving, settings
from tests.cases import cases
from tests.telemetry.exporting_service import ExportingService, Watch, over
from tests.telemetry.receiver import Receiver

pytestmark = pytest.mark.lasting

OTLP = "OTEL_EXPORTER_OTLP_"
GARBAGE = {
    "OTEL_SERVICE_NAME": "\udcff",  # a byte that is no UTF-8
    f"{OTLP}HEADERS": "secret-of-the-tests",
    f"{OTLP}TRACES_HEADERS": "secret-of-the-tests",
    f"{OTLP}METRICS_HEADERS": "secret-of-the-tests",
    f"{OTLP}LOGS_HEADERS": "secret-of-the-tests",
} | {name: "[" for name in VARIABLES if name.endswith("URLS") or "CAPTURE_HEADERS" in name}
"""Invalid values; of the other variables `lots`."""
GOOD = [
    ("OTEL_SDK_DISABLED", "TRUE", "true"),
    ("OTEL_TRACES_SAMPLER", " ParentBased_TraceIdRatio ", "parentbased_traceidratio"),
    ("OTEL_TRACES_SAMPLER_ARG", "0.25", "0.25"),
    ("OTEL_PROPAGATORS", "tracecontext, baggage,tracecontext", "tracecontext,baggage"),
    ("OTEL_PROPAGATORS", "none", "none"),
    ("OTEL_ATTRIBUTE_COUNT_LIMIT", "0", "0"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "", None),
    ("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "*", "*"),
    ("OTEL_RESOURCE_ATTRIBUTES", "team=search,place=Z%C3%BCrich", "team=search,place=Z%C3%BCrich"),
    (f"{OTLP}ENDPOINT", "collector:4317", "collector:4317"),
    (f"{OTLP}ENDPOINT", "https://[::1]:4317/", "https://[::1]:4317/"),
    (f"{OTLP}HEADERS", "authorization=Bearer%20x, b=c", "authorization=Bearer%20x, b=c"),
    (f"{OTLP}TIMEOUT", "0.5", "0.5"),
    (f"{OTLP}LOGS_COMPRESSION", "GZIP", "gzip"),
    (f"{OTLP}COMPRESSION", "none", "none"),
    (f"{OTLP}CERTIFICATE", certifi.where(), certifi.where()),
    ("OTEL_PYTHON_CONTEXT", "contextvars_context", "contextvars_context"),
    ("OTEL_METRICS_EXEMPLAR_FILTER", "always_off", "always_off"),
    (f"{OTLP}METRICS_TEMPORALITY_PREFERENCE", "Delta", "delta"),
]
ODD = [
    ("OTEL_CONFIG_FILE", "otel.yaml", None),
    ("OTEL_PYTHON_FASTAPI_EXCLUDED_URLS", "livez,readyz", None),
    ("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST", "x-tenant", None),
    ("OTEL_PROPAGATORS", "b3", "tracecontext"),
    ("OTEL_PROPAGATORS", "tracecontext,b3multi", "tracecontext"),
    ("OTEL_TRACES_SAMPLER", "jaeger_remote", "parentbased_always_on"),
    ("OTEL_TRACES_SAMPLER_ARG", "5", "1.0"),
    ("OTEL_TRACES_SAMPLER_ARG", "nan", "1.0"),
    ("OTEL_TRACES_EXPORTER", "console,otlp", "otlp"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "8192"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "9" * 40, "8192"),
    ("OTEL_BSP_SCHEDULE_DELAY", "-5", "1000"),
    ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "9000", "8192"),
    ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1e3", "8192"),
    ("OTEL_RESOURCE_ATTRIBUTES", "a=b,nonsense,=c", "a=b"),
    (f"{OTLP}PROTOCOL", "http/json", "http/protobuf"),
    (f"{OTLP}PROTOCOL", "carrier pigeon", "grpc"),
    (f"{OTLP}TIMEOUT", "10000", "10"),
    (f"{OTLP}TIMEOUT", "inf", "10"),
    (f"{OTLP}ENDPOINT", "http://[::1", None),
    (f"{OTLP}ENDPOINT", "http://host:port", None),
    (f"{OTLP}ENDPOINT", "ftp://host", None),
    (f"{OTLP}ENDPOINT", "http://ada:secret-of-the-tests@host:4317", "http://host:4317"),
    (f"{OTLP}HEADERS", "a=b,secret-of-the-tests", "a=b"),
    (f"{OTLP}HEADERS", "a=secret-of-the-tests%0A", None),
    (f"{OTLP}COMPRESSION", "deflate", None),
    (f"{OTLP}CERTIFICATE", "/nowhere/ca.pem", None),
    (f"{OTLP}CERTIFICATE", __file__, None),
    (f"{OTLP}CLIENT_CERTIFICATE", __file__, None),
    (f"{OTLP}CLIENT_KEY", __file__, None),
]
NUMBERS = [name for name in VARIABLES if name.endswith(("_LIMIT", "_SIZE", "_DELAY", "_INTERVAL"))]
EXTREMES = [dict.fromkeys(NUMBERS, number) for number in ("1", "2147483647")]


def together() -> list[dict[str, str]]:
    """All values, with as many variables set at once as have one; and the extreme numbers."""
    found = [EXTREMES[0], EXTREMES[1], {"OTEL_SDK_DISABLED": "TRUE"}]
    for name, value, _ in GOOD[1:] + ODD:
        free = next((each for each in found[3:] if name not in each), None)
        if free is None:
            found.append(free := {})
        free[name] = value
    return found


@cases(("name", "value", "used"), GOOD)
def test_what_makes_sense_is_used(name: str, value: str, used: str | None) -> None:
    environment = {name: value}
    assert check(environment) == []
    assert environment == ({name: used} if used else {})


@cases(("name", "value", "used"), ODD)
def test_what_makes_none_is_replaced_and_logged(name: str, value: str, used: str | None) -> None:
    environment = {name: value, "OTHER": "x"}
    [sentence] = check(environment)
    assert sentence.startswith(name)
    assert sentence.endswith(" is used") or "OTEL_EXPORTER_OTLP_HEADERS" in sentence
    assert "secret-of-the-tests" not in sentence
    assert environment == {"OTHER": "x"} | ({name: used} if used else {})
    assert check(environment) == [], "once"


def test_a_small_queue_has_small_batches() -> None:
    environment = {"OTEL_BSP_MAX_QUEUE_SIZE": "100"}
    assert check(environment) == []
    assert environment["OTEL_BSP_MAX_EXPORT_BATCH_SIZE"] == "100"


def test_an_address_for_http_gets_its_scheme() -> None:
    environment = {f"{OTLP}PROTOCOL": "http/protobuf", f"{OTLP}ENDPOINT": "collector:4318"}
    assert len(check(environment)) == 1
    assert environment[f"{OTLP}ENDPOINT"] == "http://collector:4318"


@cases("name", VARIABLES)
def test_an_invalid_value_is_logged_once(name: str) -> None:
    environment = {name: GARBAGE.get(name, "lots")}
    [sentence] = check(environment)
    assert sentence.startswith(f"{name} ")
    assert "secret-of-the-tests" not in sentence
    assert check(environment) == []


@pytest.mark.filterwarnings("ignore:Log record attributes were dropped")  # by their limit
@pytest.mark.anyio
@pytest.mark.parametrize("environment", together())
async def test_the_sdk_accepts_what_is_left(
    environment: dict[str, str],
    shelf_data: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name in VARIABLES:  # monkeypatch gives them back
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(f"{OTLP}ENDPOINT", "http://127.0.0.1:9")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    sentences = check(dict(os.environ))
    telemetry = TelemetrySettings(logs="off", shutdown_seconds=0.01)
    async with serving(settings(shelf_data, telemetry=telemetry)) as client:
        answer = await client.get("/recommend", params={"q": "stale bread"})
        assert answer.status_code == 200
        assert ("traceresponse" in answer.headers) == ("OTEL_SDK_DISABLED" not in environment)
        assert (await client.get("/readyz")).json()["status"] == "ready"
    loggers = ("app.main", "app.telemetry.kit.kit")  # the latter if telemetry is on
    assert [each.message for each in caplog.records if each.name in loggers] == sentences


class Served(ExportingService):
    """By the command line, as users start it."""

    def command(self, port: int) -> list[str]:
        self._environment["VITRINE_SERVER__PORT"] = str(port)
        return [sys.executable, "-m", "app", "serve"]


@pytest.mark.parametrize(("kind", "enabled"), [(ExportingService, "true"), (Served, "false")])
def test_a_process_starts_with_garbage_in_all(
    watch: Watch, kind: type[ExportingService], enabled: str
) -> None:
    """Some variables are read while the packages are imported."""
    garbage = {name: GARBAGE.get(name, "lots") for name in VARIABLES}
    with watch(garbage, {"VITRINE_TELEMETRY__ENABLED": enabled}, kind=kind) as server:
        assert server.client.post("/recommend", json={"query": "stale bread"}).status_code == 200
        assert server.client.get("/readyz").json()["status"] == "ready"
        server.stop()
    assert b"Traceback" not in server.output
    assert b"secret-of-the-tests" not in server.output
    for name in garbage:
        assert server.output.count(f"{name} ".encode()) >= 1, name
    assert server.output.count(b"is used") == len(garbage)


class Instrumented(ExportingService):
    """Under opentelemetry-instrument."""

    def command(self, port: int) -> list[str]:
        agent = Path(sys.executable).with_name("opentelemetry-instrument")
        return [str(agent), *super().command(port)]


@pytest.mark.parametrize(("disabled", "output"), [("", 1), ("*", 0)])
def test_an_agent_is_noticed(watch: Watch, disabled: str, output: int) -> None:
    without = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": disabled}
    with (
        Receiver() as receiver,
        watch(over("grpc", receiver), without, kind=Instrumented) as server,
    ):
        server.client.post("/recommend", json={"query": "stale bread"}).raise_for_status()
        server.stop()
    assert server.output.count(b"was instrumented before the service started") == output
    if not output:  # what the warning says to do helps
        [metric] = receiver.latest(SERVER_DURATION)
        assert metric.count == 1


def test_another_sdk_is_noticed(watch: Watch) -> None:
    with watch({"OTEL_PYTHON_TRACER_PROVIDER": "sdk_tracer_provider"}) as server:
        server.client.post("/recommend", json={"query": "stale bread"}).raise_for_status()
        server.stop()
    assert server.output.count(b"Another OpenTelemetry SDK is set up") == 1
