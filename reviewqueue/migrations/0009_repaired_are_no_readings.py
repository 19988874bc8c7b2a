"""Decisions on items that a person put back are no readings."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

# What was counted of them before is taken off; no writer comes in between.
_LOCK = """
LOCK TABLE reviewqueue_decision, reviewqueue_retraction
IN SHARE ROW EXCLUSIVE MODE
"""
_COUNT = """
INSERT INTO reviewqueue_tally
    (workflow_id, day, label, model, figure, key, slot, n, is_loose)
SELECT d.workflow_id, (d.decided_at AT TIME ZONE 'UTC')::date,
       CASE WHEN g.by_label THEN d.recommended_label ELSE '' END,
       CASE WHEN g.by_model THEN d.model_version_id::text ELSE '' END,
       f.figure, f.key,
       CASE WHEN d.blind THEN 'blind.' ELSE 'shown.' END || d.verdict,
       {sign} count(*), true
FROM reviewqueue_decision d
JOIN reviewqueue_route r ON r.item_id = d.item_id AND r.kind = 'auto'
CROSS JOIN (VALUES (false, false), (true, false), (false, true), (true, true))
    g(by_label, by_model)
CROSS JOIN LATERAL (VALUES
    ('total', ''),
    ('label', CASE WHEN NOT g.by_label THEN d.recommended_label END),
    ('model', CASE WHEN NOT g.by_model THEN d.model_version_id::text END),
    ('band', COALESCE(width_bucket(d.probability,
        ARRAY[0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9]::float8[]), -1)::text),
    ('reviewer', d.reviewer_id::text),
    ('reason', d.reason_code)
) f(figure, key)
WHERE d.recommended_label <> '' AND d.model_version_id IS NOT NULL
  AND d.case_kind IN ('review', 'second') AND f.key IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM reviewqueue_retraction t WHERE t.decision_id = d.id)
