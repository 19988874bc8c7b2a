"""Files and bodies that mean ill or went wrong: every line is stored or named."""

import io
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from predictions.enums import IntakeSource
from predictions.intake.columns import ColumnMap
from predictions.intake.files import FORMATS, FileKind, read_file
from predictions.intake.readers import PayloadStopped, read_ndjson
from predictions.intake.tables import read_csv
from predictions.models import Item, QuarantinedItem, Workflow
from predictions.services.intake import IntakeResult, store_items

pytestmark = pytest.mark.django_db


def counts(result: IntakeResult) -> tuple[int, int, int]:
    return result.accepted, result.duplicates, result.n_quarantined


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@pytest.mark.parametrize("kind", FORMATS)
@given(data=st.data())
def test_any_file_is_counted_to_the_row_or_refused_whole(
    workflow: Workflow, now: datetime, kind: str, data: st.DataObject
) -> None:
    body = data.draw(st.binary(max_size=80))
    if kind == "csv":
        pieces = [b"a", b",", b'"', b"\n", b"\r", b"\xff", b"\0", b"2026-03-01"]
        body = b"external_id,occurred_at,amount\n" + b"".join(
            data.draw(st.lists(st.sampled_from(pieces), max_size=40))
        )
    before = Item.objects.count(), QuarantinedItem.objects.count()
    said = "Nothing was stored."
    chunks = read_file(
        io.BytesIO(body),
        FileKind(kind, is_gzip=False),
        workflow.declaration,
        ColumnMap(),
        max_bytes=10_000,
    )

    try:
        result = store_items(
            workflow=workflow, chunks=chunks, source=IntakeSource.UPLOAD, now=now
        )
    except PayloadStopped as stopped:
        result, said = IntakeResult(), str(stopped)

    assert said.endswith("Nothing was stored.")

    assert Item.objects.count() == before[0] + result.accepted
    assert QuarantinedItem.objects.count() == before[1] + result.n_quarantined
    if kind == "ndjson":
        n_lines = sum(1 for line in io.BytesIO(body) if not line.isspace())
        assert sum(counts(result)) == n_lines


def line(features: str, external_id: str = '"h"') -> bytes:
    at = '"2026-03-01T08:00:00Z"'
    return (
        f'{{"external_id": {external_id}, "occurred_at": {at}, "features": {features}}}'
    ).encode()


@pytest.mark.parametrize(
    ("hostile", "field", "rule"),
    [
        (line('{"amount": 1e400}'), "amount", "finite"),
        (line('{"amount": 1' + "0" * 400 + "}"), "amount", "range"),
        (line('{"amount": 1' + "0" * 5000 + "}"), "line 2", "json"),
        (line('{"amount": NaN}'), "amount", "finite"),
        (line('{"amount": true}'), "amount", "type"),
        (line('{"amount": "5"}'), "amount", "type"),
        (line('{"amount": 5, "x": ' + "[" * 900 + "]" * 900 + "}"), "x", "not_json"),
        (line('{"amount": ' + "[" * 90_000), "line 2", "json"),
        (line('{"amount": 5, "customer": "a\\u0000b"}'), "customer", "nul"),
        (line('{"amount": 5, "customer": "\\ud800"}'), "customer", "surrogates"),
        (line('{"amount": 5, "\\u0000": 1}'), "\ufffd", "nul"),
        (line('{"amount": 5}', '"a\\u0000"'), "external_id", "value"),
        (line('{"amount": 5}', '"\\udfff"'), "external_id", "value"),
        (line('{"amount": 5}', '"' + "x" * 201 + '"'), "external_id", "length"),
        (line('{"amount": 5}', '"\\u2003"'), "external_id", "value"),
        (line('{"amount": 5}', '["h"]'), "external_id", "type"),
        (line("[]"), "features", "type"),
        (b"\xff\xfe{}", "line 2", "json"),
        (b"null", "item", "type"),
    ],
)
def test_a_hostile_line_is_kept_by_name_and_its_neighbours_are_stored(
    workflow: Workflow, now: datetime, hostile: bytes, field: str, rule: str
) -> None:
    body = line('{"amount": 1}', '"a"') + b"\n" + hostile + b"\n" + line("{}", '"b"')
    body = body.replace(b'"features": {}', b'"features": {"amount": 2}')

    result = store_items(
        workflow=workflow,
        chunks=read_ndjson(io.BytesIO(body), max_bytes=10**6),
        source=IntakeSource.API,
        now=now,
    )

    assert counts(result) == (2, 0, 1)
    [kept] = QuarantinedItem.objects.all()
    assert [(one["field"], one["rule"]) for one in kept.errors] == [(field, rule)]
    assert kept.payload is not None or hostile == b"null"


def test_the_last_of_two_entries_of_one_name_counts(
    workflow: Workflow, now: datetime
) -> None:
    body = line('{"amount": -1, "amount": 5}')

    store_items(
        workflow=workflow,
        chunks=read_ndjson(io.BytesIO(body), max_bytes=10**6),
        source=IntakeSource.API,
        now=now,
    )

    assert Item.objects.get().features == {"amount": 5.0}


def test_an_unclosed_quote_hides_no_row(workflow: Workflow, now: datetime) -> None:
    rows = [f"tx-{number},2026-03-01,{number},yes" for number in range(3000)]
    rows[1] = 'tx-1,2026-03-01,1,"yes'
    body = "\n".join(["external_id,occurred_at,amount,card_present", *rows])

    chunks = read_csv(io.BytesIO(body.encode()), workflow.declaration, ColumnMap())
    result = store_items(
        workflow=workflow, chunks=chunks, source=IntakeSource.UPLOAD, now=now
    )

    assert counts(result) == (2999, 0, 1)
    kept = QuarantinedItem.objects.get()
    assert kept.payload == rows[1]
    assert [(one["field"], one["rule"]) for one in kept.errors] == [("line 3", "csv")]
