"""Pages by keyset: every row once, forwards and back."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.models import ModelVersion, Workflow
from predictions.queries.pages import (
    InvalidCursor,
    Page,
    make_cursor,
    newest_first,
    read_cursor,
)

LIMIT = 3


@pytest.fixture
def versions(workflow: Workflow, now: datetime) -> list[ModelVersion]:
    """Eight rows whose moments go against their ids, some at the same moment."""
    return [
        ModelVersion.objects.create(
            workflow=workflow,
            number=number,
            artifact=f"{number}.skops",
            sha256=f"{number:064}",
            columns=[],
            label_keys=["legitimate", "fraud"],
            threshold=0.5,
            created_at=now - timedelta(hours=number // 3),
            stage_changed_at=now,
        )
        for number in range(1, 9)
    ]


def page(cursor: str, moment: str) -> Page[ModelVersion]:
    rows = ModelVersion.objects.all()
    return newest_first(rows, cursor=cursor, limit=LIMIT, moment=moment)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("moment", "numbers"),
    [
        ("", [[8, 7, 6], [5, 4, 3], [2, 1]]),
        ("created_at", [[2, 1, 5], [4, 3, 8], [7, 6]]),
    ],
)
def test_pages_hold_every_row_once_forwards_and_back(
    versions: list[ModelVersion], moment: str, numbers: list[list[int]]
) -> None:
    forwards = [page("", moment)]
    while forwards[-1].next:
        forwards.append(page(forwards[-1].next, moment))
    back = [forwards[-1]]
    while back[-1].previous:
        back.append(page(back[-1].previous, moment))

    assert [[row.number for row in one.rows] for one in forwards] == numbers
    # going back, pages are filled from where one is
    assert [row.number for one in reversed(back) for row in one.rows] == [
        number for one in numbers for number in one
    ]
    assert (forwards[0].previous, forwards[-1].next) == ("", "")


@pytest.mark.django_db
@pytest.mark.parametrize("moment", ["", "created_at"])
@pytest.mark.parametrize(
    "cursor", ["x", "-x", "%", make_cursor(UUID(int=7)) + "AAAA", "é", "A" * 40]
)
def test_cursor_that_is_not_ours_is_refused(
    workflow: Workflow, cursor: str, moment: str
) -> None:
    with pytest.raises(InvalidCursor):
        page(cursor, moment)


@given(st.uuids())
def test_cursor_holds_the_key(key: UUID) -> None:
    assert read_cursor(make_cursor(key)) == key
