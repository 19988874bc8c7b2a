"""Models that run elsewhere: asked over HTTP, held to the same rules as ours."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from django.core.management import CommandError, call_command
from jsonschema import validate  # type: ignore[import-untyped]  # it has no types

from predictions.enums import ModelKind, Stage
from predictions.learning.failures import ModelOutputWrong
from predictions.models import ModelEvent, ModelVersion, Prediction, Workflow
from predictions.services import model_health
from predictions.services.explanations import explain_prediction
from predictions.services.external_models import scores_of, secret_for
from predictions.services.registry import (
    ModelDescription,
    RegistrationRefused,
    change_stage,
    register_external,
)
from reviewqueue.models import Route
from reviewqueue.services.pipeline import process_batch
from tests.factories.predictions import raw_item, store
from tests.predictions.services.elsewhere import (
    EXAMPLE,
    LABELS,
    Answer,
    Elsewhere,
    elsewhere,
    example_server,
    fine,
    says,
)

DOCS = Path(__file__).parents[3] / "docs"
COLUMNS = [
    {"name": "amount", "kind": "number"},
    {"name": "card_present", "kind": "category", "values": ["yes", "no"]},
    {"name": "night", "kind": "boolean"},
]
DESCRIPTION = ModelDescription(
    columns=COLUMNS, label_keys=LABELS, references={"amount": 10.0}
)


@pytest.fixture(autouse=True)
def _breakers_closed() -> Iterator[None]:
    model_health.forget_all()
    yield
    model_health.forget_all()


@pytest.fixture
def here(settings: Any) -> Iterator[Elsewhere]:  # noqa: ANN401 -- a fixture
    with elsewhere() as server:
        settings.EXTERNAL_MODELS = {server.url: "hush"}
        yield server


@pytest.fixture
def version(workflow: Workflow, here: Elsewhere, now: datetime) -> ModelVersion:
    """A champion elsewhere, which has been asked for its probe alone."""
    found = register(workflow, here.url, now=now)
    here.asked.clear()
    return change_stage(
        version=found, to=Stage.CHAMPION, by=None, reason="test", now=now
    )


def register(workflow: Workflow, endpoint: str, *, now: datetime) -> ModelVersion:
    return register_external(
        workflow=workflow, endpoint=endpoint, description=DESCRIPTION, by=None, now=now
    )


def run(workflow: Workflow, *amounts: float, now: datetime) -> list[tuple[str, str]]:
    """Route items of these amounts; return kind and reason in their order."""
    start = Route.objects.count()
    rows = [raw_item(start + i, now=now, amount=a) for i, a in enumerate(amounts)]
    store(workflow, rows, now=now)
    process_batch(workflow=workflow, limit=len(amounts), now=now)
    routes = Route.objects.order_by("item__external_id")[start:]
    return [(one.kind, one.reason) for one in routes]


def failure() -> str:
    event = ModelEvent.objects.filter(kind="failed").order_by("-id").first()
    return event.reason if event else ""


def test_items_are_sent_as_they_are_and_what_comes_back_is_stored(
    workflow: Workflow, version: ModelVersion, here: Elsewhere, now: datetime
) -> None:
    assert version.kind == ModelKind.HTTP
    assert run(workflow, 100.0, 900.0, now=now) == [("review", "uncalibrated")] * 2

    assert here.asked == [
        {
            "columns": ["amount", "card_present", "night"],
            "rows": [[100.0, "yes", False], [900.0, "yes", False]],
        }
    ]
    assert here.headers[-1]["Authorization"] == "Bearer hush"
    scores = Prediction.objects.order_by("score").values_list("label", "score")
    assert list(scores) == [("legitimate", 0.1), ("fraud", 0.9)]


def test_labels_may_come_in_another_order(
    workflow: Workflow, version: ModelVersion, here: Elsewhere, now: datetime
) -> None:
    answer = {"label_keys": ["fraud", "legitimate"], "probabilities": [[0.75, 0.25]]}
    here.answers = [says(answer)]

    run(workflow, 1.0, now=now)

    assert Prediction.objects.get().score == 0.75


def table(*rows: list[object], labels: list[str] = LABELS) -> dict[str, object]:
    return {"label_keys": labels, "probabilities": list(rows)}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (says({"error": "x"}, 500), "model_crashed"),
        (says({}, 404), "model_raised"),
        (says({}, 302, Location="http://127.0.0.1:1/"), "model_output"),
        (says(b"<html>"), "model_output"),
        (says([1]), "model_output"),
        (says(table([0.5, 0.5], [0.5, 0.5])), "model_output"),
        (says(table([0.5])), "model_output"),
        (says(table([0.5, 0.4])), "model_output"),
        (says(table(["a", "b"])), "model_output"),
        (says(table([None, 1.0])), "model_output"),
        (says(table([0.5, 0.5], labels=["a", "b"])), "model_output"),
        (says({"label_keys": LABELS}), "model_output"),
        (says(b" " * 200_000), "model_output"),
    ],
)
def test_answer_that_is_none_sends_the_items_to_people(
    workflow: Workflow,
    version: ModelVersion,
    here: Elsewhere,
    now: datetime,
    answer: Callable[[Any], Answer],
    reason: str,
) -> None:
    here.answers = [answer]

    assert run(workflow, 1.0, now=now) == [("review", "model_failed")]
    assert failure() == reason

    here.answers = [fine]
    assert run(workflow, 1.0, now=now) == [("review", "uncalibrated")]


def test_what_may_pass_is_tried_again_within_the_time(
    workflow: Workflow, version: ModelVersion, here: Elsewhere, now: datetime
) -> None:
    here.answers = [says({}, 503), says({}, 429), fine]

    assert run(workflow, 1.0, now=now) == [("review", "uncalibrated")]
    assert len(here.asked) == 3
    assert failure() == ""


def test_slow_answer_costs_the_time_budget_and_no_more(
    workflow: Workflow, version: ModelVersion, here: Elsewhere, now: datetime
) -> None:
    def slow(request: dict[str, Any]) -> Answer:
        time.sleep(3)
        return fine(request)

    here.answers = [slow]
    data = workflow.declaration.to_json() | {"model": {"time_budget_ms": 300}}
    workflow.declaration_json = data
    workflow.save()
    workflow = Workflow.objects.get()

    began = time.monotonic()
    assert run(workflow, 1.0, now=now) == [("review", "model_failed")]
    assert time.monotonic() - began < 2
    assert failure() == "model_timeout"


@pytest.mark.parametrize("said", [[0, 1], [True, "0"], [{}, []], ["0", "0"]])
def test_labels_that_only_look_like_those_registered_are_no_answer(
    said: list[object],
) -> None:
    answer = {"label_keys": said, "probabilities": [[0.5, 0.5]]}

    for keys in (("0", "1"), ("0", "True"), ("[]", "{}")):
        with pytest.raises(ModelOutputWrong):
            scores_of(answer, keys, n_rows=1)


def test_server_that_is_gone_is_not_asked_again_and_again(
    workflow: Workflow,
    version: ModelVersion,
    now: datetime,
    settings: Any,  # noqa: ANN401 -- a fixture
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{probe.getsockname()[1]}/score"
    settings.EXTERNAL_MODELS = {gone: ""}
    ModelVersion.objects.update(endpoint=gone)

    for _ in range(3):
        assert run(workflow, 1.0, now=now) == [("review", "model_failed")]
    assert failure() == "model_crashed"
    run(workflow, 1.0, now=now)
    assert failure() == "model_paused"


def test_row_that_it_refuses_goes_to_people_alone(
    workflow: Workflow, version: ModelVersion, here: Elsewhere, now: datetime
) -> None:
    def picky(request: dict[str, Any]) -> Answer:
        if any(row[0] == 13.0 for row in request["rows"]):
            return 422, {}, b"{}"
        return fine(request)

    here.answers = [picky]
    found = run(workflow, 1.0, 13.0, 2.0, 3.0, now=now)

    assert found.count(("review", "uncalibrated")) == 3
    assert found.count(("review", "model_failed")) == 1


def test_address_that_is_no_longer_allowed_is_not_asked(
    workflow: Workflow,
    version: ModelVersion,
    here: Elsewhere,
    now: datetime,
    settings: Any,  # noqa: ANN401 -- a fixture
) -> None:
    settings.EXTERNAL_MODELS = {}

    assert run(workflow, 1.0, now=now) == [("review", "model_failed")]
    assert failure() == "artifact_untrusted"
    assert here.asked == []


def test_prediction_is_explained_in_one_request(
    workflow: Workflow, version: ModelVersion, here: Elsewhere, now: datetime
) -> None:
    run(workflow, 900.0, now=now)
    here.asked.clear()

    found = explain_prediction(Prediction.objects.get(), now=now)

    assert [one["feature"] for one in found] == ["amount"]
    assert found[0]["effect"] > 0
    assert len(here.asked) == 1
    assert len(here.asked[0]["rows"]) == 4


@pytest.mark.parametrize(
    ("endpoint", "rule"),
    [
        ("http://127.0.0.1:9/other", "artifact_untrusted"),
        ("http://169.254.169.254/score", "link_local"),
        ("http://user:pw@127.0.0.1/score", "credentials"),
        ("ftp://127.0.0.1/score", "scheme"),
        ("http://example.com/score", "artifact_untrusted"),
    ],
)
def test_address_that_is_not_allowed_is_not_registered(
    workflow: Workflow, here: Elsewhere, now: datetime, endpoint: str, rule: str
) -> None:
    with pytest.raises(RegistrationRefused) as refused:
        register(workflow, endpoint, now=now)

    [error] = refused.value.errors
    assert (error.field, error.rule) == ("endpoint", rule)
    assert here.asked == []
    assert not ModelVersion.objects.exists()


def test_answer_to_the_probe_must_fit_the_description(
    workflow: Workflow, here: Elsewhere, now: datetime
) -> None:
    here.answers = [says(table([0.5, 0.5], labels=["a", "b"]))]

    with pytest.raises(RegistrationRefused, match="model_output"):
        register(workflow, here.url, now=now)
    assert [len(one["rows"]) for one in here.asked] == [2]
    assert here.asked[0]["rows"][0] == [None, None, None]


ALLOWED = {"https://m.example.com/fraud": "one", "https://m.example.com/fraud/b": "two"}


@pytest.mark.parametrize(
    ("endpoint", "secret"),
    [
        ("https://m.example.com/fraud", "one"),
        ("https://m.example.com/fraud/a", "one"),
        ("https://m.example.com/fraud/b/x", "two"),
        ("https://M.example.com/fraud", "one"),
        ("https://m.example.com/fraudulent", None),
        ("https://m.example.com/fraud/../admin", None),
        ("https://m.example.com/fraud/%2e%2e/admin", None),
        ("https://m.example.com/fraud/..\\admin", None),
        ("https://m.example.com.evil.org/fraud", None),
        ("https://m.example.com:8443/fraud", None),
        ("https://m.example.com@evil.org/fraud", None),
        ("http://m.example.com/fraud", None),
    ],
)
def test_prefix_is_compared_part_by_part(
    settings: Any,  # noqa: ANN401 -- a fixture
    endpoint: str,
    secret: str | None,
) -> None:
    settings.EXTERNAL_MODELS = ALLOWED

    assert secret_for(endpoint) == secret


def test_example_and_what_is_sent_are_as_the_openapi_file_says(
    workflow: Workflow, version: ModelVersion, here: Elsewhere, now: datetime
) -> None:
    document = json.loads((DOCS / "external-models.openapi.json").read_text())
    schemas = document["components"]["schemas"]
    [operation] = document["paths"]["/score"].values()
    run(workflow, 100.0, now=now)

    sent = [here.asked[0], _example(operation["requestBody"])]
    with example_server("") as url:
        asked = Request(url, json.dumps(sent[1]).encode(), method="POST")  # noqa: S310 -- our own
        with urlopen(asked, timeout=10) as answer:  # noqa: S310 -- the same
            said = [json.load(answer), _example(operation["responses"]["200"])]

    for one in sent:
        validate(one, schemas["Batch"])
    for one in said:
        validate(one, schemas["Scores"])
        assert [len(row) for row in one["probabilities"]] == [2, 2]


def _example(part: Any) -> Any:  # noqa: ANN401 -- JSON
    return part["content"]["application/json"]["example"]


def test_example_is_registered_by_its_description_and_scores(
    workflow: Workflow,
    now: datetime,
    settings: Any,  # noqa: ANN401 -- a fixture
    capsys: pytest.CaptureFixture[str],
) -> None:
    description = EXAMPLE / "description.json"
    with example_server("hush") as url:
        settings.EXTERNAL_MODELS = {url: "wrong"}
        with pytest.raises(CommandError, match="model_raised: Answered 401"):
            call_command("register_external", "cards", url, str(description))
        settings.EXTERNAL_MODELS = {url: "hush"}
        call_command("register_external", "cards", url, str(description))
        version = ModelVersion.objects.get()
        change_stage(version=version, to=Stage.CHAMPION, by=None, reason="r", now=now)
        rows = [
            raw_item(1, now=now, amount=900.0, card_present="no"),
            raw_item(2, now=now, amount=20.0),
            raw_item(3, now=now, amount=20.0, night=None),
        ]
        store(workflow, rows, now=now)
        process_batch(workflow=workflow, limit=9, now=now)

    said = Prediction.objects.order_by("item__external_id")
    assert [one.label for one in said] == ["fraud", "legitimate", "legitimate"]
    assert f"cards v1 (candidate): {url}" in capsys.readouterr().out
    assert version.columns == json.loads(description.read_text())["columns"]
