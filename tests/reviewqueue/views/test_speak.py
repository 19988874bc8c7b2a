"""The page on which an entry is spoken: what was heard, and what was refused."""

import html
import re
from datetime import datetime

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.enums import Role
from predictions.models import Item, Workflow
from tests.factories.accounts import member
from tests.factories.predictions import make_workflow
from tests.factories.speech import (
    make_speech_champion,
    make_speech_workflow,
    said,
    wav,
)

pytestmark = pytest.mark.django_db


def visible_text(content: bytes) -> str:
    main = content.decode().partition("<main")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", main)).split())


@pytest.fixture
def workflow(db: None, now: datetime) -> Workflow:
    changes = {"blind_share = 0.02": "blind_share = 0.0"}
    return make_speech_workflow(now=now, changes=changes)


@pytest.fixture
def client(workflow: Workflow, now: datetime) -> Client:
    engineer = member(workflow.scope, Role.ENGINEER, username="engineer")
    make_speech_champion(workflow, by=engineer, now=now)
    found = Client()
    found.force_login(engineer)
    return found


def sent(client: Client, data: bytes, **fields: str) -> tuple[int, str]:
    answer = client.post(
        reverse("reviewqueue:speak", args=["spoken-entry"]),
        {
            "external_id": "s-1",
            "occurred_at": "2026-01-05T08:00:00Z",
            "f_worker": "Ada",
            "f_station": "A",
            "m_recording": SimpleUploadedFile("x.wav", data),
            **fields,
        },
    )
    return answer.status_code, visible_text(answer.content)


def test_an_entry_is_heard_and_the_next_one_begins_with_the_same_worker(
    client: Client,
) -> None:
    status, text = sent(client, said())

    assert status == 200
    assert "12.5 N m" in text
    assert "“four seven” heard from" in text
    assert Item.objects.get().features == {"worker": "Ada", "station": "A"}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (wav(np.zeros(8000)), "Nothing can be heard in it. Say it again, please."),
        (
            wav(np.random.default_rng(1).normal(0, 0.1, 8000)),
            "Noise, and no words that stand out from it.",
        ),
    ],
)
def test_what_cannot_be_read_is_said_at_once(
    client: Client, data: bytes, words: str
) -> None:
    status, text = sent(client, data)

    assert status == 200
    assert words in text
    assert "Somebody will confirm it before it counts." in text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"OggS" + bytes(200), "Ogg"),
        (b"\x1a\x45\xdf\xa3" + bytes(200), "WebM"),
        (b"", "empty"),
    ],
)
def test_foreign_formats_are_refused_in_words(
    client: Client, data: bytes, words: str
) -> None:
    status, text = sent(client, data)

    assert status == 422
    assert words.lower() in text.lower()
    assert not Item.objects.exists()


def test_a_workflow_without_sound_says_so(client: Client, now: datetime) -> None:
    other = make_workflow(now=now, slug="payments")
    user = member(other.scope, Role.SUPERVISOR, username="chief")
    client.force_login(user)

    page = client.get(reverse("reviewqueue:speak", args=["payments"]))

    assert page.status_code == 200
    assert "This workflow takes no sound" in visible_text(page.content)
