"""The upload page: with and without errors, for who may."""

import gzip
from datetime import UTC, datetime

import orjson
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from predictions.models import Item, MediaArchive, QuarantinedItem, Workflow

pytestmark = pytest.mark.django_db

URL = "/w/cards/upload/"
AT = "2026-03-02T08:00:00+00:00"
CSV = f"external_id,occurred_at,amount\ntx-1,{AT},5\ntx-2,{AT},-5\n".encode()


@pytest.fixture
def as_sam(client: Client, sam: User) -> Client:
    client.force_login(sam)
    return client


def send(
    client: Client, body: bytes, name: str = "a.csv", **fields: str
) -> HttpResponse:
    data: dict[str, object] = {
        "file": SimpleUploadedFile(name, body),
        "external_id": "external_id",
        "occurred_at": "occurred_at",
        **fields,
    }
    return client.post(URL, data)  # type: ignore[return-value]  # the client's own


def test_page_has_a_form_that_works_without_scripts(as_sam: Client) -> None:
    page = as_sam.get(URL).content.decode()

    assert 'enctype="multipart/form-data"' in page
    assert f'action="{URL}"' in page
    assert 'type="file"' in page


def test_file_is_stored_and_the_answer_counts_and_explains(as_sam: Client) -> None:
    answer = send(as_sam, CSV)

    page = answer.content.decode()
    assert answer.status_code == 200
    assert (Item.objects.count(), QuarantinedItem.objects.count()) == (1, 1)
    assert Item.objects.get().source == "upload"
    assert "tx-2" in page
    assert "amount: -5 is below the least allowed, 0 €" in page
    assert "What became of them" in page


def told(client: Client, body: bytes) -> list[dict[str, object]]:
    """Send a file as the page's script does and return the lines of the answer."""
    answer = client.post(
        URL,
        {
            "file": SimpleUploadedFile("a.csv", body),
            "external_id": "external_id",
            "occurred_at": "occurred_at",
        },
        headers={"Accept": "application/x-ndjson, text/html"},
    )
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/x-ndjson"
    assert isinstance(answer, StreamingHttpResponse)
    return [orjson.loads(line) for line in answer.getvalue().splitlines()]


def test_counts_are_told_step_by_step_and_the_page_comes_last(as_sam: Client) -> None:
    rows = "".join(f"tx-{n},{AT},{5 if n % 1000 else -5}\n" for n in range(4500))

    *steps, last = told(as_sam, f"external_id,occurred_at,amount\n{rows}".encode())

    assert steps == [
        {"stored": 1998, "duplicates": 0, "refused": 2},
        {"stored": 3996, "duplicates": 0, "refused": 4},
        {"stored": 4495, "duplicates": 0, "refused": 5},
    ]
    assert last["status"] == 200
    assert "What became of them" in str(last["page"])
    assert "4,495" in str(last["page"])
    assert Item.objects.count() == 4495


def test_file_that_cannot_be_read_to_its_end_says_so_in_the_last_line(
    as_sam: Client,
) -> None:
    body = b"a,b\n1,2\n"

    [last] = told(as_sam, body)

    assert last["status"] == 422
    assert "none is named" in str(last["page"])


def test_sending_it_again_says_that_it_is_there(as_sam: Client) -> None:
    body = f"external_id,occurred_at,amount\ntx-1,{AT},5\n".encode()
    send(as_sam, body)

    page = send(as_sam, gzip.compress(body), name="a.csv.gz").content.decode()

    assert Item.objects.count() == 1
    assert "There already" in page


def test_columns_are_mapped_as_filled_in(as_sam: Client) -> None:
    answer = send(
        as_sam,
        b"nr,paid,truth\n7,5.5,1\n",
        external_id="nr",
        rename="paid = amount\n",
        ignore="truth",
        start="2026-03-01 10:00",
        interval_seconds="60",
    )

    assert answer.status_code == 200
    item = Item.objects.get(external_id="7")
    assert item.features == {"amount": 5.5}
    assert item.occurred_at == datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "body", "fields", "says"),
    [
        ("a.doc", b"x", {}, "format: doc"),
        ("a.csv", b"a,b\n1,2\n", {}, "none is named"),
        ("a.json", b"{", {}, "json:"),
        ("a.csv.gz", b"plain", {}, "gzip:"),
        ("a.csv", CSV, {"rename": "amount"}, "column = feature"),
        ("a.csv", b"", {}, "empty"),
    ],
)
def test_what_cannot_be_read_is_said_beside_its_field(
    as_sam: Client, name: str, body: bytes, fields: dict[str, str], says: str
) -> None:
    answer = send(as_sam, body, name=name, **fields)

    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert Item.objects.count() == 0


def test_file_above_the_limit_is_refused(as_sam: Client, settings: Settings) -> None:
    settings.INTAKE_MAX_UPLOAD_BYTES = 20

    answer = send(as_sam, CSV)

    assert answer.status_code == 422
    assert "more than 20 bytes" in answer.content.decode()


def test_bomb_stops_at_the_limit(as_sam: Client, settings: Settings) -> None:
    settings.INTAKE_MAX_UPLOAD_BYTES = 10_000

    answer = send(as_sam, gzip.compress(b" " * 1_000_000), name="a.json.gz")

    assert answer.status_code == 422
    assert Item.objects.count() == 0


def test_only_operators_may_upload(
    client: Client, workflow: Workflow, alice: User, mallory: User
) -> None:
    client.force_login(alice)
    assert send(client, CSV).status_code == 403
    client.force_login(mallory)
    assert send(client, CSV).status_code == 404
    client.logout()
    assert send(client, CSV).status_code == 302
    assert Item.objects.count() == 0


def test_an_archive_leads_to_its_page(as_sam: Client) -> None:
    answer = send(as_sam, b"PK\x03\x04 some bytes", "anything.csv")

    archive = MediaArchive.objects.get()
    assert answer["Location"] == f"/w/cards/archives/{archive.pk}/"
    page = as_sam.get(answer["Location"]).content.decode()
    assert "Waiting for a worker" in page
    assert 'hx-trigger="every 2s"' in page
