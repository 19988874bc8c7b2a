"""`manage.py ingest`: files of every kind, one line of summary."""

import gzip
import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from predictions.models import Item, QuarantinedItem, Workflow

pytestmark = pytest.mark.django_db

AT = "2026-03-02T08:00:00+00:00"
HEADER = "external_id,occurred_at,amount,card_present\n"


def ingest(*words: object) -> str:
    out = io.StringIO()
    call_command("ingest", *map(str, words), stdout=out)
    return out.getvalue().strip()


def items(n: int) -> list[dict[str, object]]:
    return [
        {
            "external_id": f"tx-{number}",
            "occurred_at": AT,
            "features": {"amount": float(number), "card_present": "yes"},
        }
        for number in range(n)
    ]


def as_csv(path: Path) -> None:
    rows = [f"tx-{number},{AT},{number},yes\n" for number in range(3)]
    path.write_text(HEADER + "".join(rows))


def as_ndjson(path: Path) -> None:
    path.write_bytes(b"\n".join(orjson.dumps(one) for one in items(3)))


def as_json(path: Path) -> None:
    path.write_bytes(orjson.dumps(items(3)))


def as_json_gz(path: Path) -> None:
    path.write_bytes(gzip.compress(orjson.dumps(items(3))))


def as_parquet(path: Path) -> None:
    moment = datetime.fromisoformat(AT)
    table = pa.table(
        {
            "external_id": [f"tx-{number}" for number in range(3)],
            "occurred_at": [moment] * 3,
            "amount": [0, 1, 2],
            "card_present": ["yes"] * 3,
        }
    )
    pq.write_table(table, path)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.csv", as_csv),
        ("a.ndjson", as_ndjson),
        ("a.json", as_json),
        ("a.json.gz", as_json_gz),
        ("a.parquet", as_parquet),
    ],
)
def test_every_kind_of_file_stores_the_same_items(
    workflow: Workflow, tmp_path: Path, name: str, write: Callable[[Path], None]
) -> None:
    write(tmp_path / name)
    as_json(tmp_path / "again.json")

    said = ingest("cards", tmp_path / name)
    again = ingest("cards", tmp_path / "again.json")

    assert said == "cards: 3 accepted, 0 duplicates, 0 refused"
    assert again == "cards: 0 accepted, 3 duplicates, 0 refused"
    assert set(Item.objects.values_list("source", flat=True)) == {"command"}


def test_refusals_are_counted_and_the_first_is_named(
    workflow: Workflow, tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f"{HEADER}tx-1,{AT},5,yes\ntx-2,{AT},-5,maybe\ntx-3,{AT},,no\n")

    said = ingest("cards", file)

    assert said == (
        "cards: 1 accepted, 0 duplicates, 2 refused "
        "(the first, item 2, for amount: range; card_present: value)"
    )
    assert QuarantinedItem.objects.count() == 2


def test_columns_are_renamed_left_out_and_given_moments(
    workflow: Workflow, tmp_path: Path
) -> None:
    file = tmp_path / "a.txt"
    file.write_text("Payment;Sum [€];Present;Truth\n1;5.5;yes;1\n2;6.5;no;0\n")

    said = ingest(
        "cards",
        file,
        "--format=csv",
        "--external-id=Payment",
        "--rename=Sum [€]=amount",
        "--rename=Present=card_present",
        "--ignore=Truth",
        "--start=2026-03-01",
        "--interval=90",
    )

    assert said.startswith("cards: 2 accepted")
    last = Item.objects.get(external_id="2")
    assert last.features == {"amount": 6.5, "card_present": "no"}
    assert last.occurred_at == datetime(2026, 3, 1, 0, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nothing", "a.csv"], "No workflow is named 'nothing'"),
        (["cards", "missing.csv"], "No such file"),
        (["cards", "a.doc"], "format: doc"),
        (["cards", "a.csv", "--external-id=nr"], "none is named 'nr'"),
        (["cards", "a.csv", "--rename=x"], "COLUMN=FEATURE"),
        (["cards", "a.csv", "--start=soon"], "no ISO 8601 moment"),
        (["cards", "a.csv", "--interval=often"], "no number of seconds"),
        (["cards", "a.csv", "--format=json"], "json:"),
    ],
)
def test_what_cannot_be_done_is_said(
    workflow: Workflow,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    says: str,
) -> None:
    (tmp_path / "a.doc").write_text("x")
    as_csv(tmp_path / "a.csv")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(CommandError, match=says):
        ingest(*words)
    assert Item.objects.count() == 0
