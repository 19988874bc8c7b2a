"""A person's own page: name, address, keys of the keyboard, API keys."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import AuthenticatedRequest
from accounts.forms import KeyBindingsForm, ProfileForm
from accounts.permissions import actor_of
from accounts.queries import keys_of_owner, known_scopes
from accounts.services import EmailTakenError, set_key_bindings, update_profile


@require_http_methods(["GET", "POST"])
def profile(request: AuthenticatedRequest) -> HttpResponse:
    """Show a person's own page, and take a new name and address."""
    if request.method != "POST":
        return _page(request)
    form = ProfileForm(request.POST)
    if form.is_valid() and _saved(request, form):
        messages.success(request, "Your name and address are saved.")
        return redirect("accounts:profile")
    return _page(request, profile_form=form, status=422)


@require_POST
def key_bindings(request: AuthenticatedRequest) -> HttpResponse:
    """Take a person's own keys, or put the defaults back."""
    if "defaults" in request.POST:
        set_key_bindings(user=request.user, bindings={})
        messages.success(request, "The keys are as they came.")
        return redirect("accounts:profile")
    form = KeyBindingsForm(request.POST, own=request.user.key_bindings)
    if not form.is_valid():
        return _page(request, keys_form=form, status=422)
    set_key_bindings(user=request.user, bindings=form.own_keys())
    messages.success(request, "Your keys are saved.")
    return redirect("accounts:profile")


@require_GET
def email_is_on_profile(request: HttpRequest) -> HttpResponse:
    """Lead allauth's page of addresses to the one place where the address is."""
    return redirect("accounts:profile")


def _saved(request: AuthenticatedRequest, form: ProfileForm) -> bool:
    try:
        update_profile(user=request.user, **form.cleaned_data)
    except EmailTakenError:
        form.add_error("email", "Another account has this address.")
        return False
    return True


def _page(
    request: AuthenticatedRequest,
    *,
    profile_form: ProfileForm | None = None,
    keys_form: KeyBindingsForm | None = None,
    status: int = 200,
) -> HttpResponse:
    user = request.user
    context = {
        "profile_form": profile_form
        or ProfileForm(
            initial={
                "name": user.name,
                "email": user.email,
                "wants_alert_mails": user.wants_alert_mails,
            }
        ),
        "keys_form": keys_form or KeyBindingsForm(own=user.key_bindings),
        "scopes": known_scopes(actor_of(request)),
        "n_api_keys": keys_of_owner(user).count(),
    }
    return render(request, "accounts/profile.html", context, status=status)
