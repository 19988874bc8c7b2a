"""Forms of the trust pages."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django import forms

from predictions.declaration import Declaration, FieldError
from predictions.forms import SeenVersionForm
from reviewqueue.enums import EvidenceKind, MoveCause
from reviewqueue.models import TrustPlan
from reviewqueue.queries.trust import SITE_FEATURE, UNASKED
from reviewqueue.services.trust_plans import PlanTerms
from reviewqueue.trust.ladder import MAX_TOLERATED

TOLERATED = "tolerated-"
TOLERATED_FIELD = "tolerated_fields-"


class MoveForm(forms.Form):
    """A reason, and what the person saw: the level, and what a grant would rest on."""

    level = forms.IntegerField(widget=forms.HiddenInput)
    cause = forms.ChoiceField(
        choices=[(one, one) for one in (MoveCause.EVIDENCE, MoveCause.SHADOW)],
        widget=forms.HiddenInput,
        required=False,
    )
    reason = forms.CharField(label="Reason", max_length=500)


class NumbersField(forms.CharField):
    """Numbers with commas or spaces between them."""

    def to_python(self, value: object) -> Any:  # noqa: ANN401 -- as Django types it
        text = super().to_python(value) or ""
        try:
            return [float(one) for one in text.replace(",", " ").split()]
        except ValueError:
            raise forms.ValidationError("Numbers, with spaces between them.") from None


class PlanForm(SeenVersionForm):
    """The terms on which autonomy is granted."""

    delta = forms.FloatField(
        label="Risk of a wrong grant (delta)",
        help_text="At most this share of workflows ever gets one. 0.05 is 5 %.",
    )
    alpha = forms.FloatField(
        label="False-alarm rate (alpha)",
        help_text="Mean reviews to a false alarm: at least 1/alpha.",
    )
    evidence = forms.ChoiceField(
        label="What counts as evidence",
        choices=[
            (EvidenceKind.BLIND, "blind cases"),
            (EvidenceKind.ALL, "all reviewed cases (leaning included)"),
        ],
    )
    ladder = NumbersField(
        label="Ladder", help_text="Shares that people see, from 1 to the audit floor."
    )
    review_minutes = forms.FloatField(label="Minutes a review")
    segment_feature = forms.ChoiceField(label="Slice by", required=False)
    edges = NumbersField(
        label="Band ends",
        required=False,
        help_text="Where bands of probability may end. Other ends begin anew.",
    )
    min_share = forms.FloatField(
        label="Least share of a band",
        help_text="Smaller bands are joined with their neighbours.",
    )
    min_reviews = forms.IntegerField(label="Least reviews a step")
    auto_grant = forms.BooleanField(
        label="Grant by itself when the bound allows it", required=False
    )
    gold_share = forms.FloatField(label="Gold share")
    gold_floor = forms.FloatField(
        label="Gold floor",
        help_text="Below it a reviewer's decisions stop counting as evidence.",
    )
    drift_distance = forms.FloatField(
        label="Drift that withdraws",
        help_text="Share of scores or inputs that moved, when sure. 1 is never.",
    )
    coaching = forms.BooleanField(
        label="Tell reviewers after a gold item", required=False
    )
    reason = forms.CharField(label="Reason", max_length=500)

    def __init__(
        self,
        data: Any = None,  # noqa: ANN401 -- as Django types it
        *,
        declaration: Declaration,
        initial: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        features = {"": "nothing", SITE_FEATURE: "Site"} | {
            one.name: one.title or one.name
            for one in declaration.features
            if one.type in {"category", "boolean"}
        }
        self.fields["segment_feature"].choices = list(features.items())  # type: ignore[attr-defined]
        for label in declaration.labels:
            self.fields[TOLERATED + label.key] = forms.FloatField(
                label=f"Tolerated error rate where {label.name} is recommended",
                required=False,
                min_value=0,
                max_value=MAX_TOLERATED,
                help_text="Empty: from the costs.",
            )
        for spec in declaration.fields:
            self.fields[TOLERATED_FIELD + spec.name] = forms.FloatField(
                label=f"Tolerated error rate of the field {spec.label}",
                required=False,
                min_value=0,
                max_value=UNASKED,
                help_text="Empty: people see every one. 1: asked for nothing.",
            )
        self.order_fields(["delta", "alpha", "evidence", *self._tolerated_fields()])
        self.fields["reason"] = self.fields.pop("reason")  # comes last

    @classmethod
    def of(
        cls, plan: TrustPlan, declaration: Declaration, asked: Mapping[str, object]
    ) -> "PlanForm":
        """Fill the form with a plan, and with what a query string asks for."""
        initial: dict[str, object] = {
            name: getattr(plan, name)
            for name in PlanForm.base_fields
            if name != "reason"
        }
        for name in ("ladder", "edges"):
            initial[name] = " ".join(f"{one:g}" for one in getattr(plan, name))
        for label, rate in plan.tolerated.items():
            initial[TOLERATED + label] = rate
        for field, rate in plan.tolerated_fields.items():
            initial[TOLERATED_FIELD + field] = rate
        form = cls(declaration=declaration, initial=initial)
        form.initial.update(
            {name: asked[name] for name in form.fields if asked.get(name)}
        )
        return form

    def _tolerated_fields(self) -> list[str]:
        prefixes = (TOLERATED, TOLERATED_FIELD)
        return [name for name in self.fields if name.startswith(prefixes)]

    def _rates(self, prefix: str) -> dict[str, float]:
        return {
            name.removeprefix(prefix): rate
            for name, rate in self.cleaned_data.items()
            if name.startswith(prefix) and rate is not None
        }

    def terms(self, now_in_force: PlanTerms) -> PlanTerms:
        """Return the terms that the form asks for."""
        names = set(self.base_fields) - {"reason", "version"}
        asked = {name: self.cleaned_data[name] for name in names}
        return replace(
            now_in_force,
            **asked,
            tolerated=self._rates(TOLERATED),
            tolerated_fields=self._rates(TOLERATED_FIELD),
        )

    def refuse(self, errors: Sequence[FieldError], *, in_force: int) -> None:
        """Show what the service refused beside its field."""
        for one in errors:
            if one.field == "version":
                self.overtaken(in_force)
                continue
            name = one.field if one.field in self.fields else None
            self.add_error(name, f"{one.rule.replace('_', ' ')}: {one.value}")
