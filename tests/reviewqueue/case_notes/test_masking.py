"""What is masked shows nowhere but to who may see it, from intake to snapshot."""

import html
import json
import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.enums import AccessEventKind
from accounts.models import AccessEvent, ApiKey, User
from accounts.permissions import Permission
from lifecycle.services.training_data import read_rows
from predictions.models import Item, ModelVersion, Prediction, QuarantinedItem, Workflow
from reviewqueue.models import Snapshot
from reviewqueue.services.decisions import add_note
from reviewqueue.services.snapshots import build_snapshot
from tests.factories.accounts import ApiKeyFactory, bearer
from tests.factories.notes import MISSED, NOTE, PLANTED, note
from tests.factories.predictions import store
from tests.reviewqueue.case_notes.steps import SECRETS, arrive, decided, seen, url
from tests.reviewqueue.services.snapshot_steps import FORMATS, built, bytes_of
from tests.reviewqueue.services.steps import claim

pytestmark = pytest.mark.django_db
PAGES = ("review", "case-list", "decision-list", "item-list", "reliance", "dashboard")


def test_nothing_masked_shows_on_pages_or_in_answers(
    client: Client,
    workflow: Workflow,
    champion: ModelVersion,
    reader: User,
    now: datetime,
) -> None:
    first, _ = arrive(workflow, NOTE, NOTE.replace("chest", "no chest"), now=now)
    refused = note(7, now=now) | {"note": NOTE, "more": [NOTE]}
    refused["features"] = {"note": NOTE, "days_since": "soon", "whose": NOTE}
    store(workflow, [refused], now=now)
    case = claim(workflow, reader, now=now)
    said = f"Anna was reached at {PLANTED['phone']}"
    decided(case, reader, now=now, verdict="confirm", note=said)
    add_note(case=case, author=reader, text=f"kovacs: {PLANTED['email']}", now=now)
    other = claim(workflow, reader, now=now)
    client.force_login(reader)
    key = ApiKeyFactory.create(
        owner=reader,
        scope=workflow.scope,
        verbs=[one.value for one in Permission if one != Permission.ITEMS_UNMASK],
    )
    api = "/api/v1/workflows/case-notes"
    quarantined = QuarantinedItem.objects.get().pk
    addresses = [url(name) for name in PAGES]
    addresses += [url("item-detail", one.pk) for one in Item.objects.all()]
    addresses += [url("case-detail", one.pk) for one in (case, other)]
    addresses += [url("quarantine-list"), url("quarantine-detail", quarantined)]
    answers = [client.get(address) for address in addresses]
    answers += [
        client.get(address, headers=bearer(key))
        for address in (
            f"{api}/items",
            f"{api}/items/{first.external_id}",
            f"{api}/quarantine",
            f"{api}/labels",
            f"/api/v1/cases/{other.pk}",
        )
    ]

    for answer in answers:
        assert answer.status_code in {200, 404}, answer
        shown = seen(answer)
        for secret in (*SECRETS, "Anna", "kovacs", "Kovacs"):
            assert secret not in shown, (secret, answer.request["PATH_INFO"])
    assert "chest pain" in "".join(map(seen, answers))


def test_looking_under_the_mask_is_asked_for_allowed_and_noted(
    client: Client,
    workflow: Workflow,
    champion: ModelVersion,
    reader: User,
    supervisor: User,
    now: datetime,
) -> None:
    [item] = arrive(workflow, NOTE, now=now)
    address = url("item-unmasked", item.pk)
    client.force_login(reader)
    assert client.post(address).status_code == 403
    client.force_login(supervisor)
    assert PLANTED["email"] not in seen(client.get(url("item-detail", item.pk)))
    assert not AccessEvent.objects.filter(kind=AccessEventKind.PERSONAL_SEEN).exists()

    assert PLANTED["email"] in seen(client.post(address))
    api = f"/api/v1/workflows/case-notes/items/{item.external_id}?unmasked="
    narrow, wide = (
        ApiKeyFactory.create(owner=supervisor, scope=workflow.scope, verbs=verbs)
        for verbs in (["items.view"], ["items.view", "items.unmask"])
    )
    assert client.get(f"{api}true", headers=bearer(narrow)).status_code == 403
    assert client.get(f"{api}yes", headers=bearer(wide)).status_code == 422
    told = client.get(f"{api}true", headers=bearer(wide)).json()

    assert told["features"]["note"] == NOTE
    events = AccessEvent.objects.filter(kind=AccessEventKind.PERSONAL_SEEN)
    assert [(one.actor, one.data) for one in events] == [
        (supervisor, {"item_id": str(item.pk)})
    ] * 2


