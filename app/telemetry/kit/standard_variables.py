"""The standard OTEL_* variables: valid values of each, and the replacement of invalid ones.

https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
https://opentelemetry.io/docs/specs/otel/protocol/exporter/
and further variables that the Python packages read.
"""

import math
import re
import ssl
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

MOST = 2**31 - 1
LONGEST_SHOWN = 60
MILLISECONDS_FROM = 1000
"""OTLP timeouts are in milliseconds in the specification, but in seconds in the Python SDK. Values
from here on are taken as milliseconds."""
EACH = ("TRACES_", "METRICS_", "LOGS_")
SIGNALS = ("", *EACH)
"""Part of a variable's name: for all signals, and for each one."""


class Refused(Exception):
    """A value is invalid. The message is the predicate of a sentence: “is not …”."""

    def __init__(self, why: str, instead: str = "") -> None:
        """`instead`: the valid part of the value, if any."""
        super().__init__(why)
        self.instead = instead


Check = Callable[[str], str]
"""From a value without surrounding spaces to the value to use. Raises Refused."""


class Variable(NamedTuple):
    """How a variable is checked, and what replaces an invalid value."""

    check: Check
    default: str = ""
    """Replaces an invalid value; empty: the variable is removed."""
    meaning: str = "the default"
    """What applies if the variable is removed, for the warning."""
    secret: bool = False
    """Whether its value must not be logged."""


def number(least: int, most: int = MOST) -> Check:
    """A whole number."""

    def check(value: str) -> str:
        if not re.fullmatch(r"[+-]?[0-9]{1,12}", value) or not least <= int(value) <= most:
            raise Refused(f"is not a whole number from {least} to {most}")
        return str(int(value))

    return check


def share(value: str) -> str:
    """A probability in [0, 1]."""
    if not 0 <= _float(value) <= 1:
        raise Refused("is not a number from 0 to 1")
    return value


def seconds(value: str) -> str:
    """A timeout of an OTLP exporter in seconds."""
    found = _float(value)
    if not found > 0:
        raise Refused("is not a number of seconds")
    if found >= MILLISECONDS_FROM:
        raise Refused("is taken as milliseconds", f"{found / 1000:g}")
    return value


def _float(value: str) -> float:
    try:
        found = float(value)
    except ValueError:
        return math.nan
    return found if math.isfinite(found) else math.nan


def one_of(*known: str) -> Check:
    """One of the known words; case is ignored."""

    def check(value: str) -> str:
        if value.lower() not in known:
            raise Refused(f"is not {either(known)}")
        return value.lower()

    return check


boolean = one_of("true", "false")


def words(known: Callable[[], frozenset[str]], what: str) -> Check:
    """Known words, separated by commas."""

    def check(value: str) -> str:
        found = dict.fromkeys(each.strip() for each in value.split(",") if each.strip())
        good = [each for each in found if each in known()]
        if bad := [each for each in found if each not in known()]:
            raise Refused(f"names {what}: {shown(', '.join(bad))}", ",".join(good))
        return ",".join(good)

    return check


def installed(group: str, *more: str) -> Callable[[], frozenset[str]]:
    """Names of installed entry points of a group, and `more`."""
    return lambda: frozenset(entry_points(group=f"opentelemetry_{group}").names) | {*more}


def plugins(group: str, what: str, *more: str) -> Variable:
    """A variable with names of installed plug-ins."""
    return Variable(words(installed(group, *more), f"{what} that is not installed"))


def protocol(value: str) -> str:
    """A protocol of OTLP."""
    known = ("grpc", "http/protobuf")
    if value.lower() in known:
        return value.lower()
    instead = known[1] if value.lower().startswith("http") else ""
    raise Refused(f"is not {either(known)}", instead)


def endpoint(value: str) -> str:
    """The address of a collector."""
    try:
        parts = urlsplit(value if "://" in value else f"grpc://{value}")
        good = bool(parts.hostname) and (parts.port is not None or parts.scheme != "grpc")
    except ValueError:
        good = False
    if not good or parts.scheme not in ("http", "https", "grpc") or re.search(r"\s", value):
        raise Refused("is not an address such as http://localhost:4317")
    return value


def headers(value: str) -> str:
    """Headers as name=value, separated by commas; they may be secret."""
    pairs = [each.strip() for each in value.split(",") if each.strip()]
    good = [each for each in pairs if _is_header(each)]
    if len(good) < len(pairs):
        raise Refused("has a part that is not name=value", ",".join(good))
    return value