GROUP BY 1, 2, 3, 4, 5, 6, 7
"""


class Migration(migrations.Migration):

    dependencies = [
        ('reviewqueue', '0008_observation'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='decision',
            name='count',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='retraction',
            name='count',
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='decision',
            trigger=pgtrigger.compiler.Trigger(name='count', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nINSERT INTO reviewqueue_tally\n    (workflow_id, day, label, model, figure, key, slot, n, is_loose)\nSELECT workflow_id, day, label, model, figure, key, slot, sum(n), true\nFROM (\nSELECT d.workflow_id, (d.decided_at AT TIME ZONE 'UTC')::date AS day,\n       CASE WHEN g.by_label THEN d.recommended_label ELSE '' END AS label,\n       CASE WHEN g.by_model THEN COALESCE(d.model_version_id::text, '') ELSE '' END\n           AS model,\n       f.figure, f.key, COALESCE(f.slot, d.way || '.' || d.verdict) AS slot, d.sign AS n\nFROM (\n    SELECT given.*,\n           CASE WHEN given.recommended_label = '' THEN 'alone'\n                WHEN given.blind THEN 'blind' ELSE 'shown' END AS way,\n           -- what had passed was chosen by a person, not drawn: work, but no reading\n           given.recommended_label <> '' AND given.model_version_id IS NOT NULL\n               AND given.case_kind NOT IN ('adjudication', 'gold')\n               AND r.kind = 'review' AS is_reading,\n           -- an amendment has the time and the speed of what it replaces\n           NOT given.is_amending AND given.case_kind NOT IN ('adjudication', 'gold')\n               AS is_timed\n    FROM (SELECT *, 1 AS sign, supersedes_id IS NOT NULL AS is_amending FROM made) given JOIN reviewqueue_route r ON r.item_id = given.item_id\n) d\nJOIN reviewqueue_case c ON c.id = d.case_id\nJOIN (VALUES (false, false), (true, false), (false, true), (true, true))\n    g(by_label, by_model) ON d.is_reading OR NOT (g.by_label OR g.by_model)\nCROSS JOIN LATERAL (VALUES\n    ('total', CASE WHEN d.is_reading THEN '' END, NULL),\n    ('label', CASE WHEN d.is_reading AND NOT g.by_label THEN d.recommended_label END,\n     NULL),\n    ('model', CASE WHEN d.is_reading AND NOT g.by_model\n                   THEN d.model_version_id::text END, NULL),\n    ('band', CASE WHEN d.is_reading THEN\n        COALESCE(width_bucket(d.probability, ARRAY[0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9]::float8[]), -1)::text END,\n     NULL),\n    ('reviewer', CASE WHEN d.is_reading THEN d.reviewer_id::text END, NULL),\n    ('reason', CASE WHEN d.is_reading THEN d.reason_code END, NULL),\n    ('kind', CASE WHEN NOT (g.by_label OR g.by_model) AND d.case_kind <> 'gold'\n                  THEN d.case_kind END, NULL),\n    ('sla', CASE WHEN d.is_timed AND NOT (g.by_label OR g.by_model) THEN '' END,\n     CASE WHEN d.decided_at <= c.due_at THEN 'kept' ELSE 'late' END)\n) f(figure, key, slot)\nWHERE f.key IS NOT NULL\n) facts\nGROUP BY workflow_id, day, label, model, figure, key, slot\nHAVING sum(n) <> 0;\nRETURN NULL;", hash='4ff9cbdc0ca416060e7a1cbd161b78f9d0c7d143', level='STATEMENT', operation='INSERT', pgid='pgtrigger_count_b6696', referencing='REFERENCING NEW TABLE AS made ', table='reviewqueue_decision', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='retraction',
            trigger=pgtrigger.compiler.Trigger(name='count', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nINSERT INTO reviewqueue_tally\n    (workflow_id, day, label, model, figure, key, slot, n, is_loose)\nSELECT workflow_id, day, label, model, figure, key, slot, sum(n), true\nFROM (\nSELECT d.workflow_id, (d.decided_at AT TIME ZONE 'UTC')::date AS day,\n       CASE WHEN g.by_label THEN d.recommended_label ELSE '' END AS label,\n       CASE WHEN g.by_model THEN COALESCE(d.model_version_id::text, '') ELSE '' END\n           AS model,\n       f.figure, f.key, COALESCE(f.slot, d.way || '.' || d.verdict) AS slot, d.sign AS n\nFROM (\n    SELECT given.*,\n           CASE WHEN given.recommended_label = '' THEN 'alone'\n                WHEN given.blind THEN 'blind' ELSE 'shown' END AS way,\n           -- what had passed was chosen by a person, not drawn: work, but no reading\n           given.recommended_label <> '' AND given.model_version_id IS NOT NULL\n               AND given.case_kind NOT IN ('adjudication', 'gold')\n               AND r.kind = 'review' AS is_reading,\n           -- an amendment has the time and the speed of what it replaces\n           NOT given.is_amending AND given.case_kind NOT IN ('adjudication', 'gold')\n               AS is_timed\n    FROM (\n        SELECT d.*, -1 AS sign, r.kind = 'amend' OR d.supersedes_id IS NOT NULL\n            AS is_amending\n        FROM made r JOIN reviewqueue_decision d ON d.id = r.decision_id\n    ) given JOIN reviewqueue_route r ON r.item_id = given.item_id\n) d\nJOIN reviewqueue_case c ON c.id = d.case_id\nJOIN (VALUES (false, false), (true, false), (false, true), (true, true))\n    g(by_label, by_model) ON d.is_reading OR NOT (g.by_label OR g.by_model)\nCROSS JOIN LATERAL (VALUES\n    ('total', CASE WHEN d.is_reading THEN '' END, NULL),\n    ('label', CASE WHEN d.is_reading AND NOT g.by_label THEN d.recommended_label END,\n     NULL),\n    ('model', CASE WHEN d.is_reading AND NOT g.by_model\n                   THEN d.model_version_id::text END, NULL),\n    ('band', CASE WHEN d.is_reading THEN\n        COALESCE(width_bucket(d.probability, ARRAY[0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9]::float8[]), -1)::text END,\n     NULL),\n    ('reviewer', CASE WHEN d.is_reading THEN d.reviewer_id::text END, NULL),\n    ('reason', CASE WHEN d.is_reading THEN d.reason_code END, NULL),\n    ('kind', CASE WHEN NOT (g.by_label OR g.by_model) AND d.case_kind <> 'gold'\n                  THEN d.case_kind END, NULL),\n    ('sla', CASE WHEN d.is_timed AND NOT (g.by_label OR g.by_model) THEN '' END,\n     CASE WHEN d.decided_at <= c.due_at THEN 'kept' ELSE 'late' END)\n) f(figure, key, slot)\nWHERE f.key IS NOT NULL\n\nUNION ALL\nSELECT d.workflow_id, (r.at AT TIME ZONE 'UTC')::date, '', '', 'retracted', '',\n       r.kind, 1\nFROM made r JOIN reviewqueue_decision d ON d.id = r.decision_id\nWHERE d.case_kind <> 'gold'\n) facts\nGROUP BY workflow_id, day, label, model, figure, key, slot\nHAVING sum(n) <> 0;\nRETURN NULL;", hash='cfc16aa1913dcc45cd3c4a13a728804f4cf6ff56', level='STATEMENT', operation='INSERT', pgid='pgtrigger_count_8c0ce', referencing='REFERENCING NEW TABLE AS made ', table='reviewqueue_retraction', when='AFTER')),
        ),
        migrations.RunSQL(
            sql=[_LOCK, _COUNT.format(sign='-')],
            reverse_sql=[_LOCK, _COUNT.format(sign='+')],
        ),
    ]