def test_marked_name_is_masked_from_then_on_in_snapshots_too(
    client: Client,
    workflow: Workflow,
    champion: ModelVersion,
    reader: User,
    now: datetime,
) -> None:
    [item] = arrive(workflow, NOTE, now=now)
    case = claim(workflow, reader, now=now)
    spans = Prediction.objects.get().predicted_fields.values["personal"]
    assert {NOTE[one["start"] : one["end"]]: one["class"] for one in spans} == {
        value: key for key, value in PLANTED.items()
    }
    start = NOTE.index(MISSED)
    own = {"start": start, "end": start + len(MISSED), "class": "person"}
    fields = {"personal": [*spans, own]}
    decision = decided(case, reader, now=now, label=case.route.label, fields=fields)
    assert decision.corrected == ["personal"]
    client.force_login(reader)
    assert MISSED not in seen(client.get(url("item-detail", item.pk)))

    later = now + timedelta(hours=1)
    snapshot = built(workflow, now=later, as_of=now + timedelta(minutes=1))
    written = bytes_of(snapshot)
    assert set(written) == set(FORMATS)
    for secret in (*SECRETS, MISSED):
        assert secret.encode() not in written["jsonl"] + written["csv"]
    row = json.loads(written["jsonl"])
    assert len(row["features"]["note"]) == len(NOTE)
    kept = sorted(row["fields"]["personal"], key=lambda one: one["start"])
    assert kept == sorted(fields["personal"], key=lambda one: one["start"])
    rows = read_rows(snapshot, on_group=lambda: None)
    assert rows.data.matrix.shape == (1, 515)


def test_masked_text_that_is_sent_back_from_quarantine_is_stored_as_it_was(
    client: Client,
    workflow: Workflow,
    reader: User,
    now: datetime,
) -> None:
    refused = note(7, now=now)
    refused["features"] = {"note": NOTE, "channel": "phone", "days_since": -1}
    store(workflow, [refused], now=now)
    pk: UUID = QuarantinedItem.objects.get().pk
    client.force_login(reader)
    page = client.get(url("quarantine-detail", pk)).content.decode()
    [shown] = re.findall(r'name="f-note" value="([^"]*)"', page)
    sent = {
        "external_id": "note-7",
        "occurred_at": str(refused["occurred_at"]),
        "f-note": html.unescape(shown),
        "f-channel": "phone",
        "f-days_since": "1",
    }
    assert client.post(url("quarantine-detail", pk), sent).status_code == 302

    assert "•" in sent["f-note"]
    assert Item.objects.get().features["note"] == NOTE


def test_snapshot_is_unmasked_only_for_who_may_and_says_so_and_teaches_nothing(
    client: Client,
    workflow: Workflow,
    champion: ModelVersion,
    reader: User,
    supervisor: User,
    now: datetime,
) -> None:
    arrive(workflow, NOTE, now=now)
    decided(claim(workflow, reader, now=now), reader, now=now, verdict="confirm")
    address = "/api/v1/workflows/case-notes/snapshots"
    verbs = ["snapshots.create", "snapshots.view"]
    narrow, wide = (
        ApiKeyFactory.create(owner=supervisor, scope=workflow.scope, verbs=some)
        for some in (verbs, [*verbs, "items.unmask"])
    )

    def ask(key: ApiKey) -> Any:  # noqa: ANN401 -- a test client's answer
        return client.post(
            address,
            {"unmasked": True},
            content_type="application/json",
            headers=bearer(key),
        )

    assert ask(narrow).status_code == 403
    made = ask(wide)
    assert made.status_code == 202
    snapshot = Snapshot.objects.get()
    assert build_snapshot(snapshot_id=snapshot.pk, clock=lambda: snapshot.created_at)
    snapshot.refresh_from_db()
    file = f"/api/v1/snapshots/{snapshot.pk}/download?format=jsonl"

    assert client.get(file, headers=bearer(narrow)).status_code == 403
    told = client.get(file, headers=bearer(wide)).getvalue()
    assert PLANTED["email"].encode() in told
    assert snapshot.datasheet["known_limits"][-1].endswith("is not masked.")
    events = AccessEvent.objects.filter(kind=AccessEventKind.PERSONAL_SEEN)
    assert [one.data for one in events] == [{"snapshot_id": str(snapshot.pk)}] * 2
    with pytest.raises(CommandError, match="not masked"):
        call_command("train", "case-notes", snapshot=str(snapshot.pk))
    client.force_login(reader)
    page = client.get(url("snapshot-create"))
    assert "With personal data" not in seen(page)
    page = client.get(url("snapshot-download", snapshot.pk, "jsonl"))
    assert page.status_code == 403
    client.force_login(supervisor)
    assert "With personal data" in seen(client.get(url("snapshot-create")))
