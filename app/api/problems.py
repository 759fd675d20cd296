"""Errors as RFC 9457 problem details: what went wrong, and what to do about it."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
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
Answers = dict[int | str, dict[str, Any]]
"""The `responses` of a route."""

WORDS = {
    "missing": "is required",
    "extra_forbidden": "is not known here; remove it or see /docs for what is",
}


class FieldError(BaseModel):
    """One thing wrong with the input."""

    pointer: str = Field(description="JSON pointer to the value, or the parameter's name")
    detail: str


class ProblemDetails(BaseModel):
    """RFC 9457."""

    type: str = Field(examples=["urn:vitrine:problem:invalid-input"])
    title: str = Field(examples=["The input is not valid"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["query: is empty; type a few words"])
    errors: list[FieldError] = []
    trace_id: str | None = Field(None, description="under which the telemetry of it is found")


class Problem(HTTPException):
    """An error with an answer: raise it anywhere below a handler.

    An HTTPException, because FastAPI passes no other error of reading a body on.
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

    def response(self) -> "ProblemResponse":
        """The problem as an answer."""
        return ProblemResponse(self)

    def content(self) -> bytes:
        """As JSON without a trace id, for what is refused before a trace begins."""
        return self.details.model_dump_json(exclude_defaults=True).encode()

    async def answer(self, send: Send, headers: RawHeaders = ()) -> None:
        """Send the problem as it is, at the least cost."""
        body = self.content()
        named = [
            (name.lower().encode(), value.encode()) for name, value in (self.headers or {}).items()
        ]
        about = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(body))]
        head = [*about, *named, *headers]
        await send({"type": "http.response.start", "status": self.status_code, "headers": head})
        await send({"type": "http.response.body", "body": body})


class ProblemResponse(JSONResponse):
    """Says in the scope which problem it is, for whoever keeps count."""

    def __init__(self, problem: Problem) -> None:
        details = problem.details.model_copy(update={"trace_id": trace_id()})
        content = details.model_dump(exclude_defaults=True)
        super().__init__(content, details.status, problem.headers, MEDIA_TYPE)
        self._name = problem.name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[PROBLEM] = self._name
        await super().__call__(scope, receive, send)


def documented(*statuses: int) -> Answers:
    """The `responses` of a route for OpenAPI."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in (*statuses, HTTPStatus.MISDIRECTED_REQUEST.value)  # wherever it is asked
    }


def not_found(what: str, name: str) -> Problem:
    """404 for a document or recommendation."""
    return Problem(404, "not-found", f"No such {what}", f"There is no {what} “{name}”.")


def invalid(pointer: str, detail: str) -> Problem:
    """422 for one value."""
    errors = [FieldError(pointer=pointer, detail=detail)]
    return _invalid_input(errors)


def _invalid_input(errors: Sequence[FieldError]) -> Problem:
    told = "; ".join(f"{each.pointer.strip('/') or 'body'}: {each.detail}" for each in errors[:3])
    return Problem(422, "invalid-input", "The input is not valid", told, errors=errors)


def install(app: FastAPI, referred: Sequence[type[BaseModel]] = ()) -> None:
    """Answer every error with problem details, and describe them in the app's OpenAPI.

    `referred`: other models that descriptions of routes refer to by name.
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
        return _of_framework(request, error).response()


def _of_framework(request: Request, error: HTTPException) -> Problem:
    """From an error that FastAPI or Starlette raised."""
    if error.status_code == HTTPStatus.BAD_REQUEST:  # what FastAPI says of a body it can't read
        return invalid("", "can't be read; send one JSON object in UTF-8")
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(_allowed(request))}
    phrase = HTTPStatus(error.status_code).phrase
    name = phrase.lower().replace(" ", "-")
    detail = error.detail if error.detail != phrase else f"{phrase}: see /docs for what exists."
    return Problem(error.status_code, name, phrase, detail, headers)


def _allowed(request: Request) -> list[str]:
    """What any route answers at this address; the router names the methods of one only."""

    def answered(method: str) -> bool:
        scope = {**request.scope, "method": method}
        routes = request.app.router.routes
        return any(route.matches(scope)[0] is Match.FULL for route in routes)

    found = [method for method in ("GET", "POST", "PUT", "DELETE") if answered(method)]
    return [*found, "HEAD"] if "GET" in found else found


def _described(
    made: Callable[[], dict[str, Any]], referred: Sequence[type[BaseModel]]
) -> Callable[[], dict[str, Any]]:
    """The OpenAPI with the schemas that are only referred to."""

    def openapi() -> dict[str, Any]:
        schema, template = made(), "#/components/schemas/{model}"
        models: tuple[type[BaseModel], ...] = (ProblemDetails, *referred)
        _, ours = models_json_schema(
            [(model, "serialization") for model in models], ref_template=template
        )
        schema["components"]["schemas"].update(ours["$defs"])
        schema["security"] = []  # but for the operations that say otherwise
        return schema

    return openapi


def _field_error(error: Mapping[str, Any]) -> FieldError:
    """From pydantic's error; its message is shown, the rejected value is not."""
    place, *path = error["loc"]
    pointer = "".join(f"/{step}" for step in path) if place == "body" else str(path[0])
    detail = str(error["msg"]).removeprefix("Value error, ")
    detail = WORDS.get(error["type"], detail)
    if error["type"] == "json_invalid":
        pointer, detail = "", f"is not valid JSON: {error['ctx']['error']}"
    if error["type"] in ("model_attributes_type", "missing") and pointer == "":
        detail = "send a JSON object with Content-Type: application/json"
    return FieldError(pointer=pointer, detail=detail)
