"""Rows as if a workflow had run for three months, made inside the database.

Triggers and foreign keys are off while the rows are written; every row obeys the
constraints that the services rely on. Deterministic for one `n` and `seed`.
"""

from datetime import datetime, timedelta
from uuid import uuid4

from django.db import connection, transaction

from accounts.models import User
from benchmarks.world import bare_policy, declare_payments
from predictions.enums import Stage
from predictions.models import ModelVersion, Workflow
from reviewqueue.services.tallies import recount

DAYS = 90
N_REVIEWERS = 12
N_VERSIONS = 3
TABLES = (
    "predictions_item",
    "predictions_prediction",
    "reviewqueue_route",
    "reviewqueue_case",
    "reviewqueue_decision",
    "reviewqueue_label",
    "reviewqueue_retraction",
    "reviewqueue_outcome",
    "reviewqueue_tally",
)

REASON_CODES = """
  { key = "known_device", name = "Known device" },
  { key = "called_customer", name = "Called the customer" },
"""

_BASE = """
CREATE TEMPORARY TABLE base AS
SELECT g, uuidv7(at - clock_timestamp()) AS item, at, g > 0.95 * {n} AS is_open,
       p, p >= 0.5 AS is_alarm, (1 + g * {versions} / ({n} + 1))::int AS version,
       1 + (g * 7919) % {reviewers} AS person, c < 0.1 AS blind,
       CASE WHEN d < 0.03 THEN 'unsure'
            WHEN d < 0.03 + CASE WHEN p >= 0.5 THEN 0.25 ELSE 0.04 END THEN 'override'
            ELSE 'confirm' END AS verdict,
       CASE WHEN d < 0.3 THEN ''
            WHEN d < 0.6 THEN 'known_device' ELSE 'called_customer' END AS reason
FROM (
    SELECT g, %(until)s::timestamptz
              - (({n} - g)::float8 / {n}) * interval '{days} days' AS at,
           power(random(), 3) AS p, random() AS c, random() AS d
    FROM generate_series(1::bigint, {n}) g
) drawn
"""
_FILL = (
    """
INSERT INTO predictions_item (id, workflow_id, external_id, subject, features,
    warnings, occurred_at, received_at, content_hash, source, workflow_version)
SELECT item, %(workflow)s, 'tx-' || g, 'c-' || g %% 5000,
    jsonb_build_object('amount', (g %% 90000) / 100.0, 'card',
        CASE WHEN g %% 3 = 0 THEN 'CP' ELSE 'CNP' END, 'hour', g %% 24,
        'night', g %% 24 < 6),
    '[]', at - interval '5 minutes', at, '\\x00', 'api', 1
FROM base
""",
    """
INSERT INTO predictions_prediction (id, item_id, model_version_id, label, score,
    probability, confidence, latency_ms, created_at)
SELECT item, item, m.id, CASE WHEN is_alarm THEN 'fraud' ELSE 'legitimate' END, p, p,
    greatest(p, 1 - p), 0.1 + p, at + interval '1 second'
FROM base JOIN predictions_modelversion m
    ON m.workflow_id = %(workflow)s AND m.number = base.version
""",
    """
INSERT INTO reviewqueue_route (item_id, workflow_id, kind, reason, model_version_id,
    prediction_id, label, score, probability, threshold, policy_id,
    review_probability, draw, blind, second_opinion, routed_at)
SELECT item, %(workflow)s, 'review', 'policy', p.model_version_id, p.id, p.label,
    p.score, p.probability, 0.5, %(policy)s, 1, 0.5, blind, false,
    at + interval '1 second'
FROM base JOIN predictions_prediction p ON p.item_id = base.item
""",
    """
INSERT INTO reviewqueue_case (id, workflow_id, item_id, route_id, kind, queue, status,
    round, blind, priority, due_at, created_at, closed_at)
SELECT item, %(workflow)s, item, item, 'review', 'review',
    CASE WHEN is_open THEN 'pending' ELSE 'decided' END, 1, blind, p,
    at + interval '1 day', at + interval '1 second',
    CASE WHEN NOT is_open THEN at + interval '20 minutes' END
FROM base
""",
    """
INSERT INTO reviewqueue_decision (id, workflow_id, case_id, round, item_id, case_kind,
    reviewer_id, verdict, label, reason_code, note, blind, recommended_label,
    probability, model_version_id, claimed_at, opened_at, decided_at)
SELECT item, %(workflow)s, item, 1, item, 'review', people.id, verdict,
    CASE verdict WHEN 'unsure' THEN '' WHEN 'confirm' THEN r.label
         ELSE CASE r.label WHEN 'fraud' THEN 'legitimate' ELSE 'fraud' END END,
    base.reason, '', base.blind, r.label, r.probability, r.model_version_id,
    at + interval '19 minutes', at + interval '19 minutes 30 seconds',
    at + interval '20 minutes'
FROM base JOIN reviewqueue_route r ON r.item_id = base.item
JOIN (SELECT id, row_number() OVER (ORDER BY username) AS number
      FROM accounts_user WHERE username LIKE %(people)s) people
    ON people.number = base.person
WHERE NOT base.is_open
""",
    """
INSERT INTO reviewqueue_outcome (id, workflow_id, item_id, label, observed_at,
    received_at)
SELECT item, %(workflow)s, item,
    CASE WHEN g %% 7 = 0 THEN 'fraud' ELSE 'legitimate' END, at + interval '1 hour',
    at + interval '2 hours'
FROM base WHERE g %% 10 = 0 AND NOT is_open
""",
    """
INSERT INTO reviewqueue_label (id, workflow_id, item_id, version, label, source,
    decision_id, created_at)
SELECT id, workflow_id, item_id, 1, label, 'decision', id, decided_at
FROM reviewqueue_decision
WHERE workflow_id = %(workflow)s AND verdict <> 'unsure'
""",
    """
INSERT INTO reviewqueue_label (id, workflow_id, item_id, version, label, source,
    outcome_id, created_at)
SELECT uuidv7(), workflow_id, item_id, 2, label, 'outcome', id, received_at
FROM reviewqueue_outcome WHERE workflow_id = %(workflow)s
""",
    """
INSERT INTO reviewqueue_retraction (decision_id, kind, by_id, reason, at)
SELECT id, 'undo', reviewer_id, '', decided_at + interval '5 seconds'
FROM reviewqueue_decision
WHERE workflow_id = %(workflow)s AND abs(hashtext(id::text)) %% 100 = 0
""",
)


