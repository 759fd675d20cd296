"""Checks the OTEL_* environment variables before the SDK reads them.

The OpenTelemetry packages raise for some invalid values, for a few of them while they are imported,
and FastAPI imports them. So `check_process` must run before FastAPI is imported. It replaces
invalid values in `os.environ`; one warning for each names the variable and the value used instead.
This module imports only the standard library.
"""

import os
import re
import ssl
from collections.abc import Mapping, MutableMapping

from .standard_variables import SIGNALS, VARIABLES, Refused, Variable, shown


def check(environment: MutableMapping[str, str]) -> list[str]:
    """Replace every invalid value; returns one warning for each."""
    warnings = [
        sentence
        for name, variable in VARIABLES.items()
        if name in environment and (sentence := _check_one(environment, name, variable))
    ]
    for kind in ("BSP", "BLRP"):
        warnings += _check_batch_size(environment, kind)
    for signal in SIGNALS:
        warnings += _check_protocol(environment, signal)
        warnings += _check_certificate(environment, signal)
    return warnings


def _check_one(environment: MutableMapping[str, str], name: str, variable: Variable) -> str | None:
    value = environment.pop(name)
    sentence = None
    try:
        used = variable.check(_plain(value)) if value.strip() else ""  # empty counts as not set
    except Refused as refused:
        used = refused.instead or variable.default
        hidden = variable.secret or "@" in value
        quoted = "" if hidden else f" ({shown(value)})"
        instead = _meaning(environment, variable) if not used else "the rest" if hidden else used
        sentence = f"{name}{quoted} {refused}; {shown(instead)} is used"
    if used:
        environment[name] = used
    return sentence


def _meaning(environment: Mapping[str, str], variable: Variable) -> str:
    """What applies if the variable is not set, for a warning."""
    general = VARIABLES.get(variable.meaning)
    if general is None or variable.secret:
        return variable.meaning
    value = environment.get(variable.meaning, "")
    return general.meaning if "@" in value else value or general.default or general.meaning


def _plain(value: str) -> str:
    value = value.strip()
    if not value.isprintable():  # also for bytes that are not UTF-8
        raise Refused("has characters that can't be printed")
    return value


def _check_batch_size(environment: MutableMapping[str, str], kind: str) -> list[str]:
    """Limit the batch size to the queue size; the SDK raises for a larger one."""

    def used(name: str) -> int:
        return int(environment.get(name) or VARIABLES[name].default)

    batch, queue = f"OTEL_{kind}_MAX_EXPORT_BATCH_SIZE", f"OTEL_{kind}_MAX_QUEUE_SIZE"
    if used(batch) <= used(queue):
        return []
    chosen, environment[batch] = environment.get(batch), str(used(queue))
    if not chosen:
        return []
    return [f"{batch} ({chosen}) is more than the queue holds; {used(queue)} is used"]


def _check_protocol(environment: MutableMapping[str, str], signal: str) -> list[str]:
    """Replace values that the signal's protocol does not support."""
    over_grpc = _exporter(environment, signal, "PROTOCOL") != "http/protobuf"
    compression, warnings = f"OTEL_EXPORTER_OTLP_{signal}COMPRESSION", []
    if over_grpc and environment.get(compression) == "deflate":
        del environment[compression]
        warnings.append(
            f"{compression} (deflate) is not supported over gRPC; no compression is used"
        )
    name = f"OTEL_EXPORTER_OTLP_{signal}ENDPOINT"
    address = environment.get(name, "")
    if over_grpc and "@" in address:
        environment[name] = re.sub(r"^(.*//)?.*@", r"\1", address)
        warnings.append(
            f"{name} has a user name, which gRPC does not send; the rest of it is used "
            "(set OTEL_EXPORTER_OTLP_HEADERS to send credentials)"
        )
    elif not over_grpc and address and "://" not in address:
        environment[name] = f"http://{address}"
        warnings.append(f"{name} has no http://; the address with http:// is used")
    return warnings


def _check_certificate(environment: MutableMapping[str, str], signal: str) -> list[str]:
    """Remove a client certificate and key that can't be loaded together."""
    names = [f"OTEL_EXPORTER_OTLP_{signal}CLIENT_{each}" for each in ("CERTIFICATE", "KEY")]
    chosen = [name for name in names if environment.get(name)]
    if not chosen:
        return []
    certificate, key = (
        _exporter(environment, signal, f"CLIENT_{x}") for x in ("CERTIFICATE", "KEY")
    )
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_cert_chain(certificate, key or None, password="")  # "": no prompt for one
    except OSError:  # includes ssl.SSLError
        for name in chosen:
            del environment[name]
        return [f"{' and '.join(chosen)} can't be loaded as PEM; no client certificate is used"]
    return []


def _exporter(environment: Mapping[str, str], signal: str, name: str) -> str:
    """A setting of a signal's exporter: its own, or the one for all signals."""
    own = environment.get(f"OTEL_EXPORTER_OTLP_{signal}{name}")
    return own or environment.get(f"OTEL_EXPORTER_OTLP_{name}") or ""


def sdk_disabled() -> bool:
    """Whether the standard variable OTEL_SDK_DISABLED turns telemetry off."""
    return os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"


_pending: list[str] = []


def check_process() -> None:
    """Check this process's environment; `pending_warnings` returns the warnings."""
    _pending.extend(check(os.environ))


def warn_later(sentence: str) -> None:
    """Add a warning to `pending_warnings`, for code that runs before logging is set up."""
    _pending.append(sentence)


def pending_warnings() -> list[str]:
    """Check the environment again; return the warnings since the last call."""
    check_process()
    found = _pending[:]
    _pending.clear()
    return found
