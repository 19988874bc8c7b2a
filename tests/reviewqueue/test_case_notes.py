"""Notes from intake to snapshot: what is masked shows nowhere, and spans stay right."""

import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.enums import AccessEventKind, Role
from accounts.models import AccessEvent, ApiKey, User
from accounts.permissions import Permission
from accounts.services import grant_role
from lifecycle.services.training_data import read_rows
from predictions.enums import Stage
from predictions.models import (
    Explanation,
    Item,
    ModelVersion,
    Prediction,
    QuarantinedItem,
    Workflow,
)
from predictions.services import model_health
from predictions.services.explanations import explain_prediction
from predictions.services.novelty import oddities_of
from predictions.services.registry import (
    ModelDescription,
    change_stage,
    register_external,
)
from reviewqueue.enums import RouteReason
from reviewqueue.models import Case, Decision, Route, Snapshot
from reviewqueue.presentation import unlike_words
from reviewqueue.services.decisions import add_note, record_decision
from reviewqueue.services.judging import Judgement
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.snapshots import build_snapshot
from tests.factories.accounts import ApiKeyFactory, bearer
from tests.factories.notes import (
    MISSED,
    NOTE,
    PLANTED,
    make_notes,
    make_notes_champion,
    note,
)
from tests.factories.predictions import set_policy, store
from tests.predictions.services.elsewhere import Answer, elsewhere
from tests.reviewqueue.services.snapshot_steps import FORMATS, built, bytes_of
from tests.reviewqueue.services.steps import claim, token

pytestmark = pytest.mark.django_db
SECRETS = tuple(PLANTED.values())
ROLES = (Role.REVIEWER, Role.ENGINEER, Role.AUDITOR)
PAGES = ("review", "case-list", "decision-list", "item-list", "reliance", "dashboard")


@pytest.fixture
def now() -> datetime:
    """The pages' clock is the real one."""
    return datetime.now(UTC)


@pytest.fixture
def workflow(db: None, now: datetime) -> Iterator[Workflow]:
    model_health.forget_all()
    made = make_notes(now=now)
    set_policy(made, now=now, mode="all", blind_share=0, second_opinion_share=0)
    yield made
    model_health.forget_all()


@pytest.fixture
def champion(workflow: Workflow, now: datetime) -> ModelVersion:
    return make_notes_champion(workflow, now=now)


@pytest.fixture
def reader(workflow: Workflow, alice: User, now: datetime) -> User:
    """Somebody who may look at nearly everything, and not under the mask."""
    for role in ROLES:
        grant_role(user=alice, scope=workflow.scope, role=role, actor=None, now=now)
    return alice


@pytest.fixture
def supervisor(workflow: Workflow, bob: User, now: datetime) -> User:
    role = Role.SUPERVISOR
    grant_role(user=bob, scope=workflow.scope, role=role, actor=None, now=now)
    return bob


def arrive(workflow: Workflow, *texts: str, now: datetime) -> list[Item]:
    rows = [note(at, now=now, text=text) for at, text in enumerate(texts)]
    assert store(workflow, rows, now=now).accepted == len(rows)
    process_batch(workflow=workflow, limit=len(rows), now=now)
    return list(Item.objects.order_by("occurred_at"))


def decided(case: Case, person: User, *, now: datetime, **said: Any) -> Decision:  # noqa: ANN401 -- as of a judgement
    return record_decision(
        case_id=case.pk,
        reviewer=person,
        lease_token=token(case),
        judgement=Judgement(**said),
        now=now,
    ).decision


def url(name: str, *args: object) -> str:
    return reverse(f"reviewqueue:{name}", args=["case-notes", *args])


def seen(answer: Any) -> str:  # noqa: ANN401 -- a test client's answer
    """Return an answer with marks of HTML taken out and its references resolved."""
    raw: str = answer.content.decode()
    return raw + html.unescape(re.sub(r"<[^>]*>", "", raw))


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


def test_words_that_moved_the_score_lie_where_they_stand(
    client: Client,
    workflow: Workflow,
    champion: ModelVersion,
    reader: User,
    now: datetime,
) -> None:
    text = f"\U0001f600 cafe\u0301 \u202e{NOTE} <script>alert(1)</script>"
    arrive(workflow, text, now=now)
    claim(workflow, reader, now=now)
    client.force_login(reader)
    page = client.get(url("review")).content.decode()

    assert "<script>alert(1)" not in page
    assert 'title="U+202E, a character without a look"' in page
    [said] = [one for one in Explanation.objects.get().contributions if "words" in one]
    assert said["is_exact"]
    assert said["value"] is None
    moved = {text[one["start"] : one["end"]] for one in said["words"]}
    assert moved <= set(re.findall(r"\w+", text))
    assert not moved & {"Anna", "Kovacs"}
    found = re.findall(
        r'<mark class="moved [^"]*" data-start="([0-9]+)"[^>]*>([^<]+)</mark>', page
    )
    assert found
    assert all(text[int(at) :].startswith(word) for at, word in found)


def test_blind_case_shows_the_text_and_no_words_that_moved(
    client: Client,
    workflow: Workflow,
    champion: ModelVersion,
    reader: User,
    now: datetime,
) -> None:
    set_policy(workflow, now=now, mode="all", blind_share=1, second_opinion_share=0)
    arrive(workflow, NOTE, now=now)
    client.force_login(reader)
    page = client.get(url("review")).content.decode()

    assert "chest pain" in seen(client.get(url("review")))
    assert 'class="moved' not in page
    assert not Explanation.objects.exists()


def test_note_of_words_that_nobody_used_goes_to_people_as_unlike(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    arrive(workflow, "Zork plugh quux fnord xyzzy gribble wibble", now=now)
    assert Route.objects.get().reason == RouteReason.UNLIKE
    [odd] = oddities_of(Prediction.objects.get())
    [line] = unlike_words([odd], {"note": "Zork"}, workflow.declaration)
    assert "words are unknown to the model" in line
    assert "Zork" not in line


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


def test_model_elsewhere_is_sent_the_masked_text_and_explained_by_it(
    workflow: Workflow,
    settings: Any,  # noqa: ANN401 -- a fixture
    now: datetime,
) -> None:
    labels = ["routine", "urgent"]

    def answer(request: dict[str, Any]) -> Answer:
        texts = [row[0] or "" for row in request["rows"]]
        rows = [[0.2, 0.8] if "pain" in one else [0.9, 0.1] for one in texts]
        said = {"label_keys": labels, "probabilities": rows}
        return 200, {}, json.dumps(said).encode()

    with elsewhere(answer) as here:
        settings.EXTERNAL_MODELS = {here.url: "hush"}
        kinds = {"note": "text", "days_since": "number"}
        columns = [{"name": name, "kind": kind} for name, kind in kinds.items()]
        version = register_external(
            workflow=workflow,
            endpoint=here.url,
            description=ModelDescription(columns=columns, label_keys=labels),
            by=None,
            now=now,
        )
        to = Stage.CHAMPION
        change_stage(version=version, to=to, by=None, reason="test", now=now)
        here.asked.clear()
        arrive(workflow, NOTE, "all is well", now=now)
        sent = [row[0] for row in here.asked[0]["rows"]]
        first = Prediction.objects.get(label="urgent")
        told = explain_prediction(first, now=now)

    assert len(sent) == 2
    assert "chest pain" in "".join(sent)
    assert not any(secret in "".join(sent) for secret in SECRETS)
    assert len(max(sent, key=len)) == len(NOTE)
    assert [(one["feature"], one["value"]) for one in told] == [("note", None)]
    assert told[0]["effect"] > 3
