"""Wire models: the requests and responses of the API. Scores are in [0, 1], higher is better."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.api.problems import ProblemDetails
from app.catalogue.feedback_journal import Kind
from app.catalogue.incoming_documents import MAX_CATEGORY, DocumentId, readable
from app.recommend.text_analysis import normalize
from app.recommend.types import Document

MAX_QUERY = 500
MAX_LIMIT = 50
EXAMPLE = "keep bread from going stale"


def _query(text: str) -> str:
    if len(text) > MAX_QUERY:
        raise ValueError(f"has {len(text)} characters; shorten it to {MAX_QUERY}")
    text = normalize(readable(text))
    if not text:
        raise ValueError("is empty; type a few words")
    return text


QueryText = Annotated[
    str,
    Field(
        description="free text with at least one letter or digit",
        json_schema_extra={"minLength": 1, "maxLength": MAX_QUERY},
    ),
    AfterValidator(_query),
]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT, description="how many documents")]
Category = Annotated[str, Field(max_length=MAX_CATEGORY), AfterValidator(readable)]
Categories = Annotated[
    list[Category], Field(max_length=50, description="only these categories; empty: all")
]
UserId = Annotated[
    str | None,
    Field(
        max_length=128,
        description="your opaque id; accepted and not used: nothing is stored, logged or "
        "personalised",
    ),
]
TraceParent = Annotated[
    str,
    Field(
        max_length=128,
        description="W3C trace context of the caller: the item's span links to it; ignored if it "
        "is not valid",
        examples=["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
    ),
]
RecommendationId = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class FilteredQuery(_Input):
    """What to search for, how many documents, and of which categories."""

    query: QueryText = Field(examples=[EXAMPLE])
    limit: Limit = 5
    categories: Categories = Field([], examples=[["cooking"]])


class RecommendRequest(FilteredQuery):
    """A query for recommendations."""

    user_id: UserId = None
    explain: bool = Field(True, description="include the reasons of each result")


MAX_ITEMS = 100


class BatchItem(RecommendRequest):
    """A query of a batch."""

    traceparent: TraceParent = ""


class BatchRequest(_Input):
    """Queries to answer in one request."""

    items: list[Any] = Field(
        min_length=1,
        max_length=MAX_ITEMS,
        examples=[[{"query": EXAMPLE}, {"query": "tides", "limit": 3}]],
        json_schema_extra={"items": {"$ref": "#/components/schemas/BatchItem"}},
    )


class RecommendParams(BaseModel):
    """A query for recommendations, as URL parameters."""

    model_config = ConfigDict(extra="forbid")

    q: QueryText = Field(examples=[EXAMPLE])
    limit: Limit = 5
    category: Categories = Field([], examples=[["cooking"]])
    user_id: UserId = None
    explain: bool = True


class FeedbackRequest(_Input):
    """What a user did with a recommended document."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"kind": {"const": Kind.DWELL.value}}, "required": ["kind"]},
            "then": {"properties": {"dwell_ms": {"type": "integer"}}, "required": ["dwell_ms"]},
            "else": {"properties": {"dwell_ms": {"type": "null"}}},
        }
    )

    recommendation_id: RecommendationId = Field(examples=["9f86d081884c7d659a2feaa0c55ad015"])
    document_id: DocumentId = Field(examples=["staling"])
    kind: Annotated[Kind, Field(strict=False, examples=["click"])]
    dwell_ms: Annotated[int, Field(ge=0, le=86_400_000)] | None = Field(
        None, description="milliseconds spent reading; with kind `dwell` only"
    )


class FeedbackResponse(BaseModel):
    """The stored feedback."""

    rank: int = Field(description="rank of the document in the recommendation, from 1")
    repeated: bool = Field(description="true if the same feedback was already stored")


class WireDocument(BaseModel):
    """A document of the catalogue."""

    id: str = Field(examples=["staling"])
    title: str = Field(examples=["Staling"])
    text: str = Field(examples=["Bread goes stale as its starch takes up water and sets again."])
    category: str = Field(examples=["cooking"])
    url: str = Field(examples=["https://en.wikipedia.org/wiki/Staling"])
    updated_at: str = Field(description="RFC 3339, UTC", examples=["2026-11-21T08:00:00Z"])

    @classmethod
    def of(cls, document: Document) -> Self:
        return cls(
            id=document.id,
            title=document.title,
            text=document.text,
            category=document.category,
            url=document.url,
            updated_at=document.updated_at,
        )


