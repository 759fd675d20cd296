"""The model card of a version: what it was trained on, how good it is, and its limits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from typing import Any

from app import __version__
from app.catalogue.store import Catalogue
from app.model import calibration, pairwise_fit
from app.model.evaluation import Evaluation
from app.model.gate import Verdict
from app.model.judgement_files import Judgements, Source
from app.model.judgements import DataQuality

DECIMALS, SMALL = 4, 7
"""Decimals of numbers, and of those below 0.01."""
SETTINGS = {
    "model": "logistic regression on differences of features (RankSVM with logistic loss)",
    "ranker_strength": pairwise_fit.STRENGTH,
    "worse_per_better": pairwise_fit.WORSE_PER_BETTER,
    "folds": pairwise_fit.FOLDS,
    "calibrator_strength": calibration.STRENGTH,
    "seed": 0,
}
LIMITS = (
    "The scores are calibrated on the queries of this training; other queries, or a catalogue that "
    "changes much, shift them.",
    "Stop words, stems and spelling correction are English.",
    "A difference inside its interval may be chance: more judged queries narrow it.",
)
OF_PSEUDO = (
    "Pseudo-judgements: the queries are titles and headings, and their own document is the only "
    "right one. They are easier than people's questions, so the figures are too high, and only "
    "comparisons with other models on the same queries mean something."
)


def card(  # noqa: PLR0913 - everything that is known of a training
    judgements: Judgements,
    holdout: Judgements | None,
    rows: DataQuality,
    evaluation: Evaluation,
    verdict: Verdict,
    *,
    trained_on: int,
    catalogue: Catalogue,
    champion: str,
    trace_id: str | None,
) -> dict[str, Any]:
    """The card as JSON values; numbers are rounded. `trained_on`: number of queries."""
    embedder, quality = catalogue.models.embedder, asdict(rows)
    del quality["rejects"], quality["holdout_rejects"]
    pseudo = (OF_PSEUDO,) if judgements.source is Source.PSEUDO else ()
    content: dict[str, Any] = {
        "model": "pairwise",
        "program": __version__,
        "trace_id": trace_id,
        "data": {
            **_origin(judgements),
            "holdout": None if holdout is None else _origin(holdout),
            "rows": quality,
            "tune_queries": trained_on,
            "test_queries": evaluation.answerable + evaluation.out_of_domain,
        },
        "catalogue": {"documents": len(catalogue), "sha256": _hash(catalogue)},
        "embedder": {"name": embedder.name, "version": embedder.version, "hash": embedder.hash},
        "settings": SETTINGS,
        "champion": champion,
        "metrics": asdict(evaluation),
        "gate": verdict.content(),
        "limits": [*pseudo, *LIMITS],
    }
    rounded: dict[str, Any] = _rounded(content)
    return rounded


def _origin(judgements: Judgements) -> dict[str, str]:
    return {
        "source": judgements.source.value,
        "name": judgements.name,
        "sha256": judgements.hash,
    }


def _hash(catalogue: Catalogue) -> str:
    """SHA-256 over all documents in the order of their ids."""
    digest = sha256()
    for each in catalogue:
        digest.update(repr((each.id, each.title, each.text, each.category)).encode())
    return digest.hexdigest()


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, SMALL if abs(value) < 0.01 else DECIMALS)
    if isinstance(value, Mapping):
        return {str(name): _rounded(each) for name, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value


def readable(content: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    return "\n".join(_lines(content)) + "\n"


def _lines(content: Mapping[str, Any]) -> Iterator[str]:
    data, metrics, gate = content["data"], content["metrics"], content["gate"]
    yield "# Model card: pairwise ranking model"
    yield ""
    yield (
        f"Trained on {data['tune_queries']} queries, evaluated on {data['test_queries']}: "
        f"{data['name']}. Compared with the champion {content['champion']} and BM25."
    )
    yield ""
    passed = "passed" if gate["passed"] else "refused"
    yield f"**Gate: {passed}.** {'; '.join(gate['reasons'])}".rstrip()
    yield from rankings(metrics)
    yield from relevance(metrics)
    yield from slices(metrics)
    yield from _heading("Data")
    yield from _table(("", ""), _data(content))
    yield from _heading("Limits")
    for each in content["limits"]:
        yield f"- {each}"


def rankings(metrics: Mapping[str, Any]) -> Iterator[str]:
    """The ranking quality of every model, and the candidate's difference to the others."""
    yield from _heading("Ranking")
    yield from _table(
        ("model", "nDCG@10", "95 % interval", "MRR", "recall@10", "coverage", "CPU p95, ms"),
        (
            (
                name, _f(each["ndcg"]["mean"]), _interval(each["ndcg"]),
                _f(each["reciprocal_rank"]), _f(each["recall"]), _f(each["coverage"]),
                f"{each['cpu_p95'] * 1000:.2f}",
            )
            for name, each in metrics["ranked"].items()
        ),
    )  # fmt: skip
    yield ""
    yield from _table(
        ("compared with", "difference", "95 % interval", "p"),
        (
            (name, _signed(each["difference"]["mean"]), _interval(each["difference"], signed=True),
             f"{each['p']:.4f}")
            for name, each in metrics["comparisons"].items()
        ),
    )  # fmt: skip


