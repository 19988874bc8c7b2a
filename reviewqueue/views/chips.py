"""The filters in force on the list of decisions, in words."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.dateformat import format as date_format

from predictions.declaration import Declaration
from predictions.intake.values import parse_moment
from reviewqueue.enums import CaseKind, Verdict
from reviewqueue.models.tally import BAND_ENDS, NO_BAND
from reviewqueue.queries.lists import NO_REASON
from reviewqueue.queries.metrics import band_name

DAY = "j M Y"


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter: the parameter that holds it, and what it says."""

    name: str
    words: str


def decision_chips(asked: Mapping[str, str], declaration: Declaration) -> list[Chip]:
    """Return a chip for each filter that the list understands; others have none."""
    words = {name: _words(name, asked.get(name, ""), declaration) for name in _ORDER}
    return [Chip(name, said) for name, said in words.items() if said]


_ORDER = (
    "decided_from",
    "decided_to",
    "readings",
    "judged",
    "verdict",
    "recommended_label",
    "model_version",
    "band",
    "reviewer",
    "reason",
    "blind",
    "kind",
    "sla",
)
_FIXED = {
    "readings": "on a recommendation",
    "judged": "with a label",
}


def _words(name: str, value: str, declaration: Declaration) -> str:
    if not value:
        return ""
    match name:
        case "decided_from" | "decided_to":
            moment = parse_moment(value)
            before = "from" if name == "decided_from" else "before"
            return f"{before} {date_format(moment, DAY)}" if moment else ""
        case "verdict":
            return dict(Verdict.choices).get(value, "")
        case "kind":
            return dict(CaseKind.choices).get(value, "")
        case "recommended_label":
            return f"recommended: {declaration.label_name(value)}"
        case "model_version":
            return f"model v{value}"
        case "band":
            return _band_words(value)
        case "reviewer":
            return f"by {value}"
        case "reason":
            is_none = value == NO_REASON
            return "no reason" if is_none else declaration.reason_name(value)
        case "blind":
            return "blind" if value == "1" else "shown"
        case "sla":
            return "late" if value == "late" else "in time"
    return _FIXED[name]


def _band_words(band: str) -> str:
    if band == str(NO_BAND):
        return band_name(NO_BAND)
    if not band.isdecimal() or int(band) > len(BAND_ENDS):
        return ""
    return f"probability {band_name(int(band))}"
