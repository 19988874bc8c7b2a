"""A generated stream lived through: counts, figures, a planted change."""

import json
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from predictions.models import Prediction, Workflow
from reviewqueue.enums import CaseStatus
from reviewqueue.models import Case, Decision, Label, Route, TrustMove
from reviewqueue.replay.options import Habits, Options, Planted
from reviewqueue.replay.records import moves_of, routed_rows, slices_of
from reviewqueue.replay.report import Told, as_json, make_report
from reviewqueue.replay.rows import Routed
from reviewqueue.replay.run import Replay, ReplayFailed
from reviewqueue.trust.bounds import upper_bound
from reviewqueue.trust.estimates import weighted_performance
from tests.factories.predictions import DECLARATION, make_items
from tests.reviewqueue.proof.generated import write_data_sets
from tests.reviewqueue.replay.rows import payments

TERMS = {
    "tolerated": {"legitimate": 0.1, "fraud": 0.3},
    "evidence": "all",
    "blind_share": 0.0,
    "edges": (),
    "looks_a_day": 4,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "cards.toml").write_text(DECLARATION.format(slug="cards", name="Cards"))
    return tmp_path


def lived(folder: Path, *, n: int, days: float, **options: object) -> Replay:
    """Live through a small stream; reviewers make no mistake unless they are told."""
    terms = {"habits": Habits(1.0, follows=0.0), **TERMS, **options}
    told = Options(**terms)  # type: ignore[arg-type]  # names of the test
    stream = payments(n, n_past=600, days=days)
    replay = Replay(stream, told, workflows=folder)
    replay.prepare()
    replay.live(lambda _: None)
    return replay


def rows_of(replay: Replay) -> Routed:
    start = replay.stream.start
    return routed_rows(replay.workflow, truth=replay.truth, start=start)


def report_of(replay: Replay) -> dict[str, Any]:
    start, stream = replay.stream.start, replay.stream
    told = Told("generated", replay.options, 600, len(stream.live), 0, ("fraud",))
    report = make_report(
        rows_of(replay),
        slices_of(replay.workflow, start=start),
        moves_of(replay.workflow, start=start),
        told=told,
        lived=replay.lived,
    )
    figures: dict[str, Any] = json.loads(as_json(report))
    return figures


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)  # dead rows can go meanwhile
def test_people_see_less_as_trust_is_earned_and_no_grant_is_wrong(
    folder: Path,
) -> None:
    replay = lived(folder, n=900, days=28, outcome_share=0.2)

    report = report_of(replay)

    rates = [week["reviewed"]["value"] for week in report["weeks"]]
    assert rates[0] == 1
    assert rates[-1] < 0.5
    assert [one["move"]["kind"] for one in report["moves"]].count("grant") >= 3
    assert report["n_wrong_grants"] == 0
    _counts_add_up(replay, report)
    _figures_are_those_of_the_pure_functions(replay, report)


def _counts_add_up(replay: Replay, report: dict[str, Any]) -> None:
    counted, rows = replay.lived, rows_of(replay)
    assert counted.sent == counted.accepted == rows.n == Route.objects.count() == 900
    assert counted.decided == Decision.objects.count() == report["n_reviewed"]
    assert Case.objects.exclude(status=CaseStatus.DECIDED).count() == 0
    assert sum(week["reviewed"]["n"] for week in report["weeks"]) == 900
    assert sum(week["reviewed"]["k"] for week in report["weeks"]) == counted.decided
    assert counted.moves == TrustMove.objects.count() == len(report["moves"])
    told = Label.objects.filter(source="outcome")
    assert counted.outcomes == told.count() > 50
    assert (rows.found[rows.is_reviewed] == rows.truth[rows.is_reviewed]).all()
    assert (rows.found[~rows.is_reviewed] == "").all()


def _figures_are_those_of_the_pure_functions(
    replay: Replay, report: dict[str, Any]
) -> None:
    rows = rows_of(replay)
    for one in (judged["move"] for judged in report["moves"]):
        bound = upper_bound(one["errors"], one["reviews"], delta=one["delta"])
        assert one["bound"] == pytest.approx(bound)
    seen = rows.is_reviewed
    expected = weighted_performance(
        rows.said[seen] == "fraud",
        rows.found[seen] == "fraud",
        rows.review_probabilities[seen],
    )
    for estimate in report["estimates"]:
        rate = getattr(expected, estimate["measure"])
        shown = estimate["by_people"]
        assert (shown["value"], shown["low"], shown["high"]) == pytest.approx(
            (rate.value, rate.low, rate.high)
        )
        assert estimate["is_held"] == (rate.low <= estimate["truth"] <= rate.high)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)  # dead rows can go meanwhile
