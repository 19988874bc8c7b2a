"""Make a workflow with a model, a sender and reviewers; print their keys as JSON.

Run as a script against the servers that the environment names.
"""

import json
import os
import sys

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    sys.stdout.write(json.dumps(_prepared()) + "\n")


def _prepared() -> dict[str, object]:
    # Imported once Django is ready.
    from django.utils import timezone  # noqa: PLC0415 -- see above

    from accounts.enums import Role  # noqa: PLC0415 -- see above
    from accounts.permissions import KEY_PERMISSIONS  # noqa: PLC0415 -- see above
    from accounts.services import (  # noqa: PLC0415 -- see above
        create_api_key,
        create_service_account,
        grant_role,
    )
    from tests.factories.predictions import (  # noqa: PLC0415 -- see above
        make_champion,
        make_workflow,
    )

    now = timezone.now()
    workflow = make_workflow(now=now)
    make_champion(workflow, now=now)
    keys = []
    for number in range(4):
        owner = create_service_account(username=f"service-{number}", now=now)
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
        keys.append(plain)
    return {"workflow": workflow.slug, "keys": keys}


if __name__ == "__main__":
    main()
