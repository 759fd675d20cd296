"""The topic signal: the evidence of an encyclopaedia's pages for each candidate."""

import asyncio

import numpy as np
import pytest

from app.recommend.dense import unit
from app.recommend.topic_signal import (
    RELATED,
    Evidence,
    NoTopicSignal,
    Outcome,
    Page,
    match,
    title_hash,
)
from app.recommend.types import Floats, Query
from tests.cases import cases
from tests.fakes import UNREACHABLE
from tests.recommend.candidates import candidates

AXES = np.eye(64, dtype=np.float32)


def evidence(*titles: str, vectors: Floats | None = None) -> Evidence:
    pages = tuple(Page(title) for title in titles)
    return Evidence.found(pages, AXES[-len(pages) :] if vectors is None else vectors)


def test_the_same_title_counts_fully() -> None:
    found = candidates([0.5, 0.5], vectors=AXES[:2], titles=["Bread", "Tide"])
    signal, pages = match(evidence("BREAD!"), found)
    assert signal.tolist() == [1, 0]
    assert pages.tolist() == [0, -1]


def test_pages_further_down_count_less() -> None:
    found = candidates([0.5] * 3, vectors=AXES[:3], titles=["Bread", "Tide", "SQLite"])
    signal, pages = match(evidence("Bread", "Tide", "SQLite"), found)
    assert signal.tolist() == pytest.approx([1, 1 / np.log2(3), 1 / 2])
    assert pages.tolist() == [0, 1, 2]


def test_every_document_has_its_own_signal() -> None:
    near = unit(AXES[:1] + np.float32(0.2) * AXES[1:2])
    vectors = np.concatenate([near, AXES[2:3], -near])
    signal, pages = match(
        evidence("Page", vectors=AXES[:1]), candidates([0.5] * 3, vectors=vectors)
    )
    assert signal[0] == pytest.approx(near[0, 0])
    assert signal[1:].tolist() == [0, 0]
    assert pages.tolist() == [0, -1, -1]


def test_the_page_that_fits_best_is_named() -> None:
    vectors = np.stack([AXES[5], AXES[0]])
    signal, pages = match(
        evidence("One", "Two", vectors=vectors), candidates([1], vectors=AXES[:1])
    )
    assert pages.tolist() == [1]
    assert signal[0] == pytest.approx(1 / np.log2(3))


def test_a_page_hardly_related_is_not_named() -> None:
    aside = unit(np.float32(RELATED - 0.01) * AXES[:1] + AXES[1:2])
    signal, pages = match(evidence("Page", vectors=AXES[:1]), candidates([1], vectors=aside))
    assert 0 < signal[0] < RELATED
    assert pages.tolist() == [-1]


@cases("nothing", [Evidence(Outcome.OFF), UNREACHABLE, evidence()])
def test_no_pages_no_signal(nothing: Evidence) -> None:
    signal, pages = match(nothing, candidates([0.5, 0.2]))
    assert not signal.any()
    assert pages.tolist() == [-1, -1]


def test_no_candidates_no_signal() -> None:
    signal, pages = match(evidence("Bread"), candidates([]))
    assert len(signal) == len(pages) == 0


def test_titles_that_read_alike_are_the_same() -> None:
    assert title_hash("Wi-Fi") == title_hash("wi‑fi ") == title_hash("WI-FI!")
    assert title_hash("C") != title_hash("C++") != title_hash("C#")
    assert title_hash("!!!") != title_hash("???")


def test_found_evidence_is_a_hit_or_a_miss() -> None:
    assert evidence("Bread").outcome is Outcome.HIT
    assert evidence().outcome is Outcome.MISS


def test_only_failures_degrade_an_answer() -> None:
    degraded = {outcome for outcome in Outcome if outcome.degraded}
    assert degraded == {Outcome.TIMEOUT, Outcome.ERROR, Outcome.OPEN_CIRCUIT}


def test_no_one_is_asked_when_it_is_off() -> None:
    async def ask() -> Evidence:
        asked = NoTopicSignal().begin(Query("bread", ()))
        assert asked.done()
        return await asked

    assert asyncio.run(ask()).outcome is Outcome.OFF
