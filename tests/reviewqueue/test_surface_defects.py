"""Part images the whole way: measured, scored, routed, decided, and in a snapshot."""

import io
from datetime import datetime, timedelta

import pyarrow.parquet as pq
import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from predictions.learning.readers.terms import Reading
from predictions.models import (
    Item,
    Measurement,
    MediaFile,
    PredictedFields,
    Prediction,
    Workflow,
)
from predictions.queries.measured import known_features
from predictions.services import measuring
from predictions.services.explanations import explain_prediction
from predictions.services.media_removal import remove_media
from reviewqueue.enums import RouteReason
from reviewqueue.models import Case, Route
from reviewqueue.services import pipeline
from reviewqueue.services.judging import Judgement
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.snapshots import stream_snapshot
from tests.factories.media import image_file
from tests.factories.parts import (
    make_parts_champion,
    make_parts_workflow,
    part,
    store_part,
)
from tests.reviewqueue.services.snapshot_steps import built
from tests.reviewqueue.services.steps import claim, record

pytestmark = pytest.mark.django_db


@pytest.fixture
def workflow(db: None, now: datetime) -> Workflow:
    changes = {
        # nothing is left to the draw
        "blind_share = 0.1": "blind_share = 0.0",
        "second_opinion_share = 0.05": "second_opinion_share = 0.0",
        'mode = "above"': 'mode = "all"',
    }
    return make_parts_workflow(now=now, changes=changes)


def test_a_picture_goes_the_whole_way(
    workflow: Workflow, alice: User, now: datetime
) -> None:
    version = make_parts_champion(workflow, by=alice, now=now)
    drawn = part("pit", 5)
    item = store_part(workflow, drawn.jpeg(), external_id="p-1", by=alice, now=now)

    process_batch(workflow=workflow, limit=10, now=now)

    measured = Measurement.objects.get(item=item)
    assert measured.readers == {"image": {"name": "surface", "version": 1}}
    assert measured.failure == ""
    assert measured.values["image_n_marks"] == 4
    assert Route.objects.get(item=item).label == "pit"
    prediction = Prediction.objects.get(item=item)
    said = PredictedFields.objects.get(prediction=prediction)
    assert len(said.values["defects"]) == len(drawn.boxes) == 4
    assert {box["class"] for box in said.values["defects"]} == {"pit"}
    assert 0 < said.confidences["defects"] <= 1
    told = explain_prediction(prediction, now=now)
    assert {one["feature"] for one in told} <= {one["name"] for one in version.columns}
    assert told[0]["value"] == known_features(item, workflow.declaration).get(
        told[0]["feature"]
    )

    case = claim(workflow, alice, now=now)
    kept = said.values["defects"][:1]
    recorded = record(
        case, alice, Judgement(label="pit", fields={"defects": kept}), now=now
    )
    assert recorded.decision.verdict == "override"
    assert recorded.decision.corrected == ["defects"]

    moment = now + timedelta(minutes=1)
    snapshot = built(workflow, now=moment, as_of=moment)
    table = pq.read_table(io.BytesIO(b"".join(stream_snapshot(snapshot, "parquet"))))
    row = table.to_pylist()[0]
    assert row["f_image_peak"] == measured.values["image_peak"]
    assert row["label"] == "pit"
    assert snapshot.datasheet is not None
    assert snapshot.datasheet["measured_by"] == {"image: surface 1": 1}


def test_a_good_part_has_no_boxes(
    workflow: Workflow, alice: User, now: datetime
) -> None:
    make_parts_champion(workflow, by=alice, now=now)
    data = part("good", 3).jpeg()
    item = store_part(workflow, data, external_id="p-1", by=alice, now=now)

    process_batch(workflow=workflow, limit=10, now=now)

    assert Route.objects.get(item=item).label == "good"
    assert all(not one.values.get("defects") for one in PredictedFields.objects.all())


