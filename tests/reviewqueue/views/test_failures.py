"""Failures in the browser: listed, and files of them looked at before they count."""

import json
from datetime import datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from predictions.models import KeptFile, Machine, MachineFailure, Workflow
from reviewqueue.models import Label
from tests.factories.series import hour_of, make_series_workflow, send

pytestmark = pytest.mark.django_db
URL = "/w/mills/failures/"
MINUTES = timedelta(minutes=1)


@pytest.fixture
def workflow(db: None, now: datetime) -> Workflow:
    return make_series_workflow(now=now)


@pytest.fixture
def start(now: datetime) -> datetime:
    return (now - timedelta(days=1)).replace(hour=8, minute=0)


@pytest.fixture
def as_sam(
    client: Client, sam: User, workflow: Workflow, start: datetime, now: datetime
) -> Client:
    """Five hours of readings of one mill: items of 8:15 to 12:45."""
    send(workflow, hour_of(start, [40.0] * 60), now=now)
    client.force_login(sam)
    return client


def upload(client: Client, body: bytes, name: str = "failures.csv") -> str:
    data = {"table": SimpleUploadedFile(name, body)}
    answer = client.post(f"{URL}file/", data)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def take(client: Client, address: str, **fields: str) -> HttpResponse:
    data = {"machine": "Asset", "at": "Failed at", "kind": "Cause", "take": "1"}
    return client.post(address, data | fields)  # type: ignore[return-value]  # the client's own


def rows(start: datetime) -> bytes:
    lines = [
        f"mill-1,{(start + 200 * MINUTES).isoformat()},load",
        f"mill-9,{start.isoformat()},load",
        f"mill-1,{(start + 260 * MINUTES).isoformat()},",
        "mill-1,soon,load",
        "mill-1,2999-01-01,load",
    ]
    return "\n".join(["Asset;Failed at;Cause", *lines]).replace(",", ";").encode()


def test_what_is_wrong_is_shown_before_anything_is_stored(
    as_sam: Client, start: datetime
) -> None:
    page = as_sam.get(upload(as_sam, rows(start))).content.decode()

    assert not MachineFailure.objects.exists()
    assert not Label.objects.exists()
    for words in (
        "nothing is stored yet",
        '<dt>New</dt><dd class="num">2</dd>',
        '<dt>Refused</dt><dd class="num">3</dd>',
        '<td class="num" data-label="Row">2</td><td data-label="Machine">mill-9</td>',
        "machine: none of that name has sent a reading",
        '<td class="num" data-label="Row">4</td>',
        "at: a moment such as 2026-01-31T14:30:00Z is expected",
        "at: a failure to come is none yet",
        'name="machine" value="Asset"',
        'name="at" value="Failed at"',
        'name="kind" value="Cause"',
    ):
        assert words in page, words


def test_it_is_taken_in_with_the_moment_until_which_it_is_complete(
    as_sam: Client, start: datetime, sam: User
) -> None:
    until = f"{start + 300 * MINUTES:%Y-%m-%d %H:%M}"

    answer = take(as_sam, upload(as_sam, rows(start)), complete_until=until)

    page = answer.content.decode()
    assert answer.status_code == 200
    assert '<dt>Stored</dt><dd class="num">2</dd>' in page
    assert '<dt>Refused</dt><dd class="num">3</dd>' in page
    assert '<dt>Items with late truth</dt><dd class="num">17</dd>' in page
    assert Machine.objects.get().complete_until == start + 300 * MINUTES
    told = MachineFailure.objects.order_by("at").values_list("kind", "received_from")
    assert list(told) == [("load", sam.pk), ("", sam.pk)]
    assert not KeptFile.objects.exists()
    listed = as_sam.get(URL).content.decode()
    assert listed.count("mill-1") == 2
    assert "not named" in listed


def test_the_same_file_again_changes_nothing(as_sam: Client, start: datetime) -> None:
    take(as_sam, upload(as_sam, rows(start)))

    again = take(as_sam, upload(as_sam, rows(start))).content.decode()

    assert '<dt>Stored</dt><dd class="num">0</dd>' in again
    assert '<dt>There already</dt><dd class="num">2</dd>' in again
    assert MachineFailure.objects.count() == 2


def test_lines_of_json_as_the_api_takes_them(as_sam: Client, start: datetime) -> None:
    at = (start + 200 * MINUTES).isoformat()
    lines = [{"machine": "mill-1", "at": at, "kind": "load"}, {"machine": "mill-1"}]
    body = "\n".join(json.dumps(one) for one in lines).encode()

    address = upload(as_sam, body, "f.ndjson")
    page = as_sam.get(address).content.decode()
    take(as_sam, address)

    assert "at: is missing" in page
    assert MachineFailure.objects.get().kind == "load"


def test_silence_alone_can_be_told(as_sam: Client, start: datetime) -> None:
    until = f"{start + 300 * MINUTES:%Y-%m-%d %H:%M}"

    answer = as_sam.post(URL, {"complete_until": until}, follow=True)
    early = as_sam.post(URL, {"complete_until": "2999-01-01"})

    assert "Noted. 12 items got late truth by it." in answer.content.decode()
    assert early.status_code == 422
    assert "yet to come" in early.content.decode()
    assert Label.objects.filter(label="running").count() == 12


def test_too_many_at_once_are_refused(as_sam: Client, start: datetime) -> None:
    body = b"machine,at\n" + f"mill-1,{start.isoformat()}\n".encode() * 10_001

    answer = as_sam.get(upload(as_sam, body))

    assert answer.status_code == 422
    assert "More than 10,000 failures" in answer.content.decode()


def test_a_failure_is_withdrawn_for_a_reason(
    as_sam: Client, start: datetime, sam: User
) -> None:
    until = f"{start + 300 * MINUTES:%Y-%m-%d %H:%M}"
    take(as_sam, upload(as_sam, rows(start)), complete_until=until)
    failure = MachineFailure.objects.get(kind="load")
    address = f"{URL}{failure.pk}/withdraw/"

    unsaid = as_sam.post(address, {"reason": " "}, follow=True).content.decode()
    said = as_sam.post(address, {"reason": "The mill beside it."}, follow=True)
    again = as_sam.post(address, {"reason": "Twice."}, follow=True).content.decode()

    assert "Nothing was changed. A reason is needed" in unsaid
    page = said.content.decode()
    assert "The label of 4 items was corrected." in page
    assert "more are" not in page
    assert "The mill beside it." in page
    assert page.count(f">{sam.display_name}<") >= 2
    assert "It was withdrawn already." in again
    assert "Twice." not in again
