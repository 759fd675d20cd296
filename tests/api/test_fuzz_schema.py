"""Valid and invalid input, generated from the app's own OpenAPI description."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import given
from hypothesis import settings as examples
from schemathesis import CheckFunction, GenerationMode
from schemathesis.python import asgi
from schemathesis.specs.openapi.checks import (
    negative_data_rejection,
    positive_data_acceptance,
)

from app.main import create_app
from tests.api.service import WRITER, settings
from tests.api.test_openapi import NEEDED
from tests.cases import cases

REFUSALS = {"expected-statuses": [401, 403, 404, 413, 415, 422, 429, 503]}
WITHOUT_INPUT = {"/livez", "/readyz", "/version", "/categories", "/models", "/models/online"}
"""Nothing can be wrong with what is sent to these."""


@schemathesis.serializer("application/x-ndjson")
def ndjson(_: schemathesis.SerializationContext, value: object) -> bytes:
    """A line is a document, or what was made up in its place."""
    return json.dumps(value).encode() + b"\n"


@pytest.fixture(scope="module")
def described(
    tmp_path_factory: pytest.TempPathFactory, shelf_file: Path
) -> Iterator[schemathesis.BaseSchema]:
    """The API of a service of its own, as it describes itself."""
    data = tmp_path_factory.mktemp("fuzzed")
    shutil.copy(shelf_file, data / "catalogue.db")
    config = schemathesis.Config.from_dict({"checks": {"negative_data_rejection": REFUSALS}})
    app = create_app(settings(data))
    yield schemathesis.openapi.from_asgi("/openapi.json", app, config=config)
    asgi.shutdown_lifespans()


def attack(described: schemathesis.BaseSchema, operation: str, mode: GenerationMode) -> None:
    """Send valid (or invalid) input; the answer must be as described."""
    method, path = operation.split()
    unchecked: list[CheckFunction] = [positive_data_acceptance]  # "?!" is a text, but no query
    if operation in ("post /documents", "post /recommend/batch"):
        unchecked.append(negative_data_rejection)  # one by one, in an answer of status 200

    @examples(max_examples=10)
    @given(described[path][method].as_strategy(mode))
    def sent(case: schemathesis.Case[Any]) -> None:
        answer = case.call(headers=WRITER)
        case.validate_response(answer, excluded_checks=unchecked)
        assert answer.status_code < 500 or "retry-after" in answer.headers

    sent()


@cases("operation", [" ".join(name) for name in NEEDED])
@pytest.mark.lasting
def test_what_may_be_sent_is_answered_as_described(
    described: schemathesis.BaseSchema, operation: str
) -> None:
    attack(described, operation, GenerationMode.POSITIVE)


@cases("operation", [" ".join(name) for name in NEEDED if name[1] not in WITHOUT_INPUT])
@pytest.mark.lasting
def test_what_may_not_be_sent_is_refused_as_described(
    described: schemathesis.BaseSchema, operation: str
) -> None:
    attack(described, operation, GenerationMode.NEGATIVE)
