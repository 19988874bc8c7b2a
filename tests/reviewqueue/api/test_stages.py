"""What a program may do to stages: a challenger's share, a rollback with its repair."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from predictions.enums import Stage
from predictions.models import ModelVersion, Workflow
from predictions.services.registry import change_stage
from tests.factories.predictions import make_champion, make_model
from tests.predictions.services.elsewhere import LABELS, elsewhere
from tests.reviewqueue.api.conftest import Call

pytestmark = pytest.mark.django_db


@pytest.fixture
def moment() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def shadow(live: Workflow, moment: datetime) -> ModelVersion:
    return make_model(live, now=moment, stage=Stage.SHADOW)


def ask(version: ModelVersion, **more: object) -> tuple[str, str, dict[str, object]]:
    body = {"stage": "challenger", "reason": "try it", **more}
    return "POST", f"models/{version.pk}/stage", body


def test_challenger_takes_a_tenth_or_what_is_asked(
    call: Call, shadow: ModelVersion
) -> None:
    assert call(*ask(shadow)).json()["route_share"] == 0.1
    answer = call(*ask(shadow, share=0.25)).json()

    assert (answer["stage"], answer["route_share"]) == ("challenger", 0.25)
    shadow.refresh_from_db()
    assert shadow.route_share == 0.25


@pytest.mark.parametrize("share", [0, -1, 0.6, "much", True])
def test_share_that_is_none_is_named(
    call: Call, shadow: ModelVersion, share: object
) -> None:
    answer = call(*ask(shadow, share=share))

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "share"


def test_share_that_others_have_is_refused(
    call: Call, live: Workflow, shadow: ModelVersion, moment: datetime
) -> None:
    make_model(live, now=moment, stage=Stage.CHALLENGER, share=0.45)

    answer = call(*ask(shadow))

    assert (answer.status_code, answer.json()["gate"]) == (409, "route_share")
    assert "0.05 is left" in answer.json()["detail"]
    answer = call(*ask(shadow, stage="candidate", share=0.1))
    assert (answer.status_code, answer.json()["gate"]) == (409, "route_share")


def test_rollback_says_where_to_repair(
    call: Call, live: Workflow, moment: datetime
) -> None:
    first = make_champion(live, now=moment - timedelta(days=9))
    second = make_model(live, now=moment, stage=Stage.CHALLENGER)
    later = moment + timedelta(seconds=1)
    change_stage(version=second, to=Stage.CHAMPION, by=None, reason="r", now=later)

    answer = call("POST", "workflows/live/rollback", {"reason": "worse"}).json()

    assert answer["id"] == str(first.pk)
    # since it began to recommend, as challenger
    preview = call("GET", answer["repair"].removeprefix("/api/v1/")).json()
    assert datetime.fromisoformat(preview["since"]) == moment
    assert "version=2" in answer["repair"]


def test_model_elsewhere_is_registered_as_json(
    call: Call,
    live: Workflow,
    settings: Any,  # noqa: ANN401 -- a fixture
) -> None:
    description = {
        "columns": [{"name": "amount", "kind": "number"}],
        "label_keys": LABELS,
    }
    with elsewhere() as server:
        settings.EXTERNAL_MODELS = {server.url: ""}
        body = {"endpoint": server.url, "description": description}
        answer = call("POST", "workflows/live/models", body)
        refused = call(
            "POST", "workflows/live/models", body | {"endpoint": "http://[::1]/"}
        )

    assert answer.status_code == 201
    assert (answer.json()["kind"], answer.json()["endpoint"]) == ("http", server.url)
    assert answer.json()["stage"] == "candidate"
    assert refused.status_code == 422
    [error] = refused.json()["errors"]
    assert (error["field"], error["rule"]) == ("endpoint", "artifact_untrusted")
