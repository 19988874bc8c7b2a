from datetime import datetime
from uuid import uuid4

import pytest

from accounts.models import User
from reviewqueue.models import IdempotencyKey
from reviewqueue.services.idempotency import Answer, KeyReused, answer_once
from reviewqueue.services.leases import LeaseLost

pytestmark = pytest.mark.django_db


class Door:
    """Counts how often it is opened."""

    def __init__(self) -> None:
        self.n_times = 0

    def open(self) -> Answer:
        self.n_times += 1
        return Answer(201, {"n": self.n_times})


def ask(
    owner: User, door: Door, now: datetime, *, key: str = "k", request: bytes = b"r"
) -> Answer:
    return answer_once(
        owner=owner, key=key, request=request, now=now, perform=door.open
    )


def test_same_key_gives_the_same_answer_once(alice: User, now: datetime) -> None:
    door = Door()

    assert ask(alice, door, now) == ask(alice, door, now) == Answer(201, {"n": 1})
    assert door.n_times == 1


def test_same_key_for_another_request_is_refused(alice: User, now: datetime) -> None:
    door = Door()
    ask(alice, door, now)

    with pytest.raises(KeyReused, match="another request"):
        ask(alice, door, now, request=b"other")

    assert door.n_times == 1


def test_keys_belong_to_their_owner(alice: User, bob: User, now: datetime) -> None:
    door = Door()

    assert ask(alice, door, now).body == {"n": 1}
    assert ask(bob, door, now, request=b"other").body == {"n": 2}


def test_refusal_stores_nothing(alice: User, now: datetime) -> None:
    def refuse() -> Answer:
        raise LeaseLost

    with pytest.raises(LeaseLost):
        answer_once(owner=alice, key="k", request=b"r", now=now, perform=refuse)

    assert not IdempotencyKey.objects.exists()
    assert ask(alice, Door(), now, request=b"corrected").status == 201


def test_repeated_answer_is_equal_to_the_first_whatever_it_holds(
    alice: User, now: datetime
) -> None:
    body = {"at": now.replace(microsecond=123456), "id": uuid4(), "n": 1.5, "x": None}

    def perform() -> Answer:
        return Answer(201, dict(body))

    first, second = (
        answer_once(owner=alice, key="k", request=b"r", now=now, perform=perform)
        for _ in range(2)
    )
    assert first == second
    assert first.body["id"] == str(body["id"])


@pytest.mark.parametrize("key", ["", "x" * 201, "a\x00b"])
def test_key_that_cannot_be_kept_is_refused_before_anything_is_done(
    alice: User, now: datetime, key: str
) -> None:
    door = Door()

    with pytest.raises(ValueError, match="1 to 200"):
        ask(alice, door, now, key=key)

    assert door.n_times == 0
