"""Another service that uses the kit, in the page and the reports: they find its own names."""

from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pytest

from examples import shop
from observatory.store.schema import CLICKHOUSE
from tests.api.service import client_of
from tests.observatory.observatory_process import Observatory
from tests.waiting import TIMEOUT

pytestmark = pytest.mark.anyio
IN_STOCK, OLD_PRICE, BROKEN = "tea", "plums", "bread"


async def sell(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the shop answer for each of the three; its telemetry goes to the address."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", str(TIMEOUT))
    price_of = shop.price_of

    def breaks_once(item: str, prices: dict[str, float]) -> shop.Price:
        return price_of(item, {} if item == BROKEN and 1 // 0 else prices)

    monkeypatch.setattr(shop, "price_of", breaks_once)
    with patch("examples.shop.use_globally"), patch("app.telemetry.kit.sdk.set_defaults"):
        async with (
            shop.app.router.lifespan_context(shop.app) as state,
            client_of(lambda *asgi: shop.app({**asgi[0], "state": state}, *asgi[1:])) as client,
        ):
            for item in (IN_STOCK, OLD_PRICE, BROKEN):
                await client.get("/price", params={"item": item})
            state["kit"].flush()  # type: ignore[index]


async def test_its_own_names_are_found(
    observatory: Observatory, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sell(observatory.otlp, monkeypatch)
    with httpx.Client(base_url=observatory.page, timeout=TIMEOUT) as page:

        def traces(status: str) -> list[dict[str, Any]]:
            found = page.get("/api/traces", params={"service": "shop", "status": status})
            return list(found.json()["traces"])

        (degraded,), (failed,), (fine,) = map(traces, ("degraded", "error", "ok"))
    assert degraded["degraded"]
    assert not failed["degraded"]
    assert not fine["degraded"]

    def report(name: str) -> list[dict[str, Any]]:
        path: Path = CLICKHOUSE / "reports" / f"{name}.sql"
        return [row for row in observatory.rows(path.read_text()) if row["service"] == "shop"]

    (stage,) = report("stage_latency")
    assert (stage["stage"], int(stage["calls"]), int(stage["errors"])) == ("price item", 3, 1)
    promised = {row["objective"]: (row["requests"], row["failed"]) for row in report("slo")}
    assert promised["availability"] == (3, 1)
    (error,) = [row for row in report("error_groups") if row["span_name"] == "price item"]
    assert "in breaks_once" in error["raised_in"]
    assert {"traces", "logs", "metrics"} == {row["kind"] for row in report("telemetry_lost")}
