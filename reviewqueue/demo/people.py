"""The demo's accounts: people to sign in as, simulated reviewers, one integration."""

import json
import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from accounts.enums import Role
from accounts.models import ApiKey, Scope, User
from accounts.permissions import KEY_PERMISSIONS
from accounts.services import create_service_account, create_user, grant_role
from accounts.services_keys import create_api_key

INTEGRATION = "demo-integration"
PEOPLE: dict[str, tuple[Role, ...]] = {
    "reviewer": (Role.REVIEWER,),
    "adjudicator": (Role.ADJUDICATOR, Role.REVIEWER),
    "supervisor": (Role.SUPERVISOR,),
    "engineer": (Role.ENGINEER,),
    "auditor": (Role.AUDITOR,),
    "admin": (),
}
SIMULATED = ("sim-ada", "sim-ben", "sim-cho", "sim-adjudicator")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Passwords by username and keys by workflow; kept in a private file."""

    passwords: dict[str, str]
    keys: dict[str, str]

    def write(self, path: Path) -> None:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump({"passwords": self.passwords, "keys": self.keys}, file)


def read_credentials(path: Path) -> Credentials:
    """Read the file, or begin an empty one."""
    if not path.exists():
        return Credentials({}, {})
    data = json.loads(path.read_text())
    return Credentials(data["passwords"], data["keys"])


def ensure_people(credentials: Credentials, *, now: datetime) -> dict[str, User]:
    """Create whoever is missing; the password of an account we made is in the file."""
    people = {}
    for username in PEOPLE:
        user = User.objects.filter(username__iexact=username).first()
        if user is None:
            credentials.passwords[username] = secrets.token_urlsafe(12)
            user = create_user(
                username=username,
                password=credentials.passwords[username],
                name=username.capitalize(),
                is_site_admin=username == "admin",
                now=now,
            )
        people[username] = user
    for username in (*SIMULATED, INTEGRATION):
        user = User.objects.filter(username__iexact=username).first()
        people[username] = user or create_service_account(
            username=username, name=_name(username), actor=None, now=now
        )
    return people


def ensure_roles(scope: Scope, people: dict[str, User], *, now: datetime) -> None:
    """Give everyone their roles in a workflow."""
    for username, roles in PEOPLE.items():
        for role in roles:
            grant_role(
                user=people[username], scope=scope, role=role, actor=None, now=now
            )
    for role in Role:
        grant_role(
            user=people[INTEGRATION], scope=scope, role=role, actor=None, now=now
        )
    for username in SIMULATED:
        role = Role.ADJUDICATOR if "adjudicator" in username else Role.REVIEWER
        grant_role(user=people[username], scope=scope, role=role, actor=None, now=now)


def ensure_key(
    scope: Scope, owner: User, credentials: Credentials, *, now: datetime
) -> None:
    """Make the key that may do everything in the workflow, unless it is known."""
    known = credentials.keys.get(scope.slug)
    if known and ApiKey.objects.filter(scope=scope, revoked_at=None).exists():
        return
    _, plaintext = create_api_key(
        owner=owner,
        scope=scope,
        name="demo",
        verbs=KEY_PERMISSIONS,
        actor=None,
        now=now,
    )
    credentials.keys[scope.slug] = plaintext


def _name(username: str) -> str:
    short = username.removeprefix("sim-").replace("-", " ").capitalize()
    return f"{short} (simulated)" if username.startswith("sim-") else short
