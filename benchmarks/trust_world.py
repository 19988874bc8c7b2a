"""A workflow that has earned autonomy for three months, made inside the database.

As `million`: triggers and foreign keys are off while the rows are written; every row
obeys the constraints that the services rely on.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from django.db import connection, transaction

from accounts.models import User
from benchmarks.world import bare_policy, declare_payments
from predictions.enums import Stage
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Segment, TrustMove, TrustPlan
from reviewqueue.queries.trust import suggested_plan
from reviewqueue.services.observations import rebuild_observations
from reviewqueue.services.tallies import recount

DAYS: Final = 90
N_REVIEWERS: Final = 12
N_GOLD: Final = 500
LADDER: Final = [1.0, 0.5, 0.25, 0.1, 0.05]
# The share of the three months after which every segment stood a step lower.
STEPS_AT: Final = (0.1, 0.15, 0.23, 0.33)
BANDS: Final = (
    ("legitimate", 0.0, 0.01),
    ("legitimate", 0.01, 0.05),
    ("legitimate", 0.05, 0.25),
    ("legitimate", 0.25, 0.5),
    ("fraud", 0.5, 0.75),
    ("fraud", 0.75, 0.9),
    ("fraud", 0.9, 1.0),
)
WAITING: Final = 3  # this one may take the last step
TABLES: Final = (
    "predictions_item",
    "predictions_prediction",
    "reviewqueue_route",
    "reviewqueue_case",
    "reviewqueue_caseevent",
    "reviewqueue_decision",
    "reviewqueue_label",
    "reviewqueue_outcome",
    "reviewqueue_golditem",
    "reviewqueue_goldplacement",
    "reviewqueue_tally",
    "reviewqueue_observation",
)

# Who is wrong: four in a thousand, a fifth of what is tolerated.
_BASE = """
CREATE TEMPORARY TABLE base AS
SELECT drawn.*, s.id AS segment, s.label, l.share,
       CASE s.label WHEN 'fraud' THEN 'legitimate' ELSE 'fraud' END AS other,
       draw < l.share AS is_review, at > %(until)s - interval '12 hours' AS is_open
FROM (
    SELECT g, uuidv7(at - clock_timestamp()) AS item, at, p, draw, wrong < 0.004
               AS is_wrong, c < 0.1 AS blind, 1 + (g * 7919) % {reviewers} AS person,
           1 + (p >= 0.01)::int + (p >= 0.05)::int + (p >= 0.25)::int
             + (p >= 0.5)::int + (p >= 0.75)::int + (p >= 0.9)::int AS place,
           %(ladder)s::float8[] AS ladder, 1 + (g > {n} * 0.1)::int
             + (g > {n} * 0.15)::int + (g > {n} * 0.23)::int + (g > {n} * 0.33)::int
             AS step
    FROM (
        SELECT g, %(until)s::timestamptz
                  - (({n} - g)::float8 / {n}) * interval '{days} days' AS at,
               power(random(), 3) AS p, random() AS draw, random() AS wrong,
               random() AS c
        FROM generate_series(1::bigint, {n}) g
    ) numbers
) drawn
JOIN (SELECT id, label, level, row_number() OVER (ORDER BY low) AS number
      FROM reviewqueue_segment WHERE workflow_id = %(workflow)s) s
    ON s.number = drawn.place
CROSS JOIN LATERAL (
    SELECT ladder[LEAST(step, s.level + 1)] AS share
) l
"""
_FILL = (
    """
INSERT INTO predictions_item (id, workflow_id, external_id, subject, features,
    warnings, occurred_at, received_at, content_hash, source, workflow_version)
SELECT item, %(workflow)s, 'tx-' || g, 'c-' || g %% 5000,
    jsonb_build_object('amount', (g * 7919 %% 90000) / 100.0, 'card',
        CASE WHEN g %% 3 = 0 THEN 'CP' ELSE 'CNP' END, 'hour', g %% 24),
    '[]', at - interval '5 minutes', at, '\\x00', 'api', 1
FROM base
""",
    """
INSERT INTO predictions_prediction (id, item_id, model_version_id, label, score,
    probability, confidence, latency_ms, created_at)
SELECT item, item, %(version)s, label, p, p, greatest(p, 1 - p), 0.1 + p,
    at + interval '1 second'
FROM base
""",
    """
INSERT INTO reviewqueue_route (item_id, workflow_id, kind, reason, model_version_id,
    prediction_id, label, score, probability, threshold, policy_id, segment_id,
    review_probability, draw, blind, second_opinion, routed_at)
SELECT item, %(workflow)s, CASE WHEN is_review THEN 'review' ELSE 'auto' END,
    CASE WHEN is_review THEN 'audit' ELSE 'passed' END,
    %(version)s, item, label, p, p, 0.5, %(policy)s, segment, share, draw,
    is_review AND blind, false, at + interval '1 second'