class DocumentPage(BaseModel):
    """One page of documents, in the order of their ids."""

    documents: list[WireDocument]
    next: str | None = Field(description="pass as `after` for the next page; null at the end")


class LineOutcome(BaseModel):
    """The outcome of one NDJSON line."""

    line: int = Field(description="line number, from 1", examples=[1])
    id: str | None = Field(None, description="the document's id, if the line is valid")
    outcome: Literal["created", "updated", "unchanged", "rejected"]
    reason: str | None = Field(None, description="why it was rejected")


class CategoryCounts(BaseModel):
    """All categories."""

    categories: dict[str, int] = Field(description="number of documents by category name")


class LegScores(BaseModel):
    """One number per leg; further legs of your own service are added to these."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float]

    lexical: float = Field(description="BM25: the words of the query", examples=[0.191])
    dense: float = Field(description="embeddings: their meaning", examples=[0.129])
    latent: float = Field(
        description="TF-IDF and SVD: this catalogue's subjects; fusion compares with those of the "
        "best matches",
        examples=[0.081],
    )
    topic: float = Field(description="pages that Wikipedia's search finds", examples=[0.15])


class Reasons(BaseModel):
    """Why a document has its score: the sum of `base` and all contributions."""

    summary: str = Field(examples=["Contains “bread”, “stale”; shares its subject."])
    matched_terms: list[str] = Field(examples=[["bread", "stale"]])
    topic_page: str | None = Field(examples=["Staling"])
    base: float = Field(examples=[0.0])
    scores: LegScores
    weights: LegScores
    contributions: LegScores


class SectionOfDocument(BaseModel):
    """The part of a long document that matched."""

    heading: str = Field(description="empty if it has none", examples=["Freezing bread"])
    fragment: str = Field(
        description="fragment of the section in the document's URL", examples=["freezing-bread"]
    )


class Result(BaseModel):
    """One recommended document."""

    rank: int = Field(examples=[1])
    score: float = Field(examples=[0.551])
    document: WireDocument
    section: SectionOfDocument | None = Field(
        None,
        description="only for long documents: the part that matched. `document.text` is then the "
        "text of this part, `document.url` links to it; `GET /documents/{id}` returns the complete "
        "document",
    )
    reasons: Reasons | None


class Interpretation(BaseModel):
    """How the query was understood."""

    text: str = Field(examples=["keep braed from going stale"])
    terms: list[str] = Field(examples=[["keep", "bread", "going", "stale"]])
    corrections: dict[str, str] = Field(
        description="misspelt words and their corrections", examples=[{"braed": "bread"}]
    )
    unknown: list[str] = Field(
        description="words that no document contains, even corrected", examples=[[]]
    )


class Model(BaseModel):
    """Name and version of a model."""

    name: str = Field(examples=["fusion"])
    version: str = Field(examples=["1"])


class RecommendResponse(BaseModel):
    """A list of recommended documents."""

    recommendation_id: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015"])
    trace_id: str | None = Field(
        description="trace of this request",
        examples=["4bf92f3577b34da6a3ce929d0e0e4736"],
    )
    query: Interpretation
    relevance: float | None = Field(
        ge=0,
        le=1,
        description="the probability that the first result answers the query, calibrated on judged "
        "queries; null for similar documents, and where no calibrator fits the model",
        examples=[0.93],
    )
    answered: bool | None = Field(
        description="whether the relevance is high enough; if false, the results are only the "
        "nearest there are",
        examples=[True],
    )
    results: list[Result]
    model: Model
    degraded: list[str] = Field(
        description="unavailable parts: topic_signal, ranking_model; results: there should be some",
        examples=[[]],
    )
    took_ms: float = Field(examples=[2.7])


class ItemOutcome(BaseModel):
    """What became of one item: one of both is null."""

    recommendation: RecommendResponse | None
    problem: ProblemDetails | None = Field(description="why there is no recommendation")


class BatchResponse(BaseModel):
    """The outcomes of all items, in their order."""

    items: list[ItemOutcome]