def _is_header(pair: str) -> bool:
    name, equals, value = pair.partition("=")
    plain = unquote(value.strip())
    return bool(equals and re.fullmatch(r"[0-9A-Za-z_.-]+(?<!-bin)", name.strip())) and (
        plain.isascii() and plain.isprintable()
    )


def attributes(value: str) -> str:
    """Resource attributes as key=value, separated by commas."""
    pairs = [each.strip() for each in value.split(",") if each.strip()]
    good = [each for each in pairs if re.fullmatch(r"[^=\s][^=]*=.*", each, re.DOTALL)]
    if bad := [each for each in pairs if each not in good]:
        raise Refused(f"has a part that is not key=value: {shown(bad[0])}", ",".join(good))
    return value


def patterns(value: str) -> str:
    """Regular expressions, separated by commas."""
    for each in value.split(","):
        try:
            re.compile(each.strip())
        except re.error as error:
            raise Refused("is not a list of regular expressions") from error
    return value


def readable(value: str) -> str:
    """The name of a readable file."""
    try:
        with open(value, "rb") as file:  # noqa: PTH123 - Path raises earlier for "" and NUL
            file.read(1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such name"
        raise Refused(f"can't be read ({reason})") from error
    return value


def authorities(value: str) -> str:
    """The name of a file with CA certificates."""
    try:
        ssl.create_default_context(cafile=readable(value))
    except ssl.SSLError as error:
        raise Refused("is not a file of PEM certificates") from error
    return value


def anything(value: str) -> str:
    """Any text."""
    return value


def not_honoured(hint: str) -> Check:
    """A variable that has no effect here; `hint` says what has."""

    def check(_: str) -> str:
        raise Refused(f"is not supported: {hint}")

    return check


def either(known: tuple[str, ...]) -> str:
    """A list of alternatives for a sentence."""
    return " or ".join(filter(None, (", ".join(known[:-1]), known[-1])))


def shown(value: str) -> str:
    """A value for a sentence: shortened, and on one line."""
    printable = "".join(each if each.isprintable() else "?" for each in value)
    return printable if len(printable) <= LONGEST_SHOWN else printable[:LONGEST_SHOWN] + "…"


GRPC_CODES = frozenset(
    {
        "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
        "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
        "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
        "UNAUTHENTICATED",
    }
)  # fmt: skip
SAMPLERS = ("always_on", "always_off", "traceidratio")
LEVELS = ("none", "trace", "verbose", "debug", "info", "warn", "warning", "error", "fatal")
LENGTH, COUNT = "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"
CAPTURED = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_"
EXPORTER = {
    "ENDPOINT": Variable(endpoint, meaning="the default, on localhost,"),
    "PROTOCOL": Variable(protocol, "grpc"),
    "HEADERS": Variable(headers, meaning="none", secret=True),
    "TIMEOUT": Variable(seconds, "10"),
    "COMPRESSION": Variable(one_of("none", "gzip", "deflate"), meaning="no compression"),
    "INSECURE": Variable(boolean, meaning="the scheme of the address"),
    "CERTIFICATE": Variable(authorities, meaning="the system's list of authorities"),
    "CLIENT_KEY": Variable(readable, meaning="none"),
    "CLIENT_CERTIFICATE": Variable(readable, meaning="none"),
}
"""OTEL_EXPORTER_OTLP_*, for all signals; each may be set for one signal too."""

VARIABLES: Mapping[str, Variable] = {
    "OTEL_SDK_DISABLED": Variable(boolean, "false"),
    "OTEL_CONFIG_FILE": Variable(
        not_honoured("use the other OTEL_* variables"), meaning="no file"
    ),
    "OTEL_LOG_LEVEL": Variable(one_of(*LEVELS), "info"),
    "OTEL_SERVICE_NAME": Variable(anything, meaning="the service's own name"),
    "OTEL_RESOURCE_ATTRIBUTES": Variable(attributes, meaning="nothing of it"),
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": plugins("resource_detector", "a detector", "*"),
    "OTEL_PROPAGATORS": Variable(
        words(installed("propagator", "none"), "a propagator that is not installed"),
        "tracecontext",
    ),
    "OTEL_TRACES_SAMPLER": Variable(
        one_of(*SAMPLERS, *(f"parentbased_{each}" for each in SAMPLERS)), "parentbased_always_on"
    ),
    "OTEL_TRACES_SAMPLER_ARG": Variable(share, "1.0"),
    # Limits
    LENGTH: Variable(number(0), "8192"),
    COUNT: Variable(number(0), "128"),
    **{
        f"OTEL_{kind}_ATTRIBUTE_VALUE_LENGTH_LIMIT": Variable(number(0), meaning=LENGTH)
        for kind in ("SPAN", "LOGRECORD")
    },
    **{
        f"OTEL_{kind}_ATTRIBUTE_COUNT_LIMIT": Variable(number(0), meaning=COUNT)
        for kind in ("SPAN", "EVENT", "LINK", "LOGRECORD")
    },
    **{f"OTEL_SPAN_{kind}_COUNT_LIMIT": Variable(number(0), "128") for kind in ("EVENT", "LINK")},
    # Batches
    **{
        f"OTEL_{kind}_{name}": Variable(number(1), default)
        for kind in ("BSP", "BLRP")
        for name, default in (
            ("SCHEDULE_DELAY", "1000"),
            ("EXPORT_TIMEOUT", "30000"),
            ("MAX_QUEUE_SIZE", "8192"),
            ("MAX_EXPORT_BATCH_SIZE", "1024"),
        )
    },
    # Metrics
    "OTEL_METRIC_EXPORT_INTERVAL": Variable(number(1), "10000"),
    "OTEL_METRIC_EXPORT_TIMEOUT": Variable(number(1), "30000"),
    "OTEL_METRICS_EXEMPLAR_FILTER": Variable(
        one_of("always_on", "always_off", "trace_based"), "trace_based"
    ),
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": Variable(
        one_of("cumulative", "delta", "lowmemory"), "cumulative"
    ),
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": Variable(
        one_of("explicit_bucket_histogram", "base2_exponential_bucket_histogram"),
        "explicit_bucket_histogram",
    ),
    "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN": Variable(one_of("logs", "logs/dup"), "logs/dup"),
    # Exporters
    **{f"OTEL_{signal}EXPORTER": Variable(one_of("otlp", "none"), "otlp") for signal in EACH},
    **{f"OTEL_EXPORTER_OTLP_{name}": variable for name, variable in EXPORTER.items()},
    **{
        f"OTEL_EXPORTER_OTLP_{signal}{name}": variable._replace(
            default="", meaning=f"OTEL_EXPORTER_OTLP_{name}"
        )
        for name, variable in EXPORTER.items()
        for signal in EACH
    },
    # Of the Python packages
    "OTEL_PYTHON_CONTEXT": plugins("context", "a context"),
    "OTEL_PYTHON_ID_GENERATOR": plugins("id_generator", "a generator"),
    "OTEL_PYTHON_TRACER_PROVIDER": plugins("tracer_provider", "a provider"),
    "OTEL_PYTHON_METER_PROVIDER": plugins("meter_provider", "a provider"),
    "OTEL_PYTHON_LOGGER_PROVIDER": plugins("logger_provider", "a provider"),
    "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED": Variable(boolean, "true"),
    "OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES": Variable(
        words(lambda: GRPC_CODES, "a code that gRPC does not have")
    ),
    **{
        f"OTEL_PYTHON_EXPORTER_OTLP_{way}_{signal}CREDENTIAL_PROVIDER": plugins(
            "otlp_credential_provider", "a provider"
        )
        for way in ("GRPC", "HTTP")
        for signal in SIGNALS
    },
    **{f"OTEL_PYTHON_{of}EXCLUDED_URLS": Variable(patterns) for of in ("", "HTTPX_")},
    "OTEL_PYTHON_FASTAPI_EXCLUDED_URLS": Variable(
        not_honoured("the service itself says which paths are not traced"),
        meaning="the service's list",
    ),
    **{
        f"{CAPTURED}{name}": Variable(patterns)
        for name in ("SERVER_RESPONSE", "CLIENT_REQUEST", "CLIENT_RESPONSE", "SANITIZE_FIELDS")
    },
    f"{CAPTURED}SERVER_REQUEST": Variable(
        not_honoured("headers of requests are private"), meaning="no header"
    ),
}  # fmt: skip
"""Every variable that is read here, or that users expect to have an effect."""
