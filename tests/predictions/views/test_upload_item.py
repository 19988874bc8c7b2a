"""One item with its files, sent by a form; and the archives that were sent lately."""

from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from predictions.models import Item, ItemMedia, QuarantinedItem, Workflow
from tests.factories.media import image_file, make_media_workflow, read_archive_row

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FORM = {
    "external_id": "p-1",
    "occurred_at": "2026-03-02T08:00:00Z",
    "f_amount": "12.5",
    "f_card_present": "yes",
    "f_night": "true",
    "f_customer": "",
}


@pytest.fixture
def workflow(db: None) -> Workflow:
    return make_media_workflow(now=AT)


@pytest.fixture
def as_sam(client: Client, sam: User) -> Client:
    client.force_login(sam)
    return client


def send(client: Client, data: bytes, **changed: str) -> HttpResponse:
    file = SimpleUploadedFile("x.jpg", data)
    return client.post("/w/parts/upload/item/", FORM | changed | {"m_image": file})


def test_the_page_has_a_field_for_each_slot_and_feature(as_sam: Client) -> None:
    page = as_sam.get("/w/parts/upload/").content.decode()

    assert 'name="m_image"' in page
    assert 'accept="image/png,image/jpeg,image/webp,image/tiff"' in page
    assert 'name="f_amount"' in page
    assert page.count('id="id_external_id"') == 1


def test_an_item_is_stored_with_its_image(as_sam: Client) -> None:
    answer = send(as_sam, image_file("JPEG"))

    assert answer.status_code == 200
    item = Item.objects.get()
    assert item.features == {"amount": 12.5, "card_present": "yes", "night": True}
    assert ItemMedia.objects.get().item == item


def test_a_file_that_is_not_taken_is_told_in_a_sentence(as_sam: Client) -> None:
    answer = send(as_sam, b"<svg/>")

    page = answer.content.decode()
    assert "media.image: this is SVG; taken are PNG, JPEG, WebP, TIFF" in page
    assert QuarantinedItem.objects.get().external_id == "p-1"


def test_what_is_needed_is_asked_for(as_sam: Client) -> None:
    answer = send(as_sam, image_file(), f_amount="")

    assert answer.status_code == 422
    assert not Item.objects.exists()
    assert not QuarantinedItem.objects.exists()


def test_archives_sent_lately_are_listed(as_sam: Client, workflow: Workflow) -> None:
    archive = read_archive_row(workflow, now=AT)

    page = as_sam.get("/w/parts/upload/").content.decode()
    detail = as_sam.get(f"/w/parts/archives/{archive.pk}/").content.decode()

    assert f"/w/parts/archives/{archive.pk}/" in page
    assert "media.image: “p-3.png” is not in the archive" in detail
    assert 'hx-trigger="every' not in detail


def test_a_workflow_without_slots_has_no_such_form(
    as_sam: Client, sam: User, root: User
) -> None:
    make_media_workflow(now=AT, slug="plain", slots="")
    as_sam.force_login(root)

    assert "Send one item" not in as_sam.get("/w/plain/upload/").content.decode()
