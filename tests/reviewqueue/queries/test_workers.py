"""The workers' last sign of life, in a real Valkey."""

from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from reviewqueue.queries.workers import SILENT_AFTER, LastSign, last_sign
from reviewqueue.services.workers import leave_sign


@pytest.fixture(autouse=True)
def _own_keys(settings: Settings, tmp_path: object) -> None:
    settings.CACHES = {
        "default": {**settings.CACHES["default"], "KEY_PREFIX": str(tmp_path)}
    }


def test_sign_is_read_as_it_was_left(now: datetime) -> None:
    leave_sign(now=now)

    assert last_sign() == LastSign(is_known=True, at=now)
    assert last_sign().silent_seconds(now + timedelta(seconds=7)) == 7.0


def test_newer_sign_stands_for_the_older(now: datetime) -> None:
    leave_sign(now=now)
    leave_sign(now=now + timedelta(seconds=2))

    assert last_sign().at == now + timedelta(seconds=2)


def test_silence_is_missed_after_its_limit_and_not_before(now: datetime) -> None:
    leave_sign(now=now)
    sign = last_sign()

    assert not sign.is_missed(now + SILENT_AFTER)
    assert sign.is_missed(now + SILENT_AFTER + timedelta(seconds=1))


def test_clock_that_is_behind_counts_as_no_silence(now: datetime) -> None:
    leave_sign(now=now)

    assert last_sign().silent_seconds(now - timedelta(seconds=3)) == 0.0


def test_no_sign_on_record_is_missed(now: datetime) -> None:
    assert last_sign() == LastSign(is_known=True)
    assert last_sign().is_missed(now)
    assert last_sign().silent_seconds(now) == float("inf")


def test_nothing_is_known_without_valkey(settings: Settings, now: datetime) -> None:
    nowhere = {**settings.CACHES["default"], "LOCATION": "redis://localhost:1"}
    settings.CACHES = {"default": nowhere}

    leave_sign(now=now)

    assert last_sign() == LastSign(is_known=False)
    assert not last_sign().is_missed(now)
