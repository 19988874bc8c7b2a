"""Spoken entries the whole way: heard, passed or sent to people, corrected, kept."""

import io
import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from predictions.enums import ModelKind, Stage
from predictions.learning.speech.generated import spoken_word, voice
from predictions.learning.speech.terms import RATE
from predictions.models import Measurement, ModelVersion, PredictedFields, Workflow
from predictions.services.explanations import explain_prediction
from predictions.services.media_removal import remove_media
from predictions.services.recognisers import register_recogniser
from predictions.services.registry import RegistrationRefused, change_stage
from reviewqueue.enums import RouteKind, RouteReason
from reviewqueue.models import Route
from reviewqueue.services.judging import Judgement
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.snapshots import stream_snapshot
from tests.factories.predictions import make_workflow
from tests.factories.speech import (
    make_speech_champion,
    make_speech_workflow,
    said,
    store_recording,
    trained,
    wav,
)
from tests.reviewqueue.services.snapshot_steps import built
from tests.reviewqueue.services.steps import claim, record

pytestmark = pytest.mark.django_db
CHANGES = {
    "blind_share = 0.02": "blind_share = 0.0",
    "audit_share = 0.1": "audit_share = 0.000001",
}


@pytest.fixture
def workflow(db: None, now: datetime) -> Workflow:
    return make_speech_workflow(now=now, changes=CHANGES)


def routes(workflow: Workflow) -> dict[str, tuple[str, str, str]]:
    rows = Route.objects.filter(workflow=workflow)
    return {
        name: tuple(rest)
        for name, *rest in rows.values_list(
            "item__external_id", "kind", "reason", "label"
        )
    }


def test_what_is_sure_passes_and_each_field_knows_its_piece_of_sound(
    workflow: Workflow, alice: User, now: datetime
) -> None:
    version = make_speech_champion(workflow, by=alice, now=now)
    item = store_recording(workflow, said(), external_id="s-1", by=alice, now=now)

    process_batch(workflow=workflow, limit=10, now=now)

    assert routes(workflow)["s-1"] == (RouteKind.AUTO, RouteReason.PASSED, "entry")
    told = PredictedFields.objects.get(prediction__item=item)
    assert told.values == {"batch": "47", "torque": 12.5}
    assert min(told.confidences.values()) >= 0.9
    batch, torque = (told.evidence[name] for name in ("batch", "torque"))
    assert (batch["said"], torque["said"]) == ("four seven", "one two point five")
    assert batch["end_ms"] < torque["start_ms"] < torque["end_ms"]
    measured = Measurement.objects.get(item=item)
    assert measured.values["recording_pieces"] == 8
    assert measured.evidence["recording"]["problem"] == ""
    assert (version.kind, version.stage) == (ModelKind.SPEECH, Stage.CHAMPION)
    assert explain_prediction(told.prediction, now=now) == []


def test_what_is_not_sure_goes_to_people_who_correct_one_field(
    workflow: Workflow, alice: User, now: datetime
) -> None:
    make_speech_champion(workflow, by=alice, now=now)
    three = ("batch", "four", "seven", "torque", "one", "two", "point", "five", "count")
    store_recording(workflow, said(three), external_id="cut", by=alice, now=now)
    short = said(("batch", "four", "torque", "one", "two", "five"))
    item = store_recording(workflow, short, external_id="short", by=alice, now=now)

    process_batch(workflow=workflow, limit=10, now=now)

    reason = (RouteKind.REVIEW, RouteReason.UNSURE_FIELD, "entry")
    assert routes(workflow)["short"] == reason
    told = PredictedFields.objects.get(prediction__item=item)
    assert told.values == {"torque": 12.5}
    assert told.evidence["batch"]["wrong"] == "2 digits expected, 1 heard"
    case = claim(workflow, alice, now=now)
    recorded = record(
        case, alice, Judgement(label="entry", fields={"batch": "47"}), now=now
    )
    assert recorded.decision.corrected == ["batch"]
    assert recorded.decision.fields == {"batch": "47", "torque": 12.5}

    moment = now + timedelta(minutes=1)
    snapshot = built(workflow, now=moment, as_of=moment)
    table = pq.read_table(io.BytesIO(b"".join(stream_snapshot(snapshot, "parquet"))))
    (row,) = table.to_pylist()
    assert (row["field_batch"], row["recommended_field_batch"]) == ("47", None)
    assert (row["field_torque"], row["corrected_field_batch"]) == (12.5, True)


