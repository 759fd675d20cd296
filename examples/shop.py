"""A small service of another domain, observed with the kit: an example of a copy.

    python -m uvicorn examples.shop:app --port 8001   # then: curl '127.0.0.1:8001/price?item=tea'

In your own service, import from your copy of the folder (`your_service.telemetry_kit`); the files
in it need no changes.
"""
# ruff: noqa: E402

from app.telemetry.kit.environment import check_process

check_process()  # before FastAPI is imported: some values of OTEL_* variables end that import

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI, HTTPException, Request

from app.telemetry.kit.exporters import Exporters
from app.telemetry.kit.facts import Facts, Failures, FinishedStage, Measurement
from app.telemetry.kit.kit import Kit, use_globally
from app.telemetry.kit.sdk import otlp_exporters
from app.telemetry.kit.settings import KitSettings
from app.telemetry.kit.vocabulary import Attribute, Attributes, CoreNames, Metric, Vocabulary

# The service, without telemetry.

PRICES = {"tea": 3.2, "bread": 2.8, "plums": 4.1}
OUT_OF_STOCK = {"plums"}


class UnknownItem(LookupError):
    """The caller asked for something that is not sold."""


@dataclass(frozen=True, slots=True)
class Price:
    """What one item costs."""

    amount: float
    discounted: bool
    estimated: bool = False


def price_of(item: str, now_selling: dict[str, float]) -> Price:
    """Raises UnknownItem."""
    if item not in now_selling:
        raise UnknownItem(item)
    amount = now_selling[item]
    return Price(amount, discounted=amount < 3, estimated=item in OUT_OF_STOCK)


# Its telemetry: the names, and one function from a result to facts.

CORE = CoreNames("shop", stages=["price item"])
DISCOUNTED = Attribute("shop.price.discounted", "boolean", "whether a discount applied")
AMOUNT = Metric("shop.price.amount", "histogram", "{EUR}", "price", (DISCOUNTED,), (1, 2, 5, 10))
VOCABULARY = Vocabulary.of(CORE, globals().values())


def facts(stage: FinishedStage) -> Facts:
    """Everything that is emitted about a stage."""
    if not isinstance(stage.result, Price):
        return Facts()
    about: Attributes = {DISCOUNTED: stage.result.discounted}
    measured = (Measurement(AMOUNT, stage.result.amount, about),)
    return Facts(about, measurements=measured, degraded=stage.result.estimated)


def telemetry(settings: KitSettings, exporters: Exporters) -> Kit:
    """The kit, with our names and facts."""
    return Kit(
        "shop", "1.0", VOCABULARY, settings, exporters,
        facts=facts, failures=Failures(callers=(UnknownItem,)),
        user_text=lambda subject: subject if isinstance(subject, str) else None,
        loggers=["examples"],
    )  # fmt: skip


# Both together: the app. FastAPI's own instrumentation is off, else requests are traced twice.


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Kit]]:
    """Telemetry starts before the parts of the service are built, and stops after them."""
    settings = KitSettings()
    kit = telemetry(settings, otlp_exporters(settings))
    use_globally(kit)
    async with kit.around(app):
        yield {"kit": kit}


app = FastAPI(lifespan=lifespan, telemetry={"tracing": False, "metrics": False, "logs": False})


@app.get("/price")
def price(item: str, request: Request) -> dict[str, float]:
    """What an item costs."""
    try:
        with request.state.kit.stages.observe("price item", item) as stage:
            found = stage.result = price_of(item, PRICES)
    except UnknownItem as error:
        raise HTTPException(404, "Not sold here; try tea or bread.") from error
    return {"amount": found.amount}
