"""Handlers that list, read, write and delete documents."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from typing import IO, Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi import Path as InPath
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from app.api.body_limits import NDJSON
from app.api.dependencies import PartsDep, check_categories, may_write
from app.api.problems import DOCUMENT_IDS, documented, invalid, not_found
from app.api.wire import Category, DocumentPage, WireDocument
from app.catalogue.ids import ID, MAX_ID
from app.catalogue.importer import outcomes
from app.catalogue.importers.json_files import strict_json_lines
from app.catalogue.incoming_documents import ReplacedDocument
from app.catalogue.store import PAGE_CHARACTERS, Catalogue, Written
from app.composition import Parts

router = APIRouter(prefix="/documents", tags=["documents"])
WRITING = [Depends(may_write)]
STREAM_BATCH = 100
IN_MEMORY = 1_048_576
LINES = {
    "schema": {"$ref": "#/components/schemas/IncomingDocument"},
    "example": {"id": "staling", "title": "Staling", "text": "Bread goes stale as …"},
}

OUTCOMES = {
    "schema": {"$ref": "#/components/schemas/LineOutcome"},
    "example": {"line": 1, "id": "staling", "outcome": "created"},
}
DocumentId = Annotated[str, InPath(max_length=MAX_ID, pattern=ID)]


@router.get("", summary="List documents", responses=documented(422, 429, 503))
async def list_documents(
    parts: PartsDep,
    after: Annotated[str, Query(max_length=MAX_ID, description="the last page's `next`")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    category: Annotated[Category | None, Query()] = None,
) -> DocumentPage:
    """Documents in the order of their ids, in pages."""
    if category is not None:
        await run_in_threadpool(check_categories, parts.catalogue, [category], "category")
    page = parts.catalogue.page
    found = await run_in_threadpool(page, after, limit + 1, category)
    more = found[limit - 1].id if len(found) > limit else None
    if more is None and sum(len(each.text) for each in found) >= PAGE_CHARACTERS:
        more = found[-1].id  # the page is full by its number of characters
    return DocumentPage(documents=[WireDocument.of(each) for each in found[:limit]], next=more)


@router.get("/{document_id}", summary="Read a document", responses=documented(404, 422, 429, 503))
async def read_document(document_id: DocumentId, parts: PartsDep) -> WireDocument:
    """One document by its id."""
    return await run_in_threadpool(read, parts.catalogue, document_id)


@router.put(
    "/{document_id}",
    summary="Write a document",
    dependencies=WRITING,
    responses=documented(401, 403, 413, 415, 422, 429, 503) | {201: {"model": WireDocument}},
)
async def write_document(
    document_id: DocumentId, content: ReplacedDocument, parts: PartsDep, response: Response
) -> WireDocument:
    """Create (201) or replace (200). The next recommendation includes it."""
    if content.id not in (None, document_id):
        raise invalid("/id", "differs from the id in the URL")
    document = content.document(document_id)
    (written,) = await run_in_threadpool(parts.catalogue.put, [document])
    response.status_code = 201 if written is Written.CREATED else 200
    return await run_in_threadpool(read, parts.catalogue, document_id)


@router.delete(
    "/{document_id}",
    status_code=204,
    summary="Delete a document",
    dependencies=WRITING,
    responses=documented(401, 403, 404, 422, 429, 503),
)
async def delete_document(document_id: DocumentId, parts: PartsDep) -> None:
    """Delete a document. The next recommendation excludes it."""
    if not await run_in_threadpool(parts.catalogue.delete, document_id):
        raise not_found("document", document_id, DOCUMENT_IDS)


@router.post(
    "",
    summary="Write many documents",
    dependencies=WRITING,
    response_class=StreamingResponse,
    responses=documented(401, 403, 413, 415, 429, 503)
    | {200: {"description": "one outcome per line", "content": {NDJSON: OUTCOMES}}},
    openapi_extra={"requestBody": {"required": True, "content": {NDJSON: LINES}}},
)
async def write_documents(request: Request, parts: PartsDep) -> StreamingResponse:
    """Takes one document per line (NDJSON); returns one outcome per line, sent when durable."""
    lines = outcome_lines(parts, await spooled_body(request))
    first = await run_in_threadpool(next, lines, "")  # what fails at once has a status of its own
    return StreamingResponse(chain((first,), lines), media_type=NDJSON)


async def spooled_body(request: Request) -> IO[bytes]:
    """The complete request body in a temporary file, which the caller closes."""
    with ExitStack() as stack:
        body = stack.enter_context(tempfile.SpooledTemporaryFile(IN_MEMORY))
        async for chunk in request.stream():
            await run_in_threadpool(body.write, chunk)
        body.seek(0)
        stack.pop_all()
    return body


def outcome_lines(parts: Parts, body: IO[bytes]) -> Iterator[str]:
    """One JSON line for each line of `body`; closes `body`."""
    with body:
        for part in outcomes(parts.catalogue, strict_json_lines(body), STREAM_BATCH, parts.stages):
            for row, written in part:
                outcome: dict[str, object] = {"line": row.line}
                if row.document:
                    outcome["id"] = row.document.id
                outcome |= {"outcome": written.value} if written else _rejected(row.reason)
                yield json.dumps(outcome, ensure_ascii=False) + "\n"


def _rejected(reason: str) -> dict[str, object]:
    return {"outcome": "rejected", "reason": reason}


def read(catalogue: Catalogue, document_id: str) -> WireDocument:
    """The document. Raises Problem (404)."""
    document = catalogue.get(document_id)
    if document is None:
        raise not_found("document", document_id, DOCUMENT_IDS)
    return WireDocument.of(document)
