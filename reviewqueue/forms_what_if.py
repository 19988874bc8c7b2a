"""What may be tried in a what-if: terms and costs, those in force where none is given.

The page and the API read the same query string.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from django import forms

from predictions.declaration import Costs, Declaration, FieldError
from reviewqueue.enums import EvidenceKind
from reviewqueue.forms_trust import TOLERATED, NumbersField
from reviewqueue.models import TrustPlan
from reviewqueue.services.trust_plans import PlanTerms, terms_of
from reviewqueue.services.what_if import COSTS
from reviewqueue.trust.ladder import MAX_TOLERATED

MAX_COST: Final = 1e12
# Terms that a scenario hands over to the plan as they were asked for.
PLAIN: Final = ("delta", "alpha", "evidence", "ladder", "min_reviews", "review_minutes")
_RULES: Final = {
    "required": "missing",
    "min_value": "range",
    "max_value": "range",
    "invalid_choice": "value",
    "max_length": "too_long",
    "foreign": "unknown_field",
}


class WhatIfForm(forms.Form):
    """Terms of a plan that can be tried on history, and the costs behind them."""

    delta = forms.FloatField(label="Risk of a wrong grant (delta)")
    alpha = forms.FloatField(label="False-alarm rate (alpha)")
    evidence = forms.ChoiceField(
        label="What counts as evidence",
        choices=[
            (EvidenceKind.BLIND, "blind cases"),
            (EvidenceKind.ALL, "all reviewed cases"),
        ],
    )
    ladder = NumbersField(label="Ladder", max_length=200)
    min_reviews = forms.IntegerField(label="Least reviews a step")
    review_minutes = forms.FloatField(label="Minutes a review")
    false_positive = forms.FloatField(
        label="Cost of a false positive", min_value=0, max_value=MAX_COST
    )
    false_negative = forms.FloatField(
        label="Cost of a false negative", min_value=0, max_value=MAX_COST
    )
    review_minute = forms.FloatField(
        label="Cost of a minute of review", min_value=0, max_value=MAX_COST
    )

    def __init__(
        self, asked: Mapping[str, Any], *, plan: TrustPlan, declaration: Declaration
    ) -> None:
        super().__init__()
        for label in declaration.labels:
            self.fields[TOLERATED + label.key] = forms.FloatField(
                label=f"Tolerated where {label.name} is recommended",
                required=False,
                min_value=0,
                max_value=MAX_TOLERATED,
                help_text="Empty: from the costs.",
            )
        self._costs = declaration.costs
        if declaration.costs.matrix:
            # What follows from a matrix is not tried apart from it.
            del self.fields["false_positive"], self.fields["false_negative"]
        self._foreign = [name for name in COSTS if name in {*asked} - {*self.fields}]
        self._in_force = terms_of(plan)
        known = _in_force(plan, declaration.costs)
        self.is_bound = True
        self.data = {name: asked.get(name, known.get(name, "")) for name in self.fields}

    def clean(self) -> None:
        """Refuse the costs of two sides where they go from label to label."""
        for name in self._foreign:
            words = f"{name}: costs go from label to label here"
            self.add_error(None, forms.ValidationError(words, "foreign", {"in": name}))

    @property
    def terms(self) -> PlanTerms:
        """The terms in force with what is tried."""
        tolerated = {
            name.removeprefix(TOLERATED): rate
            for name, rate in self.cleaned_data.items()
            if name.startswith(TOLERATED) and rate is not None
        }
        plain = {name: self.cleaned_data[name] for name in PLAIN}
        return replace(self._in_force, **plain, tolerated=tolerated)

    @property
    def costs(self) -> Costs:
        given: dict[str, object] = {
            name: self.cleaned_data[name] for name in COSTS if name in self.fields
        }
        return self._costs.model_copy(update=given)

    def field_errors(self) -> list[FieldError]:
        """Say what is wrong by field, rule and value."""
        return [
            FieldError(
                (one.params or {}).get("in", name),
                _RULES.get(one.code or "", "type"),
                self._shown(name),
            )
            for name, errors in self.errors.as_data().items()
            for one in errors
        ]

    def refuse(self, errors: Sequence[FieldError]) -> None:
        """Show what the service refused beside its field."""
        for one in errors:
            name = one.field if one.field in self.fields else None
            self.add_error(name, f"{one.rule.replace('_', ' ')}: {one.value}")

    def _shown(self, name: str) -> str:
        return str(self.data.get(name, ""))[:100]


def _in_force(plan: TrustPlan, costs: Costs) -> dict[str, object]:
    known = {name: getattr(plan, name) for name in PLAIN}
    known["ladder"] = " ".join(f"{one:g}" for one in plan.ladder)
    known |= {name: f"{getattr(costs, name):g}" for name in COSTS}
    return known | {TOLERATED + label: rate for label, rate in plan.tolerated.items()}
