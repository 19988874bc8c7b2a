"""A wake-up may be lost; what sends it must not wait for a server that hangs."""

from uuid import uuid4

import pytest
from kombu.exceptions import OperationalError

from predictions.services import wake_ups
from predictions.services.wake_ups import PAUSE_SECONDS, wake_scoring


class Broker:
    """A broker that may be away, and a clock that the test moves."""

    def __init__(self) -> None:
        self.is_away, self.n_calls, self.seconds = False, 0, 1000.0

    def send_task(self, *args: object, **kwargs: object) -> None:
        self.n_calls += 1
        if self.is_away:
            raise OperationalError("away")

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker()
    monkeypatch.setattr(wake_ups, "current_app", broker)
    monkeypatch.setattr(wake_ups, "time", broker)
    monkeypatch.setattr(wake_ups, "_wake_ups", type(wake_ups._wake_ups)())
    return broker


def test_every_wake_up_is_sent_while_the_broker_takes_them(broker: Broker) -> None:
    for _ in range(3):
        wake_scoring(uuid4())

    assert broker.n_calls == 3


def test_wake_up_that_is_lost_raises_nothing_and_pauses_the_next_ones(
    broker: Broker,
) -> None:
    broker.is_away = True
    for _ in range(3):
        wake_scoring(uuid4())
    assert broker.n_calls == 1

    broker.seconds += PAUSE_SECONDS - 0.1
    wake_scoring(uuid4())
    assert broker.n_calls == 1


def test_wake_ups_are_sent_again_after_the_pause(broker: Broker) -> None:
    broker.is_away = True
    wake_scoring(uuid4())
    broker.is_away = False

    broker.seconds += PAUSE_SECONDS
    wake_scoring(uuid4())
    wake_scoring(uuid4())

    assert broker.n_calls == 3
