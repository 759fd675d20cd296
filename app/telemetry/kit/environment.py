"""The environment's OTEL_* variables, checked in one place before the SDK reads them.

The OpenTelemetry packages raise on some bad values, on a few of them while they are imported, which
FastAPI does. So `check_process` must run before FastAPI is imported: whatever a variable says, a
value that makes no sense is replaced in `os.environ`, and one sentence names the variable and what
is used instead. This module imports nothing but the standard library.
"""

import os
import re
import ssl
from collections.abc import Mapping, MutableMapping

from .standard_variables import SIGNALS, VARIABLES, Refused, Variable, shown


def check(environment: MutableMapping[str, str]) -> list[str]:
    """Replace every value that makes no sense. A sentence for each; none the second time."""
    said = [
        sentence
        for name, variable in VARIABLES.items()
        if name in environment and (sentence := _checked(environment, name, variable))
    ]
    for kind in ("BSP", "BLRP"):
        said += _fitting(environment, kind)
    for signal in SIGNALS:
        said += _possible(environment, signal)
        said += _paired(environment, signal)
    return said


def _checked(environment: MutableMapping[str, str], name: str, variable: Variable) -> str | None:
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
    """What a variable amounts to that is not set."""
    general = VARIABLES.get(variable.meaning)
    if general is None or variable.secret:
        return variable.meaning
    value = environment.get(variable.meaning, "")
    return general.meaning if "@" in value else value or general.default or general.meaning


def _plain(value: str) -> str:
    value = value.strip()
    if not value.isprintable():  # bytes that are no UTF-8 among them
        raise Refused("has characters that can't be printed")
    return value


def _fitting(environment: MutableMapping[str, str], kind: str) -> list[str]:
    """A batch is no larger than the queue it comes from: the SDK raises otherwise."""

    def used(name: str) -> int:
        return int(environment.get(name) or VARIABLES[name].default)

    batch, queue = f"OTEL_{kind}_MAX_EXPORT_BATCH_SIZE", f"OTEL_{kind}_MAX_QUEUE_SIZE"
    if used(batch) <= used(queue):
        return []
    chosen, environment[batch] = environment.get(batch), str(used(queue))
    return [f"{batch} ({chosen}) is more than the queue holds; {used(queue)} is used"] * bool(
        chosen
    )


def _possible(environment: MutableMapping[str, str], signal: str) -> list[str]:
    """What one protocol has and the other has not."""
    over_grpc = _exporter(environment, signal, "PROTOCOL") != "http/protobuf"
    compression, said = f"OTEL_EXPORTER_OTLP_{signal}COMPRESSION", []
    if over_grpc and environment.get(compression) == "deflate":
        del environment[compression]
        said.append(f"{compression} (deflate) is not possible over gRPC; no compression is used")
    name = f"OTEL_EXPORTER_OTLP_{signal}ENDPOINT"
    address = environment.get(name, "")
    if over_grpc and "@" in address:
        environment[name] = re.sub(r"^(.*//)?.*@", r"\1", address)
        said.append(
            f"{name} has a user name, which gRPC does not send; the rest of it is used "
            "(OTEL_EXPORTER_OTLP_HEADERS can have credentials)"
        )
    elif not over_grpc and address and "://" not in address:
        environment[name] = f"http://{address}"
        said.append(f"{name} has no http://; with it, it is used")
    return said


def _paired(environment: MutableMapping[str, str], signal: str) -> list[str]:
    """A client's certificate and key belong together."""
    names = [f"OTEL_EXPORTER_OTLP_{signal}CLIENT_{each}" for each in ("CERTIFICATE", "KEY")]
    chosen = [name for name in names if environment.get(name)]
    if not chosen:
        return []
    certificate, key = (
        _exporter(environment, signal, f"CLIENT_{x}") for x in ("CERTIFICATE", "KEY")
    )
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_cert_chain(certificate, key or None, password="")  # which it must not ask for
    except OSError:  # ssl.SSLError is one
        for name in chosen:
            del environment[name]
        return [f"{' and '.join(chosen)} is no pair of PEM files; no client certificate is used"]
    return []


def _exporter(environment: Mapping[str, str], signal: str, name: str) -> str:
    """A setting of a signal's exporter: its own, or the one for all."""
    own = environment.get(f"OTEL_EXPORTER_OTLP_{signal}{name}")
    return own or environment.get(f"OTEL_EXPORTER_OTLP_{name}") or ""


_unsaid: list[str] = []


def check_process() -> None:
    """Check this process's own environment; the sentences wait for `pending_warnings`."""
    _unsaid.extend(check(os.environ))


def warn_later(sentence: str) -> None:
    """For `pending_warnings`: what is found before log records have a place to go."""
    _unsaid.append(sentence)


def pending_warnings() -> list[str]:
    """What nobody has been warned of yet; empty the next time."""
    check_process()
    found = _unsaid[:]
    _unsaid.clear()
    return found