FROM base
""",
    """
INSERT INTO reviewqueue_case (id, workflow_id, item_id, route_id, kind, queue, status,
    round, blind, priority, due_at, created_at, closed_at)
SELECT item, %(workflow)s, item, item, 'review', 'review',
    CASE WHEN is_open THEN 'pending' ELSE 'decided' END, 1, blind, p,
    at + interval '1 day', at + interval '1 second',
    CASE WHEN NOT is_open THEN at + interval '20 minutes' END
FROM base WHERE is_review
""",
    """
INSERT INTO reviewqueue_caseevent (id, case_id, workflow_id, kind, actor_id,
    from_status, to_status, reason, at)
SELECT uuidv7(), item, %(workflow)s, kind,
    CASE WHEN kind <> 'opened' THEN people.id END, from_status, to_status, '',
    base.at + after
FROM base
JOIN (SELECT id, row_number() OVER (ORDER BY username) AS number
      FROM accounts_user WHERE username LIKE %(people)s) people
    ON people.number = base.person
CROSS JOIN (VALUES
    ('opened', '', 'pending', interval '1 second'),
    ('claimed', 'pending', 'leased', interval '19 minutes'),
    ('decided', 'leased', 'decided', interval '20 minutes')
) e(kind, from_status, to_status, after)
WHERE is_review
    AND (kind = 'opened' OR NOT is_open OR (kind = 'claimed' AND g %% 9 = 0))
""",
    """
INSERT INTO reviewqueue_decision (id, workflow_id, case_id, round, item_id, case_kind,
    reviewer_id, verdict, label, reason_code, note, blind, recommended_label,
    probability, model_version_id, claimed_at, opened_at, decided_at)
SELECT item, %(workflow)s, item, 1, item, 'review', people.id,
    CASE WHEN is_wrong THEN 'override' ELSE 'confirm' END,
    CASE WHEN is_wrong THEN other ELSE label END, '', '', blind, label, p, %(version)s,
    at + interval '19 minutes', at + interval '19 minutes 30 seconds',
    at + interval '20 minutes'
FROM base
JOIN (SELECT id, row_number() OVER (ORDER BY username) AS number
      FROM accounts_user WHERE username LIKE %(people)s) people
    ON people.number = base.person
WHERE is_review AND NOT is_open
""",
    """
INSERT INTO reviewqueue_outcome (id, workflow_id, item_id, label, observed_at,
    received_at)
SELECT item, %(workflow)s, item, CASE WHEN is_wrong THEN other ELSE label END,
    at + interval '1 hour', at + interval '2 hours'
FROM base WHERE g %% 20 = 0 AND NOT is_open
""",
    """
INSERT INTO reviewqueue_label (id, workflow_id, item_id, version, label, source,
    decision_id, created_at)
SELECT id, workflow_id, item_id, 1, label, 'decision', id, decided_at
FROM reviewqueue_decision WHERE workflow_id = %(workflow)s
""",
    """
INSERT INTO reviewqueue_label (id, workflow_id, item_id, version, label, source,
    outcome_id, created_at)
SELECT uuidv7(), o.workflow_id, o.item_id, 1 + (l.id IS NOT NULL)::int, o.label,
    'outcome', o.id, o.received_at
FROM reviewqueue_outcome o LEFT JOIN reviewqueue_label l ON l.item_id = o.item_id
WHERE o.workflow_id = %(workflow)s
""",
    """
INSERT INTO reviewqueue_golditem (id, workflow_id, item_id, label, source, note,
    added_by_id, added_at)
SELECT d.item_id, d.workflow_id, d.item_id, d.label, 'settled', '', d.reviewer_id,
    d.decided_at
FROM reviewqueue_decision d WHERE d.workflow_id = %(workflow)s
ORDER BY d.decided_at LIMIT {n_gold}
""",
    """
CREATE TEMPORARY TABLE gold AS
SELECT uuidv7() AS id, g.id AS gold, g.item_id AS item, g.label, u.id AS person,
       g.added_at + random() * interval '80 days' AS at
FROM reviewqueue_golditem g
CROSS JOIN (SELECT id FROM accounts_user WHERE username LIKE %(people)s) u
WHERE g.workflow_id = %(workflow)s
""",
    """
INSERT INTO reviewqueue_case (id, workflow_id, item_id, route_id, kind, queue, status,
    round, blind, priority, due_at, created_at, closed_at)
SELECT id, %(workflow)s, item, item, 'gold', 'review', 'decided', 1, true, 0.5,
    at + interval '1 day', at, at + interval '5 minutes'
FROM gold
""",
    """
