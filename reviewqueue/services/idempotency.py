"""Give the same answer to the same request, however often it is sent."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from accounts.models import User
from reviewqueue.models import IdempotencyKey

MAX_KEY_LENGTH = 200


class KeyReused(Exception):
    """The key was used for another request."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON body of an answer."""

    status: int
    body: dict[str, object]


@transaction.atomic
def answer_once(
    *,
    owner: User,
    key: str,
    request: bytes,
    now: datetime,
    perform: Callable[[], Answer],
) -> Answer:
    """Perform a request once per owner and key, and repeat its answer afterwards.

    Serialises requests with the same key, runs `perform` in the same transaction as
    the stored answer: both or neither are there after a crash. A refusal (exception)
    stores nothing, so that the request can be corrected and sent again.
    Raises: KeyReused; ValueError for a key that cannot be kept, before anything is
    done; whatever `perform` raises.
    """
    if not 0 < len(key) <= MAX_KEY_LENGTH or not key.isprintable():
        msg = f"An Idempotency-Key has 1 to {MAX_KEY_LENGTH} printable characters."
        raise ValueError(msg)
    request_hash = hashlib.sha256(request).hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"{owner.pk}:{key}"],
        )
    stored = IdempotencyKey.objects.filter(owner=owner, key=key).first()
    if stored is not None:
        if stored.request_hash != request_hash:
            msg = "This Idempotency-Key was used for another request."
            raise KeyReused(msg)
        return Answer(stored.status, stored.body)
    answer = _as_stored(perform())
    IdempotencyKey.objects.create(
        owner=owner,
        key=key,
        request_hash=request_hash,
        status=answer.status,
        body=answer.body,
        created_at=now,
    )
    return answer


def _as_stored(answer: Answer) -> Answer:
    """Give the first caller what later ones will read: dates and ids as text."""
    body = json.loads(json.dumps(answer.body, cls=DjangoJSONEncoder))
    return Answer(answer.status, body)
