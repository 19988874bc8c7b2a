"""The access tables in Django's admin: read-only, for site admins.

Changes go through the pages, whose services leave events.
"""

from typing import TYPE_CHECKING

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from accounts.models import AccessEvent, ApiKey, Membership, Scope, User

# The admin's own form knows neither the lockout nor the second factor.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # as allauth documents it


if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Model]
else:
    ModelAdmin = admin.ModelAdmin  # generic for the type checker only


class ReadOnlyAdmin(ModelAdmin):
    """Shows rows and changes none."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("username", "name", "is_active", "is_service", "is_superuser")
    list_filter = ("is_active", "is_service", "is_superuser")
    search_fields = ("username", "name")
    exclude = ("password", "groups", "user_permissions")


@admin.register(Scope)
class ScopeAdmin(ReadOnlyAdmin):
    list_display = ("slug", "name")


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ("user", "scope", "role", "created_at")
    list_filter = ("role", "scope")
    list_select_related = ("user", "scope")


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = ("prefix", "name", "owner", "scope", "revoked_at", "last_used_at")
    list_select_related = ("owner", "scope")
    exclude = ("secret_hash",)


@admin.register(AccessEvent)
class AccessEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "kind", "actor", "subject", "scope")
    list_filter = ("kind",)
    list_select_related = ("actor", "subject", "scope")
