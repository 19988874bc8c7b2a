"""Notes that arrive and are decided, and what is seen of them."""

import html
import re
from datetime import datetime
from typing import Any

from django.urls import reverse

from accounts.models import User
from predictions.models import Item, Workflow
from reviewqueue.models import Case, Decision
from reviewqueue.services.judging import Judgement
from reviewqueue.services.pipeline import process_batch
from tests.factories.notes import PLANTED, note
from tests.factories.predictions import store
from tests.reviewqueue.services.steps import record

SECRETS = tuple(PLANTED.values())


def arrive(workflow: Workflow, *texts: str, now: datetime) -> list[Item]:
    rows = [note(at, now=now, text=text) for at, text in enumerate(texts)]
    assert store(workflow, rows, now=now).accepted == len(rows)
    process_batch(workflow=workflow, limit=len(rows), now=now)
    return list(Item.objects.order_by("occurred_at"))


def decided(case: Case, person: User, *, now: datetime, **said: Any) -> Decision:  # noqa: ANN401 -- as of a judgement
    return record(case, person, Judgement(**said), now=now).decision


def url(name: str, *args: object) -> str:
    return reverse(f"reviewqueue:{name}", args=["case-notes", *args])


def seen(answer: Any) -> str:  # noqa: ANN401 -- a test client's answer
    """Return an answer with marks of HTML taken out and its references resolved."""
    raw: str = answer.content.decode()
    return raw + html.unescape(re.sub(r"<[^>]*>", "", raw))
