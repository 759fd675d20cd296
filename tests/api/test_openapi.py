"""The OpenAPI description is complete and true."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pydantic import TypeAdapter

from app.api.models import ModelAction, Promotion
from app.api.wire import MAX_QUERY, BatchRequest, FeedbackRequest, RecommendRequest
from app.catalogue.incoming_documents import ReplacedDocument
from tests.cases import cases

pytestmark = pytest.mark.anyio
PROBLEM = "application/problem+json"
NEEDED = {
    ("post", "/recommend"): {"200", "413", "415", "422", "429", "503"},
    ("post", "/recommend/batch"): {"200", "413", "415", "422", "429", "503"},
    ("get", "/recommend"): {"200", "422", "429", "503"},
    ("get", "/documents/{document_id}/similar"): {"200", "404", "422", "429", "503"},
    ("get", "/documents"): {"200", "422", "429", "503"},
    ("post", "/documents"): {"200", "401", "403", "413", "415", "429", "503"},
    ("get", "/documents/{document_id}"): {"200", "404", "422", "429", "503"},
    ("put", "/documents/{document_id}"): {
        "200", "201", "401", "403", "413", "415", "422", "429", "503",
    },
    ("delete", "/documents/{document_id}"): {"204", "401", "403", "404", "422", "429", "503"},
    ("get", "/categories"): {"200", "429", "503"},
    ("post", "/feedback"): {"200", "201", "404", "413", "415", "422", "429", "503"},
    ("get", "/models"): {"200", "429", "503"},
    ("get", "/models/online"): {"200", "404", "429", "503"},
    ("post", "/models/{version}/promote"): {
        "200", "401", "403", "404", "409", "413", "415", "422", "429", "503",
    },
    ("post", "/models/rollback"): {
        "200", "401", "403", "409", "413", "415", "422", "429", "503",
    },
    ("get", "/livez"): {"200"},
    ("get", "/readyz"): {"200", "503"},
    ("get", "/version"): {"200"},
}  # fmt: skip
OPERATIONS = {
    "recommend", "recommend_batch", "recommend_by_url", "similar_documents", "list_categories",
    "list_documents",
    "read_document", "write_document", "write_documents", "delete_document", "send_feedback",
    "list_models", "online_metric", "promote_model", "roll_back_model", "livez", "readyz",
    "version",
}  # fmt: skip
BODIES: dict[str, type[Any]] = {
    "Promotion": Promotion,
    "ModelAction": ModelAction,
    "RecommendRequest": RecommendRequest,
    "BatchRequest": BatchRequest,
    "FeedbackRequest": FeedbackRequest,
    "ReplacedDocument": ReplacedDocument,
}


@pytest.fixture
async def described(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def operations(described: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Method and path to operation."""
    return {
        (method, path): operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }


def references(node: object) -> Iterator[str]:
    """All `$ref`s below a node."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


async def test_everything_that_is_referred_to_is_there(described: dict[str, Any]) -> None:
    found = set(references(described))
    assert "#/components/schemas/ProblemDetails" in found
    for reference in found:
        node = described
        for step in reference.removeprefix("#/").split("/"):
            assert step in node, reference
            node = node[step]


async def test_every_operation_is_described(described: dict[str, Any]) -> None:
    found = operations(described)
    assert set(found) == set(NEEDED)
    for name, operation in found.items():
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name
    assert {operation["operationId"] for operation in found.values()} == OPERATIONS
    tags = {tag for operation in found.values() for tag in operation["tags"]}
    assert tags == {tag["name"] for tag in described["tags"]}
    assert described["servers"]
    assert described["security"] == []


async def test_every_answer_is_described(described: dict[str, Any]) -> None:
    for name, operation in operations(described).items():
        assert set(operation["responses"]) >= NEEDED[name], name


async def test_every_problem_is_described_as_one(described: dict[str, Any]) -> None:
    for (method, path), operation in operations(described).items():
        for status, answer in operation["responses"].items():
            if int(status) >= 400 and path != "/readyz":
                schema = answer["content"][PROBLEM]["schema"]
                assert schema == {"$ref": "#/components/schemas/ProblemDetails"}, (method, path)
                assert answer["description"]


async def test_every_body_has_an_example_that_is_right(described: dict[str, Any]) -> None:
    seen = set()
    for name, operation in operations(described).items():
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            if kind != "application/json":
                assert content["example"], name
                continue
            schema = content["schema"]["$ref"].rpartition("/")[2]
            assert examples(described, schema), name
            for example in examples(described, schema):
                TypeAdapter(BODIES[schema]).validate_python(example)
            seen.add(schema)
    assert seen == set(BODIES)


def examples(described: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The examples of a schema: its own, or made of those of its required fields."""
    schema = described["components"]["schemas"][name]
    if "examples" in schema:
        found: list[dict[str, Any]] = schema["examples"]
        return found
    required = {field: schema["properties"][field] for field in schema["required"]}
    return [{field: value["examples"][0] for field, value in required.items()}]


async def test_writing_is_described_as_needing_a_token(described: dict[str, Any]) -> None:
    schemes = described["components"]["securitySchemes"]
    assert [each["scheme"] for each in schemes.values()] == ["bearer"]
    secured = {name for name, operation in operations(described).items() if "security" in operation}
    assert secured == {name for name, needed in NEEDED.items() if "401" in needed}


@cases(
    ("kind", "dwell_ms", "valid"),
    [("dwell", 5, True), ("dwell", None, False), ("click", 5, False), ("click", None, True)],
)
async def test_when_a_dwell_time_belongs_to_feedback(
    client: httpx.AsyncClient,
    described: dict[str, Any],
    kind: str,
    dwell_ms: int | None,
    valid: bool,
) -> None:
    body = {"recommendation_id": "0" * 32, "document_id": "x", "kind": kind, "dwell_ms": dwell_ms}
    schema = {"$ref": "#/components/schemas/FeedbackRequest", "components": described["components"]}
    assert Draft202012Validator(schema).is_valid(body) == valid
    assert (await client.post("/feedback", json=body)).status_code == (404 if valid else 422)


async def test_every_parameter_has_its_bounds(described: dict[str, Any]) -> None:
    recommend = operations(described)["get", "/recommend"]
    parameters = {each["name"]: each for each in recommend["parameters"]}
    assert parameters["q"]["required"]
    query = parameters["q"]["schema"]
    assert (query["minLength"], query["maxLength"]) == (1, MAX_QUERY)
    limit = parameters["limit"]["schema"]
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 50, 5)
