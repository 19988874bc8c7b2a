"""Options of the commands that read a labelled table."""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from django.core.management.base import CommandError

from predictions.intake.columns import Arrivals, ColumnMap

FIRST_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)


def add_table_options(parser: ArgumentParser) -> None:
    """Add what says which column is what."""
    add = parser.add_argument
    add("--label", metavar="COLUMN", help="the column that holds the label")
    add("--external-id", metavar="COLUMN", default="external_id")
    add("--occurred-at", metavar="COLUMN", default="occurred_at")
    add(
        "--in-order",
        action="store_true",
        help="the table has no moments: its rows stand in the order of time",
    )
    add(
        "--rename",
        metavar="COLUMN=FEATURE",
        action="append",
        default=[],
        help="the column holds this feature (repeatable)",
    )
    add("--ignore", metavar="COLUMN", action="append", default=[])
    add(
        "--label-name",
        metavar="VALUE=KEY",
        action="append",
        default=[],
        help="this value of the label column means this label (repeatable)",
    )


def table_columns(
    *,
    label: str | None,
    external_id: str,
    occurred_at: str,
    in_order: bool,
    rename: Sequence[str],
    ignore: Sequence[str],
) -> ColumnMap:
    """Return the columns that the options name. Raises: CommandError."""
    if label is None:
        raise CommandError("--label is needed with --file: which column is the truth?")
    in_steps = Arrivals(FIRST_MOMENT, timedelta(minutes=1))
    return ColumnMap(
        external_id=external_id,
        occurred_at=in_steps if in_order else occurred_at,
        label=label,
        rename=pairs("--rename", rename),
        ignore=frozenset(ignore),
    )


def pairs(option: str, values: Sequence[str]) -> Mapping[str, str]:
    """Read `a=b` texts. Raises: CommandError naming the option and the value."""
    for value in values:
        if "=" not in value:
            raise CommandError(f"{option}: a pair with = is needed, not {value!r}")
    return dict(value.split("=", 1) for value in values)
