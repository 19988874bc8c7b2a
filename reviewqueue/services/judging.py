"""What a person may say of a case, and what it amounts to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from predictions.declaration import Declaration, FieldError
from reviewqueue.enums import Verdict
from reviewqueue.models import Route

MAX_NOTE_LENGTH = 4000


class InvalidDecision(ValueError):
    """What was sent is not a decision that this case can take."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{e.field}: {e.rule}" for e in errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person said. An empty verdict follows from the label and the fields.

    `fields` by name; what is not named stays as it was, None is a field without a
    value.
    """

    verdict: str = ""
    label: str = ""
    reason_code: str = ""
    note: str = ""
    fields: Mapping[str, object] | None = None


def check_judgement(
    judgement: Judgement, *, route: Route, declaration: Declaration, blind: bool
) -> str:
    """Return the label that a judgement amounts to; empty for "can't tell".

    Raises: InvalidDecision naming field, rule and value.
    """
    errors: list[FieldError] = []
    if judgement.verdict not in {"", *Verdict.values}:
        errors.append(FieldError("verdict", "value", judgement.verdict))
    if judgement.label and judgement.label not in declaration.label_keys:
        errors.append(FieldError("label", "value", judgement.label))
    known_reasons = {code.key for code in declaration.reason_codes}
    if judgement.reason_code and judgement.reason_code not in known_reasons:
        errors.append(FieldError("reason_code", "value", judgement.reason_code))
    if len(judgement.note) > MAX_NOTE_LENGTH:
        errors.append(FieldError("note", "too_long", len(judgement.note)))
    if "\x00" in judgement.note:
        errors.append(FieldError("note", "characters", "NUL"))
    if errors:
        raise InvalidDecision(errors)
    return _label(judgement, recommended=route.label, blind=blind)


def _label(judgement: Judgement, *, recommended: str, blind: bool) -> str:
    if judgement.verdict == Verdict.UNSURE:
        if judgement.label:
            raise InvalidDecision([FieldError("label", "not_allowed", judgement.label)])
        return ""
    if judgement.label:
        return judgement.label
    if judgement.verdict == Verdict.CONFIRM and recommended and not blind:
        return recommended
    raise InvalidDecision([FieldError("label", "missing", "")])


def verdict_of(
    judgement: Judgement,
    label: str,
    corrected: Sequence[str],
    *,
    recommended: str,
    blind: bool,
) -> Verdict:
    """Return what label and fields amount to; in a blind case they alone say it.

    Raises: InvalidDecision where it is not the verdict that was given.
    """
    if not label:
        return Verdict.UNSURE
    stands = label == recommended and not corrected
    follows = Verdict.CONFIRM if stands else Verdict.OVERRIDE
    said = judgement.verdict
    if blind or said in {"", follows}:
        return follows
    if said == Verdict.CONFIRM and label == recommended:
        given = judgement.fields or {}
        wrong = [FieldError(f"fields.{n}", said, given.get(n)) for n in corrected]
        raise InvalidDecision(wrong)
    raise InvalidDecision([FieldError("label", said, judgement.label)])
