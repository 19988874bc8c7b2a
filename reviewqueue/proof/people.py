"""The accounts of a run: simulated reviewers, and an integration, with their keys."""

from dataclasses import dataclass
from datetime import datetime

from accounts.enums import Role
from accounts.models import Scope, User
from accounts.permissions import Permission
from accounts.services import create_service_account, grant_role
from accounts.services_keys import create_api_key
from reviewqueue.proof.reviewing import Habits

REVIEWERS = {
    "proof-ada": Habits(accuracy=0.97, follows=0.1, doubts=0.01),
    "proof-ben": Habits(accuracy=0.94, follows=0.3, doubts=0.01),
    "proof-cho": Habits(accuracy=0.96, follows=0.15, doubts=0.01),
}
ADJUDICATOR = "proof-adjudicator"
ADJUDICATES = Habits(accuracy=0.99)
INTEGRATION = "proof-integration"


@dataclass(frozen=True, slots=True)
class People:
    """Keys by what they are for; made for one run and revoked by nobody."""

    reviewers: list[tuple[str, Habits]]
    integration: str


def people_of(scope: Scope, *, now: datetime) -> People:
    """Make sure of the accounts, and give each a key of its own in the workflow."""
    seeing = {Permission.WORKFLOW_VIEW, Permission.CASES_VIEW}
    reviewing, settling = Permission.CASES_REVIEW, Permission.CASES_ADJUDICATE
    reviewers = [
        (_key(name, scope, Role.REVIEWER, {*seeing, reviewing}, now=now), habits)
        for name, habits in REVIEWERS.items()
    ]
    key = _key(ADJUDICATOR, scope, Role.ADJUDICATOR, {*seeing, settling}, now=now)
    sends = {
        Permission.WORKFLOW_VIEW,
        Permission.ITEMS_ADD,
        Permission.OUTCOMES_ADD,
        Permission.METRICS_VIEW,
        Permission.SNAPSHOTS_CREATE,
        Permission.SNAPSHOTS_VIEW,
    }
    return People(
        reviewers=[*reviewers, (key, ADJUDICATES)],
        integration=_key(INTEGRATION, scope, Role.ENGINEER, sends, now=now),
    )


def _key(
    username: str, scope: Scope, role: Role, verbs: set[Permission], *, now: datetime
) -> str:
    user = User.objects.filter(username=username).first() or create_service_account(
        username=username, name=f"{username} (simulated)", actor=None, now=now
    )
    grant_role(user=user, scope=scope, role=role, actor=None, now=now)
    _, plaintext = create_api_key(
        owner=user, scope=scope, name="proof", verbs=verbs, actor=None, now=now
    )
    return plaintext
