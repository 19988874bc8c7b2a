"""What the style guide draws: made-up figures and a form that shows every field."""

from django import forms


class EveryField(forms.Form):
    """One field of each kind, for looking at."""

    name = forms.CharField(help_text="As reviewers see it.")
    note = forms.CharField(widget=forms.Textarea, required=False)
    label = forms.ChoiceField(
        choices=[("fraud", "Fraud"), ("legitimate", "Legitimate")]
    )
    share = forms.FloatField(
        min_value=0, max_value=1, help_text="Between 0 and 1, for example 0.05."
    )
    since = forms.DateField(
        widget=forms.DateInput(attrs={"type": "date"}), required=False
    )
    blind = forms.BooleanField(
        required=False,
        label="Show cases blind",
        help_text="Withholds the model's view.",
    )
    evidence = forms.ChoiceField(
        choices=[("blind", "Blind only"), ("all", "All reviews")],
        widget=forms.RadioSelect,
    )
    reasons = forms.MultipleChoiceField(
        choices=[("device", "Known device"), ("test", "Test purchase")],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    rows = forms.FileField(required=False, label="File", help_text="CSV or Parquet.")


def style_guide_context() -> dict[str, object]:
    """Return the invented figures that the page is drawn with."""
    curve = [1, 2, 4, 7, 11, 14, 13, 10, 8, 6, 5, 4, 3, 2, 2, 1]
    return {
        "form": EveryField(initial={"label": "fraud", "evidence": "blind"}),
        "wrong_form": EveryField({"name": "", "share": "2"}, auto_id="wrong_%s"),
        "curve": curve,
        "facts": [
            ("Amount", "1,240.00 €", 0.98, "alarm", "98 % are lower"),
            ("Time", "03:12, Sunday", 0.93, "alarm", "93 % are at busier hours"),
            ("Card present", "no", 0.61, "accent", "39 % the same"),
            ("Customer's mean, 30 days", "61.20 €", 0.52, "accent", "usual"),
            ("Shipping distance", None, None, "accent", "not sent by the shop"),
        ],
        "reasons": [
            ("7 payments in 24 hours", 0.34),
            ("1,240 €, 20 times her mean", 0.29),
            ("At 03:12", 0.11),
            ("Customer for 6 years", -0.06),
        ],
        "segments": [
            ("Legitimate", "p < 0.3 %", 5, 13_384, 61, 0.0046, 0.0038, 0.0061, 0.015),
            ("Legitimate", "1 to 3 %", 1, 11_805, 245, 0.0208, 0.018, 0.0241, 0.015),
            ("Fraud", "p > 90 %", 3, 435, 1, 0.0023, 0.0004, 0.028, 0.075),
        ],
    }
