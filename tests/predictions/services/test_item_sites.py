"""Which site an item belongs to, whatever it comes in as."""

import io
from collections.abc import Mapping
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from accounts.models import Site
from accounts.services_sites import change_site, declare_sites
from accounts.sites import Sites
from predictions.enums import IntakeSource
from predictions.intake.columns import ColumnMap
from predictions.intake.tables import read_csv, read_parquet
from predictions.models import Item, QuarantinedItem, Workflow
from predictions.services.intake import IntakeResult, store_items
from predictions.services.quarantine import resubmit
from tests.factories.accounts import UserFactory
from tests.factories.predictions import make_workflow, raw_item

pytestmark = pytest.mark.django_db


@pytest.fixture
def workflow(now: datetime) -> Workflow:
    return make_workflow(now=now)


@pytest.fixture
def sites(workflow: Workflow, now: datetime) -> dict[str, Site]:
    names = {"north": "North", "south": "South"}
    found = declare_sites(scope=workflow.scope, names=names, actor=None, now=now)
    return {one.key: one for one in found}


def send(
    workflow: Workflow,
    *named: object,
    now: datetime,
    sites: Sites = None,
    first: int = 0,
) -> IntakeResult:
    """Send an item for each site that is named; None names none."""
    rows = [
        raw_item(number, now=now) | ({} if site is None else {"site": site})
        for number, site in enumerate(named, start=first)
    ]
    return store_items(
        workflow=workflow,
        chunks=[rows],
        source=IntakeSource.API,
        now=now,
        wake=False,
        sites=sites,
    )


def by_site(workflow: Workflow) -> dict[str, str | None]:
    rows = Item.objects.filter(workflow=workflow).order_by("external_id")
    return dict(rows.values_list("external_id", "site__key"))


def refused(result: IntakeResult) -> list[tuple[str, str, object]]:
    return [
        (error.field, error.rule, error.value)
        for one in result.quarantined
        for error in one.errors
    ]


@pytest.mark.parametrize("n_more", [0, 9], ids=["insert", "copy"])
def test_item_belongs_to_the_site_that_it_names_or_to_none(
    workflow: Workflow, sites: Mapping[str, Site], now: datetime, n_more: int
) -> None:
    send(workflow, "north", None, "south", "", *["north"] * n_more, now=now)

    found = by_site(workflow)
    assert [found[f"tx-{n}"] for n in range(4)] == ["north", None, "south", None]
    assert list(found.values()).count("north") == 1 + n_more
    assert Item.objects.filter(warnings=[]).count() == 4 + n_more


def test_unknown_and_archived_sites_go_to_quarantine_with_the_key(
    workflow: Workflow, sites: Mapping[str, Site], now: datetime
) -> None:
    change_site(site=sites["south"], name="South", archived=True, actor=None, now=now)

    result = send(workflow, "north", "west", "south", 7, "x" * 51, "a\x00", now=now)

    assert result.accepted == 1
    assert refused(result) == [
        ("site", "unknown_site", "west"),
        ("site", "archived_site", "south"),
        ("site", "type", 7),
        ("site", "value", "x" * 51),
        ("site", "value", result.quarantined[4].errors[0].value),
    ]
    assert result.quarantined[0].errors[0].detail == "site: no site has the key “west”"
    kept = QuarantinedItem.objects.order_by("pk").values_list("site__key", flat=True)
    assert list(kept) == [None, "south", None, None, None]


def test_workflow_may_declare_new_sites_as_they_come(
    workflow: Workflow, now: datetime
) -> None:
    workflow.declaration_json["intake"]["new_sites"] = True
    del workflow.declaration

    result = send(workflow, "west", "no key", "west", now=now)

    assert (result.accepted, refused(result)) == (
        2,
        [("site", "unknown_site", "no key")],
    )
    assert [one.name for one in Site.objects.all()] == ["west"]


