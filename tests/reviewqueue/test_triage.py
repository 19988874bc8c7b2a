"""Five levels in an order, from the desk to the figures, on the file that ships."""

import csv
import html
import io
import json
import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from django.test import Client
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score

from accounts.models import User
from lifecycle.queries.comparison import Terms
from predictions.learning.calibration import Calibration, apply_calibration
from predictions.learning.features import columns_from_json, feature_matrix
from predictions.models import ModelVersion, Prediction, Workflow
from reviewqueue.enums import CaseStatus, Queue
from reviewqueue.models import Case, Decision
from reviewqueue.queries.estimates import all_items
from reviewqueue.queries.metrics import workflow_metrics
from reviewqueue.queries.reliance import reliance_report
from reviewqueue.queries.repair import RepairScope, riskiest_page
from reviewqueue.queries.tallies import Days
from reviewqueue.queries.trust import plan_in_force, tolerated_of
from reviewqueue.services.decisions import escalate_case
from reviewqueue.services.judging import InvalidDecision
from reviewqueue.services.opening import case_priority
from reviewqueue.services.pipeline import process_batch
from tests.factories.predictions import set_policy, store
from tests.factories.triage import (
    LEVELS,
    make_triage,
    make_triage_champion,
    patients,
    trained,
    visit,
)
from tests.reviewqueue.services.snapshot_steps import built, bytes_of
from tests.reviewqueue.services.steps import claim, decide, token

pytestmark = pytest.mark.django_db
TAG = re.compile(r"<[^>]+>")


@pytest.fixture
def now() -> datetime:
    """The pages' clock is the real one."""
    return datetime.now(UTC)


@pytest.fixture
def workflow(db: None, now: datetime) -> Workflow:
    return make_triage(now=now)


@pytest.fixture
def champion(workflow: Workflow, now: datetime) -> ModelVersion:
    return make_triage_champion(workflow, now=now)


def arrive(workflow: Workflow, rows: list[dict[str, object]], *, now: datetime) -> None:
    items = [visit(at, now=now, **row) for at, row in enumerate(rows)]
    assert store(workflow, items, now=now).accepted == len(rows)
    process_batch(workflow=workflow, limit=len(rows), now=now)


def words(client: Client, address: str) -> str:
    """Return the words of a page as a person reads them."""
    body = client.get(address).content.decode()
    text = html.unescape(TAG.sub(" ", body)).replace("\N{NO-BREAK SPACE}", " ")
    return re.sub(r"\s+", " ", text)


