"""Make workflows, models and keys for the stack; print what clients need as JSON.

Runs in a process of its own, against the servers that the environment names.
"""

import json
import sys
from datetime import datetime

from django.utils import timezone

from accounts.enums import Role
from accounts.permissions import KEY_PERMISSIONS
from accounts.services import create_service_account, grant_role
from accounts.services_keys import create_api_key
from predictions.models import Workflow
from predictions.services.workflows import declare_workflow
from tests.factories.predictions import DECLARATION, make_champion
from tests.predictions.services.misbehaving import register_misbehaving

N_CLIENTS = 4
# A model for each: what it does is held against it in its own workflow alone.
BUDGETS_MS = {
    "raises": 10_000,
    "nan": 10_000,
    "shape": 10_000,
    "crashes": 10_000,
    "hangs": 1_500,
    "killed": 60_000,
    "missing": 10_000,
}
ROLLED = "rolled"  # its champion has one before it
# A claim whose answer was lost costs its reviewer one of the leases for a while.
MANY_LEASES = "max_leases = 20"


def main() -> None:
    """Make everything and write the facts as one line of JSON."""
    now = timezone.now()
    workflow = _declared("cards", 10_000, now=now)
    make_champion(workflow, now=now)
    broken = [_declared(slug, budget, now=now) for slug, budget in BUDGETS_MS.items()]
    for one in broken:
        register_misbehaving(one, now=now)
    rolled = _declared(ROLLED, 10_000, now=now)
    for _ in range(2):
        make_champion(rolled, now=now)
    facts = {
        "workflow": workflow.slug,
        "keys": [_key(workflow, f"client-{n}", now=now) for n in range(N_CLIENTS)],
        "broken": {one.slug: _key(one, one.slug, now=now) for one in [*broken, rolled]},
    }
    sys.stdout.write(json.dumps(facts) + "\n")


def _declared(slug: str, budget_ms: int, *, now: datetime) -> Workflow:
    source = DECLARATION.replace("max_leases = 3", MANY_LEASES)
    source += f"\n[model]\ntime_budget_ms = {budget_ms}\n"
    workflow, _ = declare_workflow(
        source_toml=source.format(slug=slug, name=slug.title()), by=None, now=now
    )
    return workflow


def _key(workflow: Workflow, name: str, *, now: datetime) -> str:
    owner = create_service_account(username=name, now=now)
    for role in (Role.ENGINEER, Role.REVIEWER, Role.SUPERVISOR):
        grant_role(user=owner, scope=workflow.scope, role=role, actor=None, now=now)
    _, plain = create_api_key(
        owner=owner,
        scope=workflow.scope,
        name="faults",
        verbs=KEY_PERMISSIONS,
        actor=None,
        now=now,
    )
    return plain
