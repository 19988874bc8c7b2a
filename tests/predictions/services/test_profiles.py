from datetime import datetime, timedelta

import pytest

from predictions.declaration import Feature
from predictions.models import FeatureProfile, Workflow
from predictions.services.profiles import refresh_profile, summarise
from tests.factories.predictions import make_items

NUMBER = Feature(name="amount", type="number")
CATEGORY = Feature(name="card", type="category", values=["yes", "no"])
BOOLEAN = Feature(name="night", type="boolean")
TEXT = Feature(name="customer", type="text")


def test_number_has_quantiles_of_what_is_there() -> None:
    found = summarise(NUMBER, [None, *range(101)])

    assert found is not None
    assert (found["n"], found["missing"]) == (101, 1)
    assert found["quantiles"] == pytest.approx(range(101))


def test_number_without_values_has_no_quantiles() -> None:
    assert summarise(NUMBER, [None]) == {"n": 0, "missing": 1, "quantiles": []}


def test_category_and_boolean_have_shares() -> None:
    assert summarise(CATEGORY, ["yes", "yes", "no", None]) == {
        "n": 3,
        "missing": 1,
        "shares": {"yes": 2 / 3, "no": 1 / 3},
    }
    found = summarise(BOOLEAN, [True, False, False, False])
    assert found is not None
    assert found["shares"] == {"false": 0.75, "true": 0.25}


def test_text_has_no_summary() -> None:
    assert summarise(TEXT, ["a", "b"]) is None


@pytest.mark.django_db
def test_refresh_looks_at_the_recent_items_and_replaces_the_row(
    workflow: Workflow, now: datetime
) -> None:
    make_items(workflow, 3, now=now)

    first = refresh_profile(workflow=workflow, now=now + timedelta(days=1))
    later = refresh_profile(workflow=workflow, now=now + timedelta(days=40))

    assert first.n_items == 3
    assert first.profile["amount"]["quantiles"][50] == 11.0
    assert "customer" not in first.profile
    assert later.n_items == 0
    assert FeatureProfile.objects.count() == 1
