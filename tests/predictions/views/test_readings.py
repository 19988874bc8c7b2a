"""A file of readings in the browser: looked at first, then taken in."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from accounts.models import Membership, User
from accounts.services_sites import declare_sites
from predictions.models import Item, KeptFile, Machine, SeriesReading, Workflow
from predictions.services.kept_files import drop_old_kept
from predictions.services.workflows import declare_workflow
from tests.factories.series import (
    DECLARATION,
    SERIES,
    kept_row,
    make_series_workflow,
    reading,
    send,
)

pytestmark = pytest.mark.django_db
URL = "/w/mills/upload/readings/"
STEP = timedelta(minutes=5)


@pytest.fixture
def workflow(db: None, now: datetime) -> Workflow:
    return make_series_workflow(now=now)


@pytest.fixture
def as_sam(client: Client, sam: User) -> Client:
    client.force_login(sam)
    return client


@pytest.fixture
def start(now: datetime) -> datetime:
    return (now - timedelta(days=1)).replace(hour=8, minute=0)


def table(rows: Sequence[Mapping[str, object]]) -> bytes:
    target = io.StringIO(newline="")
    writer = csv.DictWriter(target, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return target.getvalue().encode()


def rows_of(
    start: datetime, torques: Sequence[object], **more: object
) -> list[dict[str, object]]:
    return [
        {
            "Machine ID": "mill-1",
            "Timestamp": (start + at * STEP).isoformat(),
            "Torque [Nm]": torque,
            **more,
        }
        for at, torque in enumerate(torques)
    ]


def upload(client: Client, body: bytes, name: str = "mills.csv") -> str:
    answer = client.post(URL, {"table": SimpleUploadedFile(name, body)})
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def take(client: Client, address: str, **fields: str) -> HttpResponse:
    data = {"machine": "Machine ID", "at": "Timestamp", "take": "1", **fields}
    return client.post(address, data)  # type: ignore[return-value]  # the client's own


def test_what_is_wrong_is_shown_before_anything_is_stored(
    as_sam: Client, workflow: Workflow, start: datetime, now: datetime
) -> None:
    send(workflow, [reading(start, 41.0)], now=now)
    rows = rows_of(start, [40, 999, "x", 42, 43], spare=1)

    address = upload(as_sam, table([*rows, rows[4]]))
    page = as_sam.get(address).content.decode()

    assert SeriesReading.objects.count() == 1
    assert "nothing is stored yet" in page
    assert "torque: 999 is above the most allowed, 150 Nm" in page
    for cell in (
        '<td class="num" data-label="Row">2</td>',
        '<td data-label="Field" class="mono">torque</td>',
        '<td data-label="Rule" class="mono">range</td>',
        '<td data-label="Value">999.0</td>',
        '<td data-label="Rule" class="mono">type</td>',
        '<td data-label="Value">x</td>',
        '<td data-label="Rule" class="mono">conflict</td>',
        '<dt>There already</dt><dd class="num">1</dd>',
        '<dt>Refused</dt><dd class="num">3</dd>',
        "<dt>Columns left out</dt><dd>spare</dd>",
        'name="machine" value="Machine ID"',
        'name="at" value="Timestamp"',
    ):
        assert cell in page, cell


def test_it_is_taken_in_as_over_the_api_and_the_file_goes(
    as_sam: Client, start: datetime
) -> None:
    address = upload(as_sam, table(rows_of(start, [40] * 5)))
    name = KeptFile.objects.get().storage_name
    assert default_storage.exists(name)

    answer = take(as_sam, address)

    page = answer.content.decode()
    assert answer.status_code == 200
    assert "What became of them" in page
    assert '<dt>Stored</dt><dd class="num">5</dd>' in page
    assert '<dt>Items made of windows</dt><dd class="num">1</dd>' in page
    assert Item.objects.get().source == "readings"
    assert not KeptFile.objects.exists()
    assert not default_storage.exists(name)
    assert take(as_sam, address).status_code == 404


def test_the_same_file_again_changes_nothing(as_sam: Client, start: datetime) -> None:
    body = table(rows_of(start, [40] * 5))
    take(as_sam, upload(as_sam, body))

    address = upload(as_sam, body)
    page = as_sam.get(address).content.decode()
    again = take(as_sam, address).content.decode()

    assert 'name="take"' not in page
    assert '<dt>There already</dt><dd class="num">5</dd>' in again
    assert SeriesReading.objects.count() == 5


@pytest.mark.parametrize("name", ["a.parquet", "a.ndjson", "a.json"])
def test_other_kinds_of_files(as_sam: Client, start: datetime, name: str) -> None:
    rows = rows_of(start, [40.0] * 5)
    if name == "a.parquet":
        target = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), target)
        body = target.getvalue()
    else:
        sent = [reading(start + at * STEP) for at in range(5)]
        lines = "\n".join(json.dumps(one) for one in sent)
        body = (lines if name == "a.ndjson" else json.dumps(sent)).encode()

    address = upload(as_sam, body, name)
    page = as_sam.get(address).content.decode()
    take(as_sam, address)

    assert '<dt>New</dt><dd class="num">5</dd>' in page
    assert SeriesReading.objects.count() == 5


def test_columns_can_be_named_and_looked_at_again(
    as_sam: Client, start: datetime
) -> None:
    rows = [
        {"who": "mill-1", "then": (start + at * STEP).isoformat(), "load": 40}
        for at in range(3)
    ]
    address = upload(as_sam, table(rows))

    first = as_sam.get(address)
    fields = {"machine": "who", "at": "then", "rename": "load = torque"}
    second = as_sam.post(address, fields)
    taken = take(as_sam, address, **fields)

    assert first.status_code == 422
    assert "none is named &#x27;machine&#x27; (there are: who, then, load)" in (
        first.content.decode()
    )
    assert (second.status_code, taken.status_code) == (200, 200)
    assert SeriesReading.objects.filter(values={"torque": 40.0}).count() == 3


def test_a_file_of_no_known_kind_can_be_told(as_sam: Client, start: datetime) -> None:
    address = upload(as_sam, table(rows_of(start, [40])), "mills.dat")

    first = as_sam.get(address)
    second = as_sam.post(
        address, {"machine": "Machine ID", "at": "Timestamp", "format": "csv"}
    )

    assert (first.status_code, second.status_code) == (422, 200)
    assert "format: dat" in first.content.decode()


def test_what_is_in_the_file_twice_is_said(as_sam: Client, start: datetime) -> None:
    one, other = rows_of(start, [40])[0], rows_of(start, [41])[0]
    # In another chunk than the first.
    between = rows_of(start + STEP, [40] * 2000)

    address = upload(as_sam, table([one, *between, one, other]))
    page = as_sam.get(address).content.decode()

    assert '<dt>New</dt><dd class="num">2,001</dd>' in page
    assert '<dt>Of machines</dt><dd class="num">1</dd>' in page
    assert '<dt>There already</dt><dd class="num">1</dd>' in page
    assert '<td class="num" data-label="Row">2003</td>' in page
    assert '<td data-label="Rule" class="mono">conflict</td>' in page


def test_who_is_limited_to_a_site_is_told_what_would_be_refused(
    as_sam: Client, workflow: Workflow, sam: User, start: datetime, now: datetime
) -> None:
    names = {"north": "North", "south": "South"}
    sites = declare_sites(scope=workflow.scope, names=names, actor=None, now=now)
    Membership.objects.filter(user=sam).update(site_ids=[sites[0].pk])
    rows = [
        *rows_of(start, [40] * 3, site="north"),
        *rows_of(start + 3 * STEP, [40] * 2, site="south"),
    ]

    address = upload(as_sam, table(rows))
    page = as_sam.get(address).content.decode()
    take(as_sam, address)

    assert '<dt>Refused</dt><dd class="num">2</dd>' in page
    assert "unknown_site" in page
    assert Machine.objects.get().site == sites[0]
    assert SeriesReading.objects.count() == 3


def test_a_file_is_its_senders_alone_for_a_day(
    as_sam: Client, workflow: Workflow, bob: User, start: datetime, now: datetime
) -> None:
    kept = kept_row(workflow, b"machine,at\n", by=bob, now=now)

    assert as_sam.get(f"{URL}{kept.pk}/").status_code == 404
    assert drop_old_kept(now=now + timedelta(hours=23)) == 0
    assert drop_old_kept(now=now + timedelta(hours=25)) == 1
    assert not default_storage.exists(kept.storage_name)


def test_a_file_that_breaks_off_says_what_was_stored(
    as_sam: Client, start: datetime
) -> None:
    answer = as_sam.get(upload(as_sam, b"not gzip", "a.csv.gz"))

    assert answer.status_code == 422
    assert "gzip:" in answer.content.decode()


def test_a_workflow_without_a_series_takes_none(as_sam: Client, now: datetime) -> None:
    bare = DECLARATION.replace(SERIES, "")
    declare_workflow(source_toml=bare, by=None, now=now, slug="mills")

    answer = as_sam.post(URL, {"table": SimpleUploadedFile("a.csv", b"machine,at\n")})

    assert answer.status_code == 422
    assert not KeptFile.objects.exists()
