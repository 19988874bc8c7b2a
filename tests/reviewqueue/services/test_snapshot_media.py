"""Snapshots name the images and sound of their rows, in columns of their own."""

import io
from datetime import datetime, timedelta

import orjson
import pyarrow.parquet as pq
import pytest

from accounts.enums import Role
from accounts.models import User
from predictions.models import Workflow
from predictions.services.media_removal import remove_media
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.snapshots import stream_snapshot
from tests.factories.accounts import member
from tests.factories.media import make_media_workflow, stored
from tests.factories.predictions import raw_item, store
from tests.reviewqueue.services.snapshot_steps import built, label_next

pytestmark = pytest.mark.django_db


@pytest.fixture
def workflow(db: None, now: datetime) -> Workflow:
    return make_media_workflow(now=now)


@pytest.fixture
def reader(workflow: Workflow) -> User:
    return member(workflow.scope, Role.REVIEWER, username="alice")


def test_rows_name_their_files_whatever_becomes_of_them(
    workflow: Workflow, reader: User, now: datetime
) -> None:
    media = stored(workflow, now=now)
    with_image = raw_item(1, now=now) | {"media": {"image": str(media.pk)}}
    store(workflow, [with_image, raw_item(2, now=now)], now=now)
    process_batch(workflow=workflow, limit=9, now=now)
    for _ in range(2):
        label_next(workflow, reader, "fraud", now=now)
    moment = now + timedelta(minutes=1)
    first = built(workflow, now=moment, as_of=moment)
    remove_media(media_id=media.pk, by=reader, reason="why", now=moment)
    again = built(workflow, now=moment, as_of=moment)

    assert first.sha256 == again.sha256
    data = b"".join(stream_snapshot(first, "parquet"))
    table = pq.read_table(io.BytesIO(data))
    rows = {row["external_id"]: row for row in table.to_pylist()}
    assert rows["tx-1"]["media_image_id"] == str(media.pk)
    assert rows["tx-1"]["media_image_sha256"] == media.sha256
    assert rows["tx-2"]["media_image_id"] is None
    assert {row["media_voice_id"] for row in rows.values()} == {None}
    lines = b"".join(stream_snapshot(first, "jsonl")).splitlines()
    assert orjson.loads(lines[0])["media_image_id"] == str(media.pk)
    sheet = first.datasheet
    assert sheet is not None
    assert sheet["media"] == {"image": 1, "voice": 0}
    assert any("removed since" in limit for limit in sheet["known_limits"])
