"""Bodies as servers hand them over: chunked, without an end, gzip, too large."""

import gzip
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from predictions.models import Item, Workflow
from tests.reviewqueue.api.conftest import Call

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live")]

BODY = json.dumps(
    {
        "external_id": "tx-1",
        "occurred_at": datetime.now(UTC).isoformat(),
        "features": {"amount": 10.0, "card_present": "yes"},
    }
).encode()
ITEMS = "/api/v1/workflows/live/items"


@pytest.fixture
def send(client: Client, key: str) -> Call:
    def request(
        body: bytes, *, path: str = ITEMS, environ: Mapping[str, Any], **headers: str
    ) -> Any:  # noqa: ANN401 -- a test response
        return client.generic(
            "POST",
            path,
            data=body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {key}", **headers},
            **environ,
        )

    return request


def _chunked(*, ends: bool) -> dict[str, Any]:
    """Return what a server tells of a body without a length."""
    return {
        "CONTENT_LENGTH": "",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input": io.BytesIO(BODY),
        "wsgi.input_terminated": ends,
    }


def test_a_chunked_body_is_read_to_its_end(send: Call) -> None:
    answer = send(BODY, environ=_chunked(ends=True))

    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    assert Item.objects.get().external_id == "tx-1"


def test_a_chunked_body_without_an_end_is_refused(send: Call) -> None:
    answer = send(BODY, environ=_chunked(ends=False))

    assert answer.status_code == 411
    assert answer.json()["type"] == "urn:countersign:problem:length-required"
    assert not Item.objects.exists()


def test_a_chunked_body_is_bounded_like_any_other(
    send: Call, settings: LazySettings
) -> None:
    settings.INTAKE_MAX_BODY_BYTES = 100

    answer = send(BODY, environ=_chunked(ends=True))

    assert answer.status_code == 413
    assert not Item.objects.exists()


def test_a_gzip_body_is_read(send: Call) -> None:
    answer = send(gzip.compress(BODY), environ={}, **{"Content-Encoding": "gzip"})

    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)


def test_a_gzip_bomb_is_stopped_at_the_bound(
    send: Call, settings: LazySettings
) -> None:
    settings.INTAKE_MAX_BODY_BYTES = 10_000
    bomb = gzip.compress(b" " * 1_000_000 + BODY)
    assert len(bomb) < settings.INTAKE_MAX_BODY_BYTES

    answer = send(bomb, environ={}, **{"Content-Encoding": "gzip"})

    assert answer.status_code == 413
    assert not Item.objects.exists()


def test_another_encoding_is_named(send: Call) -> None:
    answer = send(BODY, environ={}, **{"Content-Encoding": "br"})

    assert answer.status_code == 415
    assert "br" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body", [b"{", b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000, b'{"a": "\\ud800"}']
)
def test_what_is_not_json_is_refused_with_its_place(
    send: Call, live: Workflow, body: bytes
) -> None:
    answer = send(body, path="/api/v1/workflows/live/cases/claim", environ={})

    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:countersign:problem:malformed"
    assert isinstance(answer.json()["position"], int)
