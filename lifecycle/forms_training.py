"""What a training run is to learn from and try; the rules are the service's."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from django import forms
from django.conf import settings

from lifecycle.services.training_runs import MAX_SEED, Wanted, specs_of
from predictions.declaration import Declaration, FieldError
from predictions.learning.candidate_spec import ENTRY_POINT, CandidateSpec
from reviewqueue.models import Snapshot

FRESH: Final = ""
DECLARED: Final = "declared"
OURS: Final = (
    ("gradient_boosting", "Gradient-boosted trees"),
    ("logistic", "Logistic regression"),
    ("baseline", "Baseline: the shares of the labels"),
)
RULES: Final = {
    "unknown": "There is no such snapshot.",
    "failed": "This snapshot could not be built.",
    "not_learnt": "Models read no feature named {value}.",
    "not_allowed": "{value} is not among the entry points of this installation.",
}


class TrainForm(forms.Form):
    """Choose rows, models and feature sets."""

    snapshot = forms.ChoiceField(
        required=False,
        label="Learn from",
        help_text="The run reads this snapshot and nothing else.",
    )
    candidates = forms.MultipleChoiceField(
        label="Train",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )
    without = forms.MultipleChoiceField(
        required=False,
        label="Train each also without these features, to compare",
        widget=forms.CheckboxSelectMultiple,
    )
    seed = forms.IntegerField(
        min_value=0,
        max_value=MAX_SEED,
        initial=0,
        label="Seed",
        help_text="The same snapshot, candidates and seed give the same models.",
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        declaration: Declaration,
        snapshots: Sequence[Snapshot],
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        self._declaration = declaration
        self._snapshots = {str(one.pk): one for one in snapshots}
        declared = declaration.retraining.candidates
        own = [(name, name) for name in settings.TRAINING_ENTRY_POINTS]
        file = [(DECLARED, f"The workflow file's ({len(declared)})")]
        choices = [*(file if declared else ()), *OURS, *own]
        self.fields["candidates"].choices = choices  # type: ignore[attr-defined]
        first = DECLARED if declared else "gradient_boosting"
        self.fields["candidates"].initial = [first, "baseline"]
        self.fields["without"].choices = [  # type: ignore[attr-defined]
            (one.name, one.label) for one in declaration.model_features
        ]
        self.fields["snapshot"].choices = [  # type: ignore[attr-defined]
            (FRESH, "A fresh snapshot of everything labelled by now"),
            *((str(one.pk), _words(one)) for one in snapshots),
        ]

    def wanted(self) -> Wanted:
        """What was asked for; only once the form is valid."""
        asked = self.cleaned_data
        chosen = asked["snapshot"]
        return Wanted(
            snapshot=self._snapshots[chosen] if chosen else None,
            candidates=self._candidates(asked["candidates"], set(asked["without"])),
            seed=asked["seed"],
        )

    def refuse(self, errors: Sequence[FieldError]) -> None:
        """Show what the service refused beside its field."""
        for error in errors:
            words = RULES.get(error.rule, error.rule).format(value=error.value)
            name = error.field.split(".")[0].removesuffix("_id")
            self.add_error(name if name in self.fields else None, words)

    def _candidates(
        self, chosen: Sequence[str], without: set[str]
    ) -> tuple[CandidateSpec, ...]:
        found: list[CandidateSpec] = []
        for name in chosen:
            if name == DECLARED:
                found += specs_of(self._declaration.retraining.candidates)
            elif name in settings.TRAINING_ENTRY_POINTS:
                found.append(CandidateSpec(ENTRY_POINT, name))
            else:
                found.append(CandidateSpec(name))
        known = [one.name for one in self._declaration.model_features]
        kept = tuple(sorted(set(known) - without))
        if without and kept:
            # a baseline reads no feature
            found += [
                replace(one, features=kept)
                for one in found
                if not one.features and one.algorithm != "baseline"
            ]
        return tuple(dict.fromkeys(found))


def chosen_snapshot(given: str) -> str:
    """Return the id in an address, empty where it is none."""
    try:
        return str(UUID(given))
    except ValueError:
        return FRESH


def _words(snapshot: Snapshot) -> str:
    rows = "row" if snapshot.n_rows == 1 else "rows"
    return f"{snapshot.as_of:%-d %b %Y, %H:%M} · {snapshot.n_rows:,} {rows}"