def test_planted_flip_takes_autonomy_back_within_a_stated_number_of_items(
    folder: Path,
) -> None:
    replay = lived(
        folder, n=900, days=28, planted=Planted("flip", 18, share=0.6), floor=0.09
    )

    report = report_of(replay)

    due = [one for one in report["detections"] if one["is_due"]]
    assert len(due) >= 1
    for one in due:
        assert one["cause"] in {"alarm", "bound"}
        assert one["reviews"] <= 40
        assert one["items"] <= 250
        assert one["undetected"] <= one["items"] - one["reviews"]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)  # dead rows can go meanwhile
def test_new_champion_starts_again_at_review_all(folder: Path) -> None:
    replay = lived(folder, n=500, days=14, retrain_days=8, outcome_share=0.5)

    assert replay.lived.versions == 2
    slices = slices_of(replay.workflow, start=replay.stream.start)
    assert {one.version for one in slices} == {1, 2}
    rows = rows_of(replay)
    second = [place for place, one in enumerate(slices) if one.version == 2]
    cut = min(slices[place].cut_day for place in second)
    moved = [
        one.day
        for one in moves_of(replay.workflow, start=replay.stream.start)
        if one.segment in second
    ]
    again = (rows.days >= cut) & (rows.days < min(moved, default=99))
    assert again.any()
    assert rows.is_reviewed[again].all()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)  # dead rows can go meanwhile
def test_new_version_runs_in_shadow_before_it_is_promoted(folder: Path) -> None:
    replay = lived(
        folder, n=500, days=14, retrain_days=8, shadow_days=3, outcome_share=0.5
    )

    assert replay.lived.versions == 2
    said = Prediction.objects.filter(model_version__number=2)
    in_shadow = said.exclude(route__isnull=False)
    assert 50 < in_shadow.count() < said.count()
    last = in_shadow.latest("created_at").created_at
    first = said.filter(route__isnull=False).earliest("created_at").created_at
    assert last < first


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)  # dead rows can go meanwhile
def test_command_writes_page_and_figures(tmp_path: Path) -> None:
    data = write_data_sets(tmp_path / "sets", n=700)
    output = StringIO()

    call_command(
        "replay",
        "pdm_ai4i2020",
        data=data,
        out=tmp_path / "out",
        looks=1,
        edges="0.5",
        tolerated=["running=0.2", "failure=0.2"],
        evidence="all",
        plant="shift",
        plant_at=80,
        stdout=output,
        stderr=StringIO(),
    )

    assert output.getvalue().startswith("pdm_ai4i2020: 420 items, ")
    figures = json.loads((tmp_path / "out" / "replay-pdm_ai4i2020.json").read_text())
    assert figures["n_routed"] == figures["told"]["n_stream"] == 420
    assert figures["told"]["options"]["planted"]["feature"] == "torque"
    page = (tmp_path / "out" / "replay-pdm_ai4i2020.html").read_text()
    assert page.count("<svg") == 2
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org", "")
    assert f"{figures['n_reviewed']:,} items were reviewed" in page


@pytest.mark.django_db(transaction=True)  # dead rows can go meanwhile
def test_workflow_that_holds_items_is_refused(
    folder: Path, workflow: Workflow, now: datetime
) -> None:
    make_items(workflow, 1, now=now)

    with pytest.raises(ReplayFailed, match="cards holds items"):
        Replay(payments(5, n_past=5, days=5), Options(), workflows=folder)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "Where is the data"),
        ({"data": Path("nowhere")}, "pdm_ai4i2020: no pdm_ai4i2020/ai4i2020.csv"),
        ({"tolerated": ["running"]}, "LABEL=RATE, not 'running'"),
    ],
)
def test_command_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], message: str
) -> None:
    monkeypatch.delenv("COUNTERSIGN_PROOF_DATA", raising=False)

    with pytest.raises(CommandError, match=message):
        call_command("replay", "pdm_ai4i2020", **given)
