"""What the evidence about a workflow says to each question of readiness. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from lifecycle.enums import Answer, RiskFunction
from lifecycle.judging.evidence import (
    Arriving,
    Evidence,
    Judged,
    Named,
    Proved,
    Serving,
    Trained,
    Watching,
)
from ui import numbers

SCORED_WITHIN: Final = timedelta(days=7)
JUDGED_WITHIN: Final = timedelta(days=30)
PROVED_WITHIN: Final = timedelta(days=92)


@dataclass(frozen=True, slots=True)
class Link:
    """A page that shows the evidence; `view` and `query` say where."""

    text: str
    view: str
    pk: UUID | None = None
    query: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One question, its answer, and what the answer rests on."""

    key: str
    question: str
    verdict: Answer
    says: str
    at: datetime | None  # of the newest evidence
    owner: str
    function: RiskFunction
    links: tuple[Link, ...] = ()


def lines_of(evidence: Evidence, *, now: datetime) -> list[Line]:
    """Answer every question from the evidence, in the order of the page."""
    return [
        _decision(evidence.named),
        _owners(evidence.named),
        _serves(evidence, now=now),
        _arrives(evidence, now=now),
        _watched(evidence),
        _retrained(evidence, now=now),
        _people(evidence, now=now),
        _business(evidence),
        _restore(evidence, now=now),
        _rights(evidence, now=now),
    ]


def _decision(named: Named) -> Line:
    missing = [
        word
        for word, is_there in (
            ("the decision", bool(named.question)),
            ("its metric", bool(named.metric)),
            ("whoever decides", named.n_reviewers > 0),
        )
        if not is_there
    ]
    says = (
        f"Not named: {', '.join(missing)}."
        if missing
        else f"“{named.question}”, measured by {named.metric}, decided by "
        f"{named.n_reviewers} reviewer{'' if named.n_reviewers == 1 else 's'}."
    )
    return Line(
        "decision",
        "Are the decision, its metric and its users named?",
        Answer.NO if missing else Answer.YES,
        says,
        named.at,
        named.owners.get("model", ""),
        RiskFunction.MAP,
        (
            Link("Settings", "predictions:workflow-settings"),
            Link("Members", "accounts:member-list"),
        ),
    )


def _owners(named: Named) -> Line:
    missing = [name for name, owner in named.owners.items() if not owner]
    there = "; ".join(f"{name}: {owner}" for name, owner in named.owners.items())
    return Line(
        "owners",
        "Does somebody answer for each responsibility?",
        Answer.NO if missing else Answer.YES,
        f"Nobody is named for {', '.join(missing)}." if missing else f"{there}.",
        named.at,
        named.supervisors,
        RiskFunction.GOVERN,
        (Link("Settings", "predictions:workflow-settings"),),
    )


def _serves(evidence: Evidence, *, now: datetime) -> Line:
    one = evidence.serving
    verdict, says, at = Answer.NEVER, "No version is champion.", None
    links = [Link("Models", "lifecycle:model-list")]
    if one is not None:
        verdict, says = _serving(one, now=now)
        at = one.last_scored_at
        links = [
            Link(one.name, "lifecycle:model-detail", one.pk),
            Link("Model card", "lifecycle:model-card", one.pk),
        ]
    return Line(
        "serving",
        "Does a champion that passed its gates serve behind the versioned API?",
        verdict,
        says,
        at,
        evidence.named.owners.get("model", ""),
        RiskFunction.MANAGE,
        tuple(links),
    )


def _serving(one: Serving, *, now: datetime) -> tuple[Answer, str]:
    if one.last_scored_at is None:
        return Answer.NEVER, f"{one.name} has not scored an item yet."
    scored = f"{one.name} serves at /api/v1"
    if not one.n_gates:
        return Answer.NO, f"{scored}; the workflow declares no gates."
    if one.report_at is None:
        return Answer.NO, f"{scored}, and was never held against the gates."
    if one.open_gates:
        return Answer.NO, (
            f"{scored}; {one.open_gates} results of its newest gate report neither "
            "passed nor were waived."
        )
    waived = f", {one.n_waived} of them by waiver" if one.n_waived else ""
    says = f"{scored}; {one.n_gates} gates stand behind it{waived}."
    if now - one.last_scored_at > SCORED_WITHIN:
        return Answer.TOO_OLD, f"{says} It has scored nothing for a week."
    return Answer.YES, says