def test_limited_sender_knows_only_its_own_sites(
    workflow: Workflow, sites: Mapping[str, Site], now: datetime
) -> None:
    workflow.declaration_json["intake"]["new_sites"] = True
    del workflow.declaration
    limit = frozenset({sites["north"].pk})

    result = send(workflow, "north", "south", "west", None, now=now, sites=limit)

    assert by_site(workflow) == {"tx-0": "north"}
    assert refused(result) == [
        ("site", "unknown_site", "south"),
        ("site", "unknown_site", "west"),
        ("site", "missing", None),
    ]
    # What it sent is in its own sight, and in nobody's else who is limited.
    kept = QuarantinedItem.objects.values_list("site__key", flat=True)
    assert list(kept) == ["north"] * 3


def test_same_item_from_another_site_is_a_conflict(
    workflow: Workflow, sites: Mapping[str, Site], now: datetime
) -> None:
    send(workflow, "north", now=now)

    same = send(workflow, "north", now=now)
    other = send(workflow, "south", now=now)
    none = send(workflow, None, now=now)

    assert (same.duplicates, other.n_quarantined, none.n_quarantined) == (1, 1, 1)
    [conflict, _] = QuarantinedItem.objects.order_by("pk")
    assert conflict.errors[0]["rule"] == "conflict"
    assert isinstance(conflict.payload, dict)
    assert (conflict.payload["site"], conflict.site) == ("south", sites["south"])


def test_refused_item_keeps_its_site_and_is_mended_within_it(
    workflow: Workflow, sites: Mapping[str, Site], now: datetime
) -> None:
    broken = raw_item(1, now=now, amount=-1) | {"site": "north"}
    store_items(workflow=workflow, chunks=[[broken]], source=IntakeSource.API, now=now)
    one = QuarantinedItem.objects.get()
    assert one.site == sites["north"]
    limit = frozenset({sites["north"].pk})
    by = UserFactory.create()

    moved = raw_item(1, now=now) | {"site": "south"}
    elsewhere = resubmit(quarantined=one, payload=moved, by=by, now=now, sites=limit)
    mended = raw_item(1, now=now) | {"site": "north"}
    here = resubmit(quarantined=one, payload=mended, by=by, now=now, sites=limit)

    assert [error.rule for error in elsewhere[0].errors] == ["unknown_site"]
    assert here == []
    assert by_site(workflow) == {"tx-1": "north"}


def test_tables_have_a_column_of_sites(
    workflow: Workflow, sites: Mapping[str, Site], now: datetime
) -> None:
    csv = (
        "external_id,occurred_at,amount,site\n"
        f"a,{now.isoformat()},5,north\n"
        f"b,{now.isoformat()},6,\n"
    )
    parquet = io.BytesIO()
    table = {
        "external_id": ["c"],
        "occurred_at": [now.isoformat()],
        "amount": [7.0],
        "site": ["south"],
    }
    pq.write_table(pa.table(table), parquet)
    parquet.seek(0)
    declaration = workflow.declaration

    for chunks in (
        read_csv(io.BytesIO(csv.encode()), declaration, ColumnMap()),
        read_parquet(parquet, declaration, ColumnMap()),
    ):
        store_items(
            workflow=workflow, chunks=chunks, source=IntakeSource.UPLOAD, now=now
        )

    assert by_site(workflow) == {"a": "north", "b": None, "c": "south"}
    features: list[dict[str, object]] = list(
        Item.objects.values_list("features", flat=True)
    )
    assert all("site" not in one for one in features)


def test_limited_sender_is_not_told_what_another_site_stored(
    workflow: Workflow, sites: Mapping[str, Site], now: datetime
) -> None:
    send(workflow, "north", now=now)
    own = frozenset({sites["south"].pk})

    told, not_told = (
        send(workflow, "south", now=now, sites=one) for one in (None, own)
    )

    hashes = {"stored_sha256", "received_sha256"}
    for result, names in ((told, hashes), (not_told, {"received_sha256"})):
        [(field, rule, value)] = refused(result)
        assert (field, rule) == ("external_id", "conflict")
        assert isinstance(value, dict)
        assert set(value) == {"external_id", *names}
    kept = QuarantinedItem.objects.latest("pk").errors[0]["value"]
    assert "stored_sha256" not in kept
