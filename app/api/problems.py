"""RFC 9457 problem details: the exception, its responses, exception handlers and OpenAPI."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from app.telemetry.kit.context import trace_id
from app.telemetry.kit.requests import PROBLEM

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 20

RawHeaders = Sequence[tuple[bytes, bytes]]
Responses = dict[int | str, dict[str, Any]]
"""The `responses` of a route."""

MESSAGES = {
    "missing": "is required",
    "extra_forbidden": "is unknown; remove it, or see /docs for the known ones",
}


class FieldError(BaseModel):
    """One invalid value of the input."""

    pointer: str = Field(description="JSON pointer to the value, or the parameter's name")
    detail: str


class ProblemDetails(BaseModel):
    """RFC 9457."""

    type: str = Field(examples=["urn:vitrine:problem:invalid-input"])
    title: str = Field(examples=["The input is not valid"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["query: is empty; type a few words"])
    errors: list[FieldError] = []
    trace_id: str | None = Field(None, description="trace of the failed request")


class Problem(HTTPException):
    """An error with its problem details: raise it in a handler or in what a handler calls.

    A subclass of HTTPException: while it reads a body, FastAPI replaces all other exceptions.
    """

    def __init__(
        self,
        status: int,
        name: str,
        title: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[FieldError] = (),
    ) -> None:
        """`name` completes the type, `urn:vitrine:problem:…`."""
        super().__init__(status, detail, dict(headers or {}))
        self.name = name
        self.details = ProblemDetails(
            type=f"urn:vitrine:problem:{name}",
            title=title,
            status=status,
            detail=detail,
            errors=list(errors),
        )

    @classmethod
    def internal(cls) -> "Problem":
        """500 for one item of several; the trace has the failure."""
        detail = "This item failed; its trace says why. The others are not affected."
        return cls(500, "internal", "Internal Server Error", detail)

    def response(self) -> "ProblemResponse":
        """The problem as a response, with the trace id."""
        return ProblemResponse(self)

    def content(self) -> bytes:
        """JSON without a trace id, for requests refused before a trace starts."""
        return self.details.model_dump_json(exclude_defaults=True).encode()

    async def answer(self, send: Send, headers: RawHeaders = ()) -> None:
        """Send the problem without a trace id, at the least cost."""
        body = self.content()
        named = [
            (name.lower().encode(), value.encode()) for name, value in (self.headers or {}).items()
        ]
        about = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(body))]
        head = [*about, *named, *headers]
        await send({"type": "http.response.start", "status": self.status_code, "headers": head})
        await send({"type": "http.response.body", "body": body})


class ProblemResponse(JSONResponse):
    """A response that also puts the problem's name into the scope, for telemetry."""

    def __init__(self, problem: Problem) -> None:
        details = problem.details.model_copy(update={"trace_id": trace_id()})
        content = details.model_dump(exclude_defaults=True)
        super().__init__(content, details.status, problem.headers, MEDIA_TYPE)
        self._name = problem.name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[PROBLEM] = self._name
        await super().__call__(scope, receive, send)


def documented(*statuses: int) -> Responses:
    """The `responses` of a route for OpenAPI."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in (*statuses, HTTPStatus.MISDIRECTED_REQUEST.value)  # on every route
    }


DOCUMENT_IDS = "results of /recommend have the ids"


def not_found(what: str, name: str, hint: str) -> Problem:
    """404 for a document, recommendation, version or fault; `hint`: what to do."""
    return Problem(404, "not-found", f"No such {what}", f"There is no {what} “{name}”; {hint}.")


def invalid(pointer: str, detail: str) -> Problem:
    """422 for one value."""
    errors = [FieldError(pointer=pointer, detail=detail)]
    return _invalid_input(errors)


def _invalid_input(errors: Sequence[FieldError]) -> Problem:
    first = "; ".join(f"{each.pointer.strip('/') or 'body'}: {each.detail}" for each in errors[:3])
    return Problem(422, "invalid-input", "The input is not valid", first, errors=errors)


def invalid_item(error: ValidationError) -> Problem:
    """422 for one item of several; the pointers are relative to the item."""
    found = error.errors(include_url=False)[:MAX_ERRORS]
    return _invalid_input([_field_error({**each, "loc": ("body", *each["loc"])}) for each in found])


def install(app: FastAPI, referred: Sequence[type[BaseModel]] = ()) -> None:
    """Respond to every error with problem details, and add their schema to the OpenAPI document.

    `referred`: further models that routes refer to by name.
    """
    app.openapi = _described(app.openapi, referred)  # type: ignore[method-assign]

    @app.exception_handler(Problem)
    async def problem(_: Request, error: Problem) -> JSONResponse:
        return error.response()

    @app.exception_handler(RequestValidationError)
    async def validation(_: Request, error: RequestValidationError) -> JSONResponse:
        errors = [_field_error(each) for each in error.errors()[:MAX_ERRORS]]
        return _invalid_input(errors).response()

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        if isinstance(error.__cause__, ClientDisconnect):
            raise error.__cause__
        return _from_framework(request, error).response()


def _from_framework(request: Request, error: HTTPException) -> Problem:
    """The problem for an error that FastAPI or Starlette raised."""
    if error.status_code == HTTPStatus.BAD_REQUEST:  # from FastAPI, for a body it can't read
        return invalid("", "can't be read; send one JSON object in UTF-8")
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(_allowed(request))}
    phrase = HTTPStatus(error.status_code).phrase
    name = phrase.lower().replace(" ", "-")
    detail = error.detail if error.detail != phrase else f"{phrase}: see /docs for what exists."
    return Problem(error.status_code, name, phrase, detail, headers)


def _allowed(request: Request) -> list[str]:
    """The methods of all routes with this path; the router's error lists those of one route."""

    def answered(method: str) -> bool:
        scope = {**request.scope, "method": method}
        routes = request.app.router.routes
        return any(route.matches(scope)[0] is Match.FULL for route in routes)

    found = [method for method in ("GET", "POST", "PUT", "DELETE") if answered(method)]
    return [*found, "HEAD"] if "GET" in found else found


def _described(
    generate: Callable[[], dict[str, Any]], referred: Sequence[type[BaseModel]]
) -> Callable[[], dict[str, Any]]:
    """`generate` plus the schemas that routes refer to by name."""

    def openapi() -> dict[str, Any]:
        schema, template = generate(), "#/components/schemas/{model}"
        models: tuple[type[BaseModel], ...] = (ProblemDetails, *referred)
        _, ours = models_json_schema(
            [(model, "serialization") for model in models], ref_template=template
        )
        schema["components"]["schemas"].update(ours["$defs"])
        schema["security"] = []  # the default; writing operations have their own
        return schema

    return openapi


def _field_error(error: Mapping[str, Any]) -> FieldError:
    """Convert pydantic's error: with its message, without the rejected value."""
    place, *path = error["loc"]
    pointer = "".join(f"/{step}" for step in path) if place == "body" else str(path[0])
    detail = str(error["msg"]).removeprefix("Value error, ")
    detail = MESSAGES.get(error["type"], detail)
    if error["type"] == "json_invalid":
        pointer, detail = "", f"is not valid JSON: {error['ctx']['error']}"
    if error["type"] in ("model_attributes_type", "missing") and pointer == "":
        detail = "send a JSON object with Content-Type: application/json"
    return FieldError(pointer=pointer, detail=detail)