def test_silence_and_noise_are_recommended_as_no_entry(
    workflow: Workflow, alice: User, now: datetime
) -> None:
    make_speech_champion(workflow, by=alice, now=now)
    hiss = np.random.default_rng(1).normal(0, 0.1, RATE)
    sounds = {"silence": wav(np.zeros(RATE)), "noise": wav(hiss)}
    for name, data in sounds.items():
        store_recording(workflow, data, external_id=name, by=alice, now=now)

    process_batch(workflow=workflow, limit=10, now=now)

    policy = (RouteKind.REVIEW, RouteReason.POLICY, "unusable")
    assert routes(workflow) == {"silence": policy, "noise": policy}
    problems = Measurement.objects.values_list(
        "item__external_id", "evidence__recording__problem"
    )
    assert dict(problems) == {"silence": "silence", "noise": "noise"}


def test_a_recording_that_is_gone_costs_its_item_alone(
    workflow: Workflow, alice: User, now: datetime
) -> None:
    make_speech_champion(workflow, by=alice, now=now)
    gone = store_recording(workflow, said(), external_id="gone", by=alice, now=now)
    store_recording(workflow, said(seed=2), external_id="fine", by=alice, now=now)
    remove_media(media_id=gone.media.get().media_id, by=alice, reason="a name", now=now)

    process_batch(workflow=workflow, limit=10, now=now)

    assert routes(workflow)["gone"][:2] == (RouteKind.REVIEW, RouteReason.MODEL_FAILED)
    assert routes(workflow)["fine"][:2] == (RouteKind.AUTO, RouteReason.PASSED)


def test_a_recogniser_is_refused_where_it_does_not_fit(
    workflow: Workflow, alice: User, now: datetime
) -> None:
    def refused(target: Workflow, **changes: object) -> list[tuple[str, str]]:
        with pytest.raises(RegistrationRefused) as caught:
            register_recogniser(
                workflow=target,
                data=trained().to_data() | changes,
                report={},
                name="",
                by=alice,
                now=now,
            )
        return [(one.field, one.rule) for one in caught.value.errors]

    assert refused(workflow, vocabulary=["one"]) == [
        ("artifact", "artifact_unreadable")
    ]
    other = make_workflow(now=now, slug="payments")
    assert refused(other) == [("media", "no_sound"), ("fields", "none_spoken")]
    assert not ModelVersion.objects.exists()


def test_pocketsphinx_that_is_not_installed_is_said(
    workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the import fails, installed or not
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(CommandError, match="extra `speech`"):
        call_command("register_pocketsphinx", workflow.slug)
    assert not ModelVersion.objects.exists()


def test_a_folder_of_recorded_words_becomes_a_candidate(
    workflow: Workflow, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for word, name in (("one", "1"), ("two", "two"), ("six", "6")):
        for who in range(2):
            for take in range(4):
                data = wav(spoken_word(word, voice(who), take))
                (tmp_path / f"{name}_v{who}_{take}.wav").write_bytes(data)
    (tmp_path / "one_v1_9.wav").write_bytes(b"ID3 no wave")

    call_command("train_words", workflow.slug, str(tmp_path))

    version = ModelVersion.objects.get()
    told = capsys.readouterr()
    assert (
        "spoken-entry v1 (candidate): 3 words from 24 recordings (1 refused)"
        in told.out
    )
    assert "one_v1_9.wav" in told.err
    assert "digits that it does not know: eight, five" in told.err
    assert version.report["speech"]["words"] == {"one": 8, "six": 8, "two": 8}
    assert set(version.report["speech"]["by_speaker"]) == {"v0", "v1"}
    change_stage(
        version=version, to=Stage.SHADOW, by=None, reason="try", now=version.created_at
    )


def test_a_folder_without_words_is_refused(workflow: Workflow, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"no labels\.csv"):
        call_command("train_words", workflow.slug, str(tmp_path))