def _arrives(evidence: Evidence, *, now: datetime) -> Line:
    one = evidence.arriving
    verdict, says = Answer.NEVER, "No item has come."
    if one.last_at is not None:
        verdict, says = _arriving(one, one.last_at, now=now)
    return Line(
        "data",
        "Is fresh, validated data arriving?",
        verdict,
        says,
        one.last_at,
        evidence.named.owners.get("data", ""),
        RiskFunction.MEASURE,
        (
            Link("Items", "reviewqueue:item-list"),
            Link("Quarantine", "reviewqueue:quarantine-list"),
            _monitor("Quarantine share", "quarantine"),
        ),
    )


def _arriving(one: Arriving, last_at: datetime, *, now: datetime) -> tuple[Answer, str]:
    share = f"{one.k} of the newest {numbers.thousands(one.n)} arrivals were refused"
    if one.low is not None and one.high is not None:
        share += f": {numbers.percent(one.k / one.n)}"
        share += f" ({numbers.interval(one.low, one.high)})"
    if now - last_at > one.silent_after:
        days = numbers.duration((now - last_at).total_seconds())
        return Answer.TOO_OLD, f"Nothing has come for {days}. {share}."
    if one.limit and one.low is not None and one.low > one.limit:
        most = numbers.percent(one.limit)
        return Answer.NO, f"{share}: surely more than {most}."
    return Answer.YES, f"{share}."


def _watched(evidence: Evidence) -> Line:
    told = [
        f"{one.kind.value} {one.n_in_time} of {one.n}"
        + (
            f", {one.n_alerts} open alert{'s' if one.n_alerts > 1 else ''}"
            if one.n_alerts
            else ""
        )
        for one in evidence.watching
    ]
    seen = [one.last_at for one in evidence.watching if one.last_at is not None]
    n_missing = sum(one.n - one.n_in_time for one in evidence.watching)
    says = f"Reported in time: {'; '.join(told)}."
    if not evidence.has_measure:
        says += " The business monitor has no measure to read."
    if not seen:
        verdict, says = Answer.NEVER, "No monitor has looked yet."
    elif all(one.n_in_time == 0 for one in evidence.watching):
        verdict = Answer.TOO_OLD
    elif n_missing or not evidence.has_measure:
        verdict = Answer.NO
    else:
        verdict = Answer.YES
    return Line(
        "monitors",
        "Do infrastructure, model and business monitors report?",
        verdict,
        says,
        max(seen, default=None),
        evidence.named.owners.get("monitoring", ""),
        RiskFunction.MEASURE,
        (
            Link("Monitors", "lifecycle:monitor-list"),
            Link("Alerts", "lifecycle:alert-list"),
        ),
    )


def _in_time(one: Watching) -> str:
    words = f"{one.kind.value} {one.n_in_time} of {one.n}"
    if not one.n_alerts:
        return words
    return f"{words} ({one.n_alerts} open alert{'' if one.n_alerts == 1 else 's'})"


def _retrained(evidence: Evidence, *, now: datetime) -> Line:
    one = evidence.trained
    verdict, says = Answer.NEVER, "No training run has ended yet."
    links = [Link("Training", "lifecycle:training-list")]
    if one is not None:
        verdict, says = _trained(one, now=now)
        links = [Link("The run", "lifecycle:training-detail", one.pk)]
    return Line(
        "retraining",
        "Was the way to the next version gone, through its gates?",
        verdict,
        says,
        one.at if one else None,
        evidence.named.owners.get("retraining", ""),
        RiskFunction.MANAGE,
        tuple(links),
    )