def test_what_cannot_be_measured_goes_to_people_and_costs_nobody_else(
    workflow: Workflow, alice: User, now: datetime
) -> None:
    make_parts_champion(workflow, by=alice, now=now)
    store_part(workflow, image_file(), external_id="tiny", by=alice, now=now)
    gone = store_part(
        workflow, part("pit", 9).jpeg(), external_id="gone", by=alice, now=now
    )
    fine = part("good", 3).jpeg()
    store_part(workflow, fine, external_id="fine", by=alice, now=now)
    media = gone.media.get().media
    remove_media(media_id=media.pk, by=alice, reason="a face", now=now)

    process_batch(workflow=workflow, limit=10, now=now)

    reasons = dict(Route.objects.values_list("item__external_id", "reason"))
    assert reasons == {
        "tiny": RouteReason.MODEL_FAILED,
        "gone": RouteReason.MODEL_FAILED,
        "fine": RouteReason.POLICY,
    }
    failures = dict(Measurement.objects.values_list("item__external_id", "failure"))
    assert failures == {
        "tiny": "media_unreadable",
        "gone": "media_missing",
        "fine": "",
    }


def test_a_file_that_takes_too_long_costs_its_item_alone(
    workflow: Workflow, alice: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("slow", "fine"):
        data = part("good", len(name)).jpeg()
        store_part(workflow, data, external_id=name, by=alice, now=now)
    left = iter((1e-6, 30.0))
    real = measuring.read_file

    def hurried(reader: str, media: MediaFile, *, deadline: float) -> Reading:
        monkeypatch.setattr(measuring, "FILE_SECONDS", next(left))
        return real(reader, media, deadline=deadline)

    monkeypatch.setattr(measuring, "read_file", hurried)

    process_batch(workflow=workflow, limit=10, now=now)

    failures = dict(Measurement.objects.values_list("item__external_id", "failure"))
    assert failures == {"slow": "media_timeout", "fine": ""}
    assert set(Route.objects.values_list("reason", flat=True)) == {
        RouteReason.NO_CHAMPION
    }


def test_what_was_measured_before_a_crash_is_measured_once_more_and_kept_once(
    workflow: Workflow, alice: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = part("good", 3).jpeg()
    store_part(workflow, data, external_id="p-1", by=alice, now=now)

    def crash(**_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "score_items", crash)
        with pytest.raises(KeyboardInterrupt):
            process_batch(workflow=workflow, limit=10, now=now)
    assert not Measurement.objects.exists()

    process_batch(workflow=workflow, limit=10, now=now)

    assert Measurement.objects.get().failure == ""
    assert Route.objects.count() == 1
    assert process_batch(workflow=workflow, limit=10, now=now) == []


def test_measured_values_cannot_be_sent(
    workflow: Workflow, alice: User, now: datetime
) -> None:
    data = part("good", 3).jpeg()
    store_part(workflow, data, external_id="p-1", by=alice, now=now)

    with pytest.raises(Item.DoesNotExist):
        store_part(
            workflow,
            data,
            external_id="p-2",
            by=alice,
            now=now,
            more={"image_peak": 0.1},
        )

    refused = workflow.quarantined.get()
    assert [(one["field"], one["rule"]) for one in refused.errors] == [
        ("image_peak", "measured")
    ]
    assert "cannot be sent" in refused.errors[0]["detail"]


def test_judging_blind_shows_nothing_of_what_was_measured(
    workflow: Workflow, alice: User, client: Client, now: datetime
) -> None:
    make_parts_champion(workflow, by=alice, now=now)
    data = part("pit", 5).jpeg()
    store_part(workflow, data, external_id="p-1", by=alice, now=now)
    process_batch(workflow=workflow, limit=10, now=now)
    client.force_login(alice)
    review = reverse("reviewqueue:review", args=[workflow.slug])
    seen = client.get(review).content.decode()
    Case.objects.update(blind=True)

    blind = client.get(review).content.decode()

    for mark in ('class="heat"', "overlay marks", "Strongest fine structure"):
        assert mark in seen
        assert mark not in blind
    item = reverse("reviewqueue:item-detail", args=[workflow.slug, case_item().pk])
    page = client.get(item).content.decode()
    assert 'class="heat"' not in page
    assert "Strongest fine structure" not in page


def case_item() -> Item:
    return Case.objects.get().item