def three_months(n: int, *, until: datetime, seed: float = 0.5) -> Workflow:
    """Make a workflow with `n` items, evenly over the 90 days to `until`.

    The newest 5 % wait for people; late truth came for a tenth of the others.
    """
    mark = uuid4().hex[:8]
    workflow = declare_payments(
        slug=f"months-{mark}",
        features='{ name = "night", type = "boolean" },',
        reason_codes=REASON_CODES,
        now=until - timedelta(days=DAYS),
    )
    begun = until - timedelta(days=DAYS)
    policy = bare_policy(workflow, mode="all", audit_share=0.1, now=begun)
    _versions(workflow, now=until - timedelta(days=DAYS))
    User.objects.bulk_create(
        User(username=f"months-{mark}-{number:02}") for number in range(N_REVIEWERS)
    )
    base = _BASE.format(
        n=n, versions=N_VERSIONS, reviewers=N_REVIEWERS, days=DAYS
    ).replace("% ", "%% ")
    parameters = {
        "until": until,
        "workflow": workflow.pk,
        "policy": policy.pk,
        "people": f"months-{mark}-%",
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("SELECT setseed(%s)", [seed])
        for statement in (base, *_FILL):
            cursor.execute(statement, parameters)
        cursor.execute("DROP TABLE base")
    recount()
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"VACUUM ANALYZE {table}")
    return workflow


def _versions(workflow: Workflow, *, now: datetime) -> None:
    for number in range(1, N_VERSIONS + 1):
        ModelVersion.objects.create(
            workflow=workflow,
            number=number,
            stage=Stage.CHAMPION if number == N_VERSIONS else Stage.RETIRED,
            artifact="none.skops",  # nothing asks it
            sha256="0" * 64,
            columns=[],
            label_keys=["legitimate", "fraud"],
            threshold=0.5,
            created_at=now,
            stage_changed_at=now,
        )
