"""Replay a labelled data set as a stream, and report how autonomy was earned."""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from predictions.learning.training import TooFewLabels
from reviewqueue.enums import EvidenceKind
from reviewqueue.management.sets import DATA, folder_of, goal_lines, write_report
from reviewqueue.replay.options import Habits, Options, Planted
from reviewqueue.replay.records import moves_of, routed_rows, slices_of
from reviewqueue.replay.report import Report, Told, as_json, as_page, make_report
from reviewqueue.replay.run import Replay, ReplayFailed
from reviewqueue.replay.streams import SOURCES, Source, Stream, read_stream
from reviewqueue.services.trust_plans import InvalidPlan


class Command(BaseCommand):
    """Live through a stream with simulated reviewers; write the report."""

    help = (
        "Replay a labelled data set through the services, with time compressed and "
        "simulated reviewers; write replay-NAME.html and .json. Needs an empty "
        "database."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        default = Options()
        parser.add_argument("name", choices=sorted(SOURCES))
        parser.add_argument("--data", type=Path, help=f"folder; else ${DATA}")
        parser.add_argument("--out", type=Path, default=Path(), help="folder")
        parser.add_argument("--seed", type=int, default=default.seed)
        _add_stream_options(parser, default)
        _add_plan_options(parser, default)
        _add_people_options(parser, default.habits)
        _add_change_options(parser)

    def handle(self, *, name: str, **options: Any) -> None:  # noqa: ANN401 -- Django's
        source = SOURCES[name]
        told = options_of(source, options)
        stream = read_stream(source, folder_of(source, options["data"]), told)
        try:
            report = live_through(stream, told, say=self.stderr.write)
        except (ReplayFailed, TooFewLabels, InvalidPlan, ValueError) as error:
            raise CommandError(str(error)) from error
        figures, page = as_json(report), as_page(report)
        write_report(options["out"], f"replay-{name}", figures=figures, page=page)
        self.stdout.write(summary(report))


def _add_stream_options(parser: ArgumentParser, default: Options) -> None:
    group = parser.add_argument_group("the stream")
    group.add_argument(
        "--sample", type=float, default=1.0, help="share of the rows, drawn"
    )
    group.add_argument("--days", type=float, help="only the first days")
    group.add_argument("--looks", type=int, default=default.looks_a_day, help="a day")
    group.add_argument(
        "--outcome-share", type=float, help="of items whose truth comes by itself"
    )
    group.add_argument(
        "--retrain-days", type=float, help="train and promote anew so often"
    )
    group.add_argument(
        "--shadow-days",
        type=float,
        default=default.shadow_days,
        help="in shadow before a new version is promoted",
    )


def _add_plan_options(parser: ArgumentParser, default: Options) -> None:
    group = parser.add_argument_group("the plan")
    group.add_argument(
        "--tolerated",
        action="append",
        default=[],
        metavar="LABEL=RATE",
        help="error rate tolerated where a label is recommended (repeatable); else by "
        "the declared costs",
    )
    group.add_argument("--delta", type=float, default=default.delta)
    group.add_argument("--alpha", type=float, default=default.alpha)
    group.add_argument(
        "--evidence", choices=EvidenceKind.values, default=default.evidence
    )
    group.add_argument("--blind-share", type=float, default=default.blind_share)
    group.add_argument("--floor", type=float, default=default.floor)
    group.add_argument("--drift-distance", type=float, default=default.drift_distance)
    group.add_argument("--edges", default="", help="ends of bands, comma-separated")


def _add_people_options(parser: ArgumentParser, default: Habits) -> None:
    group = parser.add_argument_group("simulated people")
    group.add_argument("--people", type=int, default=default.n_people)
    group.add_argument("--accuracy", type=float, default=default.accuracy)
    group.add_argument(
        "--follows",
        type=float,
        default=default.follows,
        help="how often a wrong recommendation that is shown is followed",
    )
    group.add_argument("--seconds", type=float, help="median for a case")


def _add_change_options(parser: ArgumentParser) -> None:
    default = Planted("flip", 0)
    group = parser.add_argument_group("a planted change")
    group.add_argument("--plant", choices=("flip", "shift"))
    group.add_argument("--plant-at", type=float, metavar="DAY", default=42.0)
    group.add_argument("--plant-share", type=float, default=default.share)
    group.add_argument("--plant-feature", help="else one of the set's own")
    group.add_argument("--plant-factor", type=float, default=default.factor)


def options_of(source: Source, given: Mapping[str, Any]) -> Options:
    """Read the options of the command. Raises: CommandError."""
    habits = Habits(
        accuracy=given["accuracy"],
        follows=given["follows"],
        seconds=given["seconds"] or source.seconds,
        n_people=given["people"],
    )
    outcome_share = given["outcome_share"]
    told = Options(
        seed=given["seed"],
        share=given["sample"],
        days=given["days"],
        looks_a_day=given["looks"],
        tolerated=_rates(given["tolerated"]),
        delta=given["delta"],
        alpha=given["alpha"],
        evidence=given["evidence"],
        blind_share=given["blind_share"],
        floor=given["floor"],
        drift_distance=given["drift_distance"],
        habits=habits,
        outcome_share=source.outcome_share if outcome_share is None else outcome_share,
        retrain_days=given["retrain_days"],
        shadow_days=given["shadow_days"],
        planted=_planted(source, given),
    )
    if given["edges"]:
        told = replace(told, edges=tuple(map(float, given["edges"].split(","))))
    return told


def _rates(given: Sequence[str]) -> dict[str, float]:
    rates = {}
    for one in given:
        label, _, rate = one.partition("=")
        try:
            rates[label] = float(rate)
        except ValueError as error:
            raise CommandError(f"--tolerated: LABEL=RATE, not {one!r}") from error
    return rates


def _planted(source: Source, given: Mapping[str, Any]) -> Planted | None:
    if given["plant"] is None:
        return None
    return Planted(
        kind=given["plant"],
        day=given["plant_at"],
        share=given["plant_share"],
        feature=given["plant_feature"] or source.shifted,
        factor=given["plant_factor"],
    )


def live_through(stream: Stream, told: Options, *, say: Any) -> Report:  # noqa: ANN401 -- Django's writers
    """Replay a stream in this database. Raises: ReplayFailed, TooFewLabels."""
    replayed = Replay(stream, told, workflows=Path(settings.BASE_DIR, "workflows"))
    replayed.prepare()
    replayed.live(say)
    workflow, start = replayed.workflow, replayed.stream.start
    return make_report(
        routed_rows(workflow, truth=replayed.truth, start=start),
        slices_of(workflow, start=start),
        moves_of(workflow, start=start),
        told=Told(
            name=stream.name,
            options=told,
            n_past=len(stream.past),
            n_stream=len(stream.live),
            n_all=stream.n_all,
            positive=tuple(workflow.declaration.positive_labels),
        ),
        lived=replayed.lived,
    )


def summary(report: Report) -> str:
    """Say in some lines what came of a replay."""
    grants = sum(one.move.kind == "grant" for one in report.moves)
    lines = [
        f"{report.told.name}: {report.n_routed:,} items, {report.n_reviewed:,} "
        f"reviewed; {grants} grants ({report.n_wrong_grants} wrong), "
        f"{len(report.moves) - grants} withdrawals",
    ]
    lines += goal_lines(report.goals, words=("reached", "NOT reached"))
    return "\n".join(lines)
