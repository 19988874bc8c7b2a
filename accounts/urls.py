"""Addresses below `/accounts/`, beside those of allauth."""

from django.urls import path

from accounts.views import events, keys, members, profile, sites, users

app_name = "accounts"
urlpatterns = [
    path("profile/", profile.profile, name="profile"),
    path("profile/keyboard/", profile.key_bindings, name="key-bindings"),
    path("email/", profile.email_is_on_profile, name="email"),
    path("keys/", keys.my_keys, name="my-keys"),
    path("keys/<uuid:key_id>/revoke/", keys.key_revoke, name="key-revoke"),
    path("w/<slug:slug>/members/", members.member_list, name="member-list"),
    path(
        "w/<slug:slug>/members/<uuid:user_id>/",
        members.member_roles,
        name="member-roles",
    ),
    path(
        "w/<slug:slug>/members/<uuid:user_id>/sites/",
        sites.member_sites,
        name="member-sites",
    ),
    path("w/<slug:slug>/sites/", sites.site_list, name="site-list"),
    path("w/<slug:slug>/sites/<uuid:site_id>/", sites.site_change, name="site-change"),
    path("w/<slug:slug>/members/log/", events.member_events, name="member-events"),
    path("w/<slug:slug>/keys/", keys.key_list, name="key-list"),
    path("users/", users.user_list, name="user-list"),
    path("users/log/", events.user_events, name="user-events"),
    path("users/<uuid:user_id>/active/", users.user_active, name="user-active"),
    path("users/<uuid:user_id>/password/", users.user_password, name="user-password"),
]