INSERT INTO reviewqueue_goldplacement (case_id, gold_id, reviewer_id, placed_at)
SELECT id, gold, person, at FROM gold
""",
    """
INSERT INTO reviewqueue_decision (id, workflow_id, case_id, round, item_id, case_kind,
    reviewer_id, verdict, label, reason_code, note, blind, recommended_label,
    probability, model_version_id, claimed_at, opened_at, decided_at)
SELECT gold.id, %(workflow)s, gold.id, 1, item, 'gold', person,
    CASE WHEN gold.label = r.label THEN 'confirm' ELSE 'override' END, gold.label, '',
    '', true, r.label, r.probability, %(version)s, at + interval '4 minutes',
    at + interval '4 minutes', at + interval '5 minutes'
FROM gold JOIN reviewqueue_route r ON r.item_id = gold.item
""",
    "DROP TABLE gold",
)


def earned(n: int, *, until: datetime, seed: float = 0.5) -> Workflow:
    """Make a workflow with `n` items over 90 days, a fifth of them reviewed.

    Seven segments of one champion go down the ladder together; nothing is left to do
    but the last step of one.
    """
    mark, since = uuid4().hex[:8], until - timedelta(days=DAYS)
    workflow = declare_payments(slug=f"earned-{mark}", features="", now=since)
    version = _champion(workflow, now=since)
    people = User.objects.bulk_create(
        User(username=f"earned-{mark}-{number:02}") for number in range(N_REVIEWERS)
    )
    segments = _segments(version, since=since, until=until)
    _moves(segments, _plan(workflow, now=since), by=people[0], since=since)
    parameters = {
        "until": until,
        "workflow": workflow.pk,
        "version": version.pk,
        "policy": bare_policy(workflow, mode="earned", audit_share=0.05, now=since).pk,
        "people": f"earned-{mark}-%",
        "ladder": LADDER,
    }
    base = _BASE.format(n=n, reviewers=N_REVIEWERS, days=DAYS).replace("% ", "%% ")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("SELECT setseed(%s)", [seed])
        for statement in (base, *_FILL):
            cursor.execute(statement.replace("{n_gold}", str(N_GOLD)), parameters)
        cursor.execute("DROP TABLE base")
    recount()
    rebuild_observations()
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"VACUUM ANALYZE {table}")
    return workflow


def _champion(workflow: Workflow, *, now: datetime) -> ModelVersion:
    return ModelVersion.objects.create(
        workflow=workflow,
        number=1,
        stage=Stage.CHAMPION,
        artifact="none.skops",  # nothing asks it
        sha256="0" * 64,
        columns=[
            {"name": "amount", "kind": "number", "values": []},
            {"name": "card", "kind": "category", "values": ["CP", "CNP"]},
            {"name": "hour", "kind": "number", "values": []},
        ],
        label_keys=["legitimate", "fraud"],
        threshold=0.5,
        created_at=now,
        stage_changed_at=now,
    )


def _plan(workflow: Workflow, *, now: datetime) -> TrustPlan:
    plan = suggested_plan(workflow)
    plan.version, plan.evidence, plan.ladder = 1, "all", LADDER
    plan.tolerated = {"legitimate": 0.02, "fraud": 0.02}
    plan.reason, plan.created_at = "benchmark", now
    plan.save(force_insert=True)
    return plan


def _segments(
    version: ModelVersion, *, since: datetime, until: datetime
) -> Sequence[Segment]:
    return Segment.objects.bulk_create(
        Segment(
            workflow_id=version.workflow_id,
            model_version=version,
            slicing=1,
            label=label,
            low=low,
            high=high,
            n_sharing=len(BANDS),
            share=1 / len(BANDS),
            level=(level := len(LADDER) - 1 - (number == WAITING)),
            review_probability=LADDER[level],
            evidence_since=since,
            moved_at=_step_at(level, since=since),
            created_at=since,
        )
        for number, (label, low, high) in enumerate(BANDS)
    )


def _step_at(level: int, *, since: datetime) -> datetime:
    return since + STEPS_AT[level - 1] * timedelta(days=DAYS)


def _moves(
    segments: Sequence[Segment], plan: TrustPlan, *, by: User, since: datetime
) -> None:
    TrustMove.objects.bulk_create(
        TrustMove(
            workflow_id=one.workflow_id,
            segment=one,
            plan=plan,
            kind="grant",
            cause="evidence",
            from_level=level - 1,
            to_level=level,
            from_probability=LADDER[level - 1],
            to_probability=LADDER[level],
            evidence={"reviews": 900, "errors": 4, "bound": 0.018, "tolerated": 0.02},
            by=by,
            reason="benchmark",
            at=_step_at(level, since=since),
        )
        for one in segments
        for level in range(1, one.level + 1)
    )