def test_recommended_level_has_the_least_expected_cost(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    rows, _ = patients(60, seed=9)
    arrive(workflow, rows, now=now)

    model = trained()
    matrix = feature_matrix(rows, columns_from_json(champion.columns))
    assert champion.calibration is not None
    chances = apply_calibration(
        Calibration.from_json(champion.calibration),
        model.pipeline.predict_proba(matrix),
    )
    matrix_of = workflow.declaration.costs.matrix
    assert matrix_of is not None
    said = dict(Prediction.objects.values_list("item__external_id", "label"))
    likeliest = 0
    for at, row in enumerate(chances):
        expected = {
            one: sum(
                p * matrix_of[truth][one]
                for p, truth in zip(row, champion.label_keys, strict=True)
            )
            for one in champion.label_keys
        }
        assert expected[said[f"visit-{at}"]] == pytest.approx(min(expected.values()))
        likeliest += said[f"visit-{at}"] == champion.label_keys[int(np.argmax(row))]
    assert 0 < likeliest < len(rows)  # the costs decide, not the likeliest level


def test_desk_says_where_values_stand_what_is_missing_and_how_they_moved(
    workflow: Workflow,
    champion: ModelVersion,
    alice: User,
    client: Client,
    now: datetime,
) -> None:
    set_policy(workflow, now=now)
    common = {"patient_id": "p-1", "spo2": 97}
    arrive(
        workflow,
        [
            {**common, "resp_rate": 15, "heart_rate": 90},
            {**common, "resp_rate": 28, "heart_rate": 45},
        ],
        now=now,
    )
    client.force_login(alice)
    case = Case.objects.get(item__external_id="visit-1")
    Case.objects.exclude(pk=case.pk).update(snoozed_until=None, priority=-1)
    page = words(client, "/w/ed-triage/review/")

    assert "Pulse" not in page  # the title is in lower case: the right case is shown
    assert "▲ above 12 to 20 /min" in page
    assert "▼ below 60 to 100 /min" in page
    assert "✓ from 94 %" in page
    assert "↗ up from 15, 60 s before" in page or "↗ up from 15, 1 min" in page
    assert "↘ down from 90" in page
    assert "→ as 97" in page
    assert page.count("not measured") >= 8
    assert "Of least expected cost" in page


def test_escalation_needs_a_reason(
    workflow: Workflow,
    champion: ModelVersion,
    alice: User,
    client: Client,
    now: datetime,
) -> None:
    arrive(workflow, patients(1)[0], now=now)
    case = claim(workflow, alice, now=now)
    with pytest.raises(InvalidDecision) as refusal:
        escalate_case(
            case_id=case.pk,
            holder=alice,
            lease_token=token(case),
            reason=" ",
            now=now,
        )
    [error] = refusal.value.errors
    assert (error.field, error.rule) == ("reason", "required")

    client.force_login(alice)
    address = f"/w/ed-triage/review/{case.pk}/escalate/"
    sent = {"lease_token": str(token(case)), "reason": ""}
    assert client.post(address, sent).status_code == 422
    case.refresh_from_db()
    assert case.status == CaseStatus.LEASED
    answer = client.post(address, {**sent, "reason": "Skin is grey."})
    assert answer.status_code == 302
    case.refresh_from_db()
    assert case.status == CaseStatus.ESCALATED
    assert case.events.get(kind="escalated").reason == "Skin is grey."


@pytest.fixture
def read_twice(
    workflow: Workflow,
    champion: ModelVersion,
    alice: User,
    bob: User,
    carol: User,
    now: datetime,
) -> Workflow:
    """Thirty-two visits read twice; bob says a level more in eight, carol agrees."""
    set_policy(workflow, now=now, second_opinion_share=1.0)
    arrive(workflow, patients(32, seed=3)[0], now=now)
    for _ in range(32):
        decide(claim(workflow, alice, now=now), alice, now=now)
    for number in range(32):
        case = claim(workflow, bob, now=now)
        place = LEVELS.index(case.route.label) + (number % 4 == 0)
        decide(case, bob, now=now, label=LEVELS[min(place, 4)])
    while apart := _next_for(workflow, carol, now=now):
        second = Decision.objects.get(item=apart.item, case_kind="second")
        decide(apart, carol, now=now, label=second.label)
    return workflow


def _next_for(workflow: Workflow, carol: User, *, now: datetime) -> Case | None:
    waiting = Case.objects.filter(queue=Queue.ADJUDICATION, status=CaseStatus.PENDING)
    if not waiting.exists():
        return None
    return claim(workflow, carol, now=now, queues=[Queue.ADJUDICATION])


def test_reliance_tells_weighted_kappa_and_how_often_people_were_too_low(
    read_twice: Workflow, sam: User, client: Client, now: datetime
) -> None:
    report = reliance_report(read_twice, days=30, now=now + timedelta(1), only=None)

    assert report.together is not None
    assert report.together.weighted is not None
    by: dict[str, dict[object, str]] = {"review": {}, "second": {}}
    for one in Decision.objects.exclude(case_kind="adjudication"):
        by[one.case_kind][one.item_id] = one.label
    items = sorted(by["review"], key=str)
    expected = cohen_kappa_score(
        [by["review"][one] for one in items],
        [by["second"][one] for one in items],
        weights="quadratic",
        labels=list(LEVELS),
    )
    assert report.together.weighted.value == pytest.approx(expected)
    assert report.together.weighted.n_pairs == 32
    assert report.everybody is not None
    apart = report.everybody.ordered
    assert apart is not None
    # known is what went to carol: alice was too low there, bob and carol were not
    n_apart = sum(by["review"][one] != by["second"][one] for one in items)
    assert n_apart > 0
    assert apart.people.under.k == n_apart
    assert apart.people.over.k == 0
    assert json.dumps(report.to_json()["everybody"]["ordered"], allow_nan=False)

    client.force_login(sam)
    page = words(client, "/w/ed-triage/reliance/")
    assert "Quadratic-weighted kappa, first and second reader" in page
    assert "Said lower than true" in page


def test_dashboard_estimates_under_and_over_for_all_items(
    read_twice: Workflow, sam: User, client: Client, now: datetime
) -> None:
    found = all_items(read_twice, Days(now.date() - timedelta(6), now.date()))
    assert found is not None
    under, over = found.by_people.under, found.by_people.over
    assert under is not None
    assert over is not None
    assert under.n == over.n == 32
    assert under.share is not None
    assert over.share == 0
    wrong = (
        1
        - sum(
            one.label == one.recommended_label
            for one in Decision.objects.filter(case_kind="second")
        )
        / 32
    )
    assert under.share == pytest.approx(wrong)

    rows = workflow_metrics(
        read_twice, days=Days(now.date(), now.date()), now=now
    ).confirmation.by_label
    keys = [one.key for one in rows]
    assert keys == sorted(keys, key=LEVELS.index)

    client.force_login(sam)
    assert "Said lower than true" in words(client, "/w/ed-triage/dashboard/")


def test_model_page_tells_how_far_off_it_was(
    workflow: Workflow, champion: ModelVersion, erin: User, client: Client
) -> None:
    report = champion.report["test"]
    assert report["ordered"]["under"]["n"] == report["n"] == 180
    assert report["cost_per_row"]["value"] > 0
    client.force_login(erin)
    page = words(client, f"/w/ed-triage/models/{champion.pk}/")
    assert "Quadratic-weighted kappa" in page
    assert "Cost of its errors per item" in page
    assert "the label of least expected cost" in page
    assert "as Blue as Green as Yellow as Orange as Red" in page
    assert " min (n = 180" in page


def test_costs_of_errors_are_those_of_the_matrix_everywhere(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    declaration = workflow.declaration
    plan = plan_in_force(workflow)

    assert declaration.dearest_error("green") == 120
    assert declaration.dearest_error("red") == 40
    # a minute of review against what an error costs at most
    assert tolerated_of("green", plan, declaration) == pytest.approx(1 / 120)
    assert tolerated_of("red", plan, declaration) == pytest.approx(1 / 40)
    assert case_priority("green", 0.9, declaration) == pytest.approx(12)
    assert case_priority("green", None, declaration) == 180

    set_policy(workflow, now=now, mode="above", low=1.0, audit_share=0.01)
    arrive(workflow, patients(30, seed=8)[0], now=now)
    scope = RepairScope(workflow, since=now, until=now + timedelta(seconds=1))
    for one in riskiest_page(scope, cursor="", limit=30).rows:
        assert one.prediction is not None
        assert one.cost == pytest.approx(  # type: ignore[attr-defined]
            case_priority(one.label, one.prediction.confidence, declaration)
        )


def test_champion_and_challenger_are_held_to_the_matrix(workflow: Workflow) -> None:
    terms = Terms.of(workflow.declaration)

    assert terms.name == "costs"
    assert terms.greatest == 180
    assert terms.margin == pytest.approx(1.8)
    assert terms.loss("green", "red") == 120
    assert terms.loss("red", "orange") == 10  # of one side, and not for nothing


def test_what_if_tries_everything_but_the_matrix(
    workflow: Workflow, champion: ModelVersion, sam: User, client: Client
) -> None:
    client.force_login(sam)
    page = words(client, "/w/ed-triage/trust/what-if/?review_minute=3")

    assert "Cost of a minute of review" in page
    assert "Cost of a false positive" not in page
    refused = client.get("/w/ed-triage/trust/what-if/?false_positive=3")
    assert refused.status_code == 422
    assert client.get("/w/ed-triage/trust/").status_code == 200


def test_snapshot_opens_in_what_people_learn_with(
    read_twice: Workflow, now: datetime
) -> None:
    files = bytes_of(built(read_twice, now=now, as_of=now))
    table = pq.read_table(io.BytesIO(files["parquet"]))
    lines = [json.loads(line) for line in files["jsonl"].decode().splitlines()]
    rows = list(csv.DictReader(io.StringIO(files["csv"].decode("utf-8-sig"))))

    assert table.num_rows == len(lines) == len(rows) == 32
    # one object a line, with the same names in each: what `datasets` reads
    assert len({tuple(sorted(one)) for one in lines}) == 1
    names = ["f_resp_rate", "f_heart_rate", "f_age"]
    matrix = np.column_stack([table[name].to_numpy() for name in names])
    levels = table["label"].to_pylist()
    assert (
        LogisticRegression(max_iter=2000).fit(matrix, levels).score(matrix, levels)
        > 0.4
    )
    assert [row["label"] for row in rows] == [one["label"] for one in lines] == levels
    by_line = pd.read_json(io.BytesIO(files["jsonl"]), lines=True)
    assert list(by_line["label"]) == levels
    rates = matrix[:, 0]
    for found in (
        pd.read_parquet(io.BytesIO(files["parquet"]))["f_resp_rate"],
        pd.read_csv(io.BytesIO(files["csv"]))["f_resp_rate"],
        pd.json_normalize(by_line["features"].to_list())["resp_rate"],
    ):
        assert list(found) == list(rates)