def slices(metrics: Mapping[str, Any]) -> Iterator[str]:
    """The candidate's quality by slice."""
    yield from _heading("Slices")
    reference = next(iter(metrics["comparisons"]))
    yield from _table(
        ("slice", "queries", "nDCG@10", f"difference to {reference}", "withheld"),
        (
            (
                f"{each['dimension']}: {each['name']}", each["queries"], _f(each["ndcg"]),
                _signed(each["difference"]["mean"]) if each["difference"] else "",
                _f(each["withheld"]),
            )
            for each in metrics["slices"]
        ),
    )  # fmt: skip


def relevance(metrics: Mapping[str, Any]) -> Iterator[str]:
    """How well calibrated the relevance of first results is."""
    yield from _heading("Relevance")
    low, middle, high = metrics["score_spread"]
    yield f"Scores of first results: 5 % are below {low:.3f}, half {middle:.3f}, 95 % {high:.3f}."
    yield ""
    yield from _table(
        ("model", "AUC, good answers against out-of-domain", "Brier score", "good answers withheld",
         "out-of-domain withheld"),
        (
            (
                name, f"{_f(each['auc']['value'])} ({_interval(each['auc'])})", _f(each["brier"]),
                _f(each["withheld_good"]["value"]), _f(each["withheld_outside"]["value"]),
            )
            for name, each in metrics["calibration"].items()
        ),
    )  # fmt: skip
    yield ""
    name = next(iter(metrics["ranked"]))
    yield f"Reliability of {name}:"
    yield ""
    yield from _table(
        ("queries", "mean relevance", "share answered"),
        (
            (each["queries"], _f(each["predicted"]), _f(each["observed"]))
            for each in metrics["calibration"].get(name, {}).get("bins", ())
        ),
    )


def _data(content: Mapping[str, Any]) -> Iterator[Sequence[object]]:
    data, rows = content["data"], content["data"]["rows"]
    yield "judgements", f"{data['source']}, SHA-256 {data['sha256']}"
    if holdout := data["holdout"]:
        yield "holdout", f"{holdout['name']}, SHA-256 {holdout['sha256']}"
    yield "rows", f"{rows['read']} read, {rows['used']} used"
    for name in ("dropped", "quarantined"):
        listed = ", ".join(f"{count} {reason}" for reason, count in rows[name].items())
        yield f"rows {name}", listed or "none"
    catalogue, embedder = content["catalogue"], content["embedder"]
    yield "catalogue", f"{catalogue['documents']} documents, SHA-256 {catalogue['sha256']}"
    yield "embedding model", f"{embedder['name']} {embedder['version']}, {embedder['hash']}"
    for name, value in content["settings"].items():
        yield name, value


def _heading(text: str) -> Iterator[str]:
    yield from ("", f"## {text}", "")


def _table(head: Sequence[str], rows: Iterator[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(str(each).replace('|', '/') for each in row)} |"


def _f(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _signed(value: float) -> str:
    return f"{value:+.3f}"


def _interval(rate: Mapping[str, float], *, signed: bool = False) -> str:
    return (
        f"{rate['low']:+.3f} to {rate['high']:+.3f}"
        if signed
        else (f"{rate['low']:.3f}-{rate['high']:.3f}")
    )