def _trained(one: Trained, *, now: datetime) -> tuple[Answer, str]:
    if one.status != "done":
        why = f": {one.says}" if one.says else "."
        return Answer.NO, f"The last run ended as {one.status}{why}"
    if not one.gates:
        return Answer.NO, "The last run's versions were not held against gates."
    judged = ", ".join(f"{name} {verdict}" for name, verdict in one.gates)
    says = f"The last run, by {one.trigger}, made versions that gates judged: {judged}."
    if now - one.at > one.within:
        return Answer.TOO_OLD, says
    return Answer.YES, says


def _people(evidence: Evidence, *, now: datetime) -> Line:
    one = evidence.judged
    links = [
        Link("Decisions", "reviewqueue:decision-list"),
        Link("Cases", "reviewqueue:case-list"),
    ]
    if one.run is not None:
        links.append(
            Link("The run that learnt from them", "lifecycle:training-detail", one.run)
        )
    verdict, says = _judged(one, now=now)
    return Line(
        "people",
        "Do people handle edge cases, and does what they say come back?",
        verdict,
        says,
        one.last_at,
        evidence.named.supervisors,
        RiskFunction.MANAGE,
        tuple(links),
    )


def _judged(one: Judged, *, now: datetime) -> tuple[Answer, str]:
    if one.last_at is None:
        return Answer.NEVER, "Nobody has decided a case yet."
    says = (
        f"Decisions in 90 days: {numbers.thousands(one.n)}, of which "
        f"{one.n_overridden} overrode the recommendation, {one.n_unsure} could not "
        f"tell and {one.n_adjudicated} adjudicated; escalated cases: {one.n_escalated}."
    )
    if one.fed_back_at is None:
        return Answer.NO, f"{says} No version was trained on what people said."
    back = f"{numbers.thousands(one.n_labels)} of their labels trained a version."
    if now - one.last_at > JUDGED_WITHIN:
        return Answer.TOO_OLD, f"Nobody has decided anything for a month. {back}"
    return Answer.YES, f"{says} {back}"


def _business(evidence: Evidence) -> Line:
    one = evidence.improving
    verdict = Answer.NEVER
    says = (
        "The business monitor has not read the metric yet."
        if evidence.has_measure
        else "The workflow declares no measure of its metric."
    )
    if one is not None:
        says = one.says
        if one.is_late:
            verdict = Answer.TOO_OLD
        elif one.is_better or (one.meets_aim and one.is_better is None):
            verdict = Answer.YES
        else:
            verdict = Answer.NO
    return Line(
        "business",
        "Is the business metric improving, or where it should be?",
        verdict,
        says,
        one.at if one else None,
        evidence.named.owners.get("model", ""),
        RiskFunction.MEASURE,
        (_monitor("Before and after each promotion", "business"),),
    )


def _restore(evidence: Evidence, *, now: datetime) -> Line:
    one = evidence.restore
    verdict, says = Answer.NEVER, "No backup was restored and compared."
    if one is not None:
        verdict, says = _proved(one, now=now), one.says
    return Line(
        "restore",
        "Was a restore tried?",
        verdict,
        says,
        one.at if one else None,
        evidence.named.owners.get("incident", ""),
        RiskFunction.MANAGE,
    )


def _rights(evidence: Evidence, *, now: datetime) -> Line:
    one = evidence.rights
    verdict, says = Answer.NEVER, "Nobody has gone through who may do what."
    if one is not None:
        verdict, says = _proved(one, now=now), f"Gone through by {one.by}: {one.says}"
        if one.n_changed:
            verdict = Answer.TOO_OLD
            says += f" Roles and keys given or taken since: {one.n_changed}."
    return Line(
        "rights",
        "Are rights reviewed?",
        verdict,
        says,
        one.at if one else None,
        evidence.named.supervisors,
        RiskFunction.GOVERN,
        (
            Link("Members", "accounts:member-list"),
            Link("Changes of access", "accounts:member-events"),
        ),
    )


def _proved(one: Proved, *, now: datetime) -> Answer:
    if not one.has_passed:
        return Answer.NO
    return Answer.TOO_OLD if now - one.at > PROVED_WITHIN else Answer.YES


def _monitor(text: str, key: str) -> Link:
    return Link(text, "lifecycle:monitor-detail", query=f"monitor={key}")
