"""The routing policy: what is in force, what was, and putting another in force."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.permissions import Permission
from predictions.forms import SeenVersionForm
from predictions.views.access import open_workflow
from reviewqueue.enums import PolicyMode
from reviewqueue.models import Policy
from reviewqueue.queries.policies import policy_in_force
from reviewqueue.services.policies import TERMS, InvalidPolicy, PolicyTerms, put_policy


class PolicyForm(SeenVersionForm):
    mode = forms.ChoiceField(
        label="People see",
        choices=[
            (PolicyMode.ALL, "everything"),
            (PolicyMode.ABOVE, "items at or above the lower threshold"),
            (PolicyMode.BETWEEN, "items between the two thresholds"),
            (PolicyMode.EARNED, "of each segment, as little as its trust allows"),
        ],
    )
    low = forms.FloatField(label="Lower threshold", min_value=0, max_value=1)
    high = forms.FloatField(label="Upper threshold", min_value=0, max_value=1)
    audit_share = forms.FloatField(
        label="Audit share",
        max_value=1,
        help_text="Chance that an item which the rule passes goes to people. Above 0.",
    )
    blind_share = forms.FloatField(label="Blind share", min_value=0, max_value=1)
    second_opinion_share = forms.FloatField(
        label="Second-opinion share", min_value=0, max_value=1
    )
    reason = forms.CharField(label="Reason", max_length=500)


@require_http_methods(["GET", "POST"])
def policy(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the policy and its versions; POST puts the next version in force."""
    wanted = Permission.POLICY_VIEW
    if request.method == "POST":
        wanted = Permission.POLICY_CHANGE
    page, workflow = open_workflow(request, slug, wanted)
    current = policy_in_force(workflow)
    fields = [name for name in PolicyForm.base_fields if name != "reason"]
    form = PolicyForm(initial={name: getattr(current, name) for name in fields})
    status = 200
    if request.method == "POST":
        form = PolicyForm(request.POST)
        if form.is_valid():
            terms = {name: form.cleaned_data[name] for name in TERMS}
            try:
                put_policy(
                    workflow=workflow,
                    terms=PolicyTerms(**terms),
                    by=page.user,
                    reason=form.cleaned_data["reason"],
                    now=timezone.now(),
                    seen_version=form.cleaned_data["version"],
                )
            except InvalidPolicy as refusal:
                _refuse(form, refusal, in_force=policy_in_force(workflow).version)
            else:
                messages.success(page, "The policy is in force for items from now on.")
                return redirect("reviewqueue:policy", slug=slug)
        status = 422
    context = {
        "workflow": workflow,
        "form": form,
        "current": current,
        "policies": Policy.objects.filter(workflow=workflow)
        .select_related("created_by")
        .order_by("-version"),
        "can_change": page.actor.can(Permission.POLICY_CHANGE, workflow.pk),
    }
    return render(page, "reviewqueue/policy.html", context, status=status)


def _refuse(form: PolicyForm, refusal: InvalidPolicy, *, in_force: int) -> None:
    for one in refusal.errors:
        if one.field == "version":
            form.overtaken(in_force)
        else:
            form.add_error(one.field, one.rule.replace("_", " "))
