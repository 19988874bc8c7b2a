"""Gold answers that were undone or amended are in no count."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

# What was counted of them before is taken off; no writer comes in between.
_LOCK = "LOCK TABLE reviewqueue_retraction IN SHARE ROW EXCLUSIVE MODE"
_COUNT = """
INSERT INTO reviewqueue_tally
    (workflow_id, day, label, model, figure, key, slot, n, is_loose)
SELECT d.workflow_id, (r.at AT TIME ZONE 'UTC')::date, '', '', 'retracted', '',
       r.kind, {sign} count(*), true
FROM reviewqueue_retraction r JOIN reviewqueue_decision d ON d.id = r.decision_id
WHERE d.case_kind = 'gold'
GROUP BY 1, 2, 7
"""


class Migration(migrations.Migration):

    dependencies = [
        ('reviewqueue', '0005_shadow_evidence'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='retraction',
            name='count',
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='retraction',
            trigger=pgtrigger.compiler.Trigger(name='count', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nINSERT INTO reviewqueue_tally\n    (workflow_id, day, label, model, figure, key, slot, n, is_loose)\nSELECT workflow_id, day, label, model, figure, key, slot, sum(n), true\nFROM (\nSELECT d.workflow_id, (d.decided_at AT TIME ZONE 'UTC')::date AS day,\n       CASE WHEN g.by_label THEN d.recommended_label ELSE '' END AS label,\n       CASE WHEN g.by_model THEN COALESCE(d.model_version_id::text, '') ELSE '' END\n           AS model,\n       f.figure, f.key, COALESCE(f.slot, d.way || '.' || d.verdict) AS slot, d.sign AS n\nFROM (\n    SELECT *,\n           CASE WHEN recommended_label = '' THEN 'alone'\n                WHEN blind THEN 'blind' ELSE 'shown' END AS way,\n           recommended_label <> '' AND model_version_id IS NOT NULL\n               AND case_kind NOT IN ('adjudication', 'gold') AS is_reading,\n           -- an amendment has the time and the speed of what it replaces\n           NOT is_amending AND case_kind NOT IN ('adjudication', 'gold') AS is_timed\n    FROM (\n        SELECT d.*, -1 AS sign, r.kind = 'amend' OR d.supersedes_id IS NOT NULL\n            AS is_amending\n        FROM made r JOIN reviewqueue_decision d ON d.id = r.decision_id\n    ) given\n) d\nJOIN reviewqueue_case c ON c.id = d.case_id\nJOIN (VALUES (false, false), (true, false), (false, true), (true, true))\n    g(by_label, by_model) ON d.is_reading OR NOT (g.by_label OR g.by_model)\nCROSS JOIN LATERAL (VALUES\n    ('total', CASE WHEN d.is_reading THEN '' END, NULL),\n    ('label', CASE WHEN d.is_reading AND NOT g.by_label THEN d.recommended_label END,\n     NULL),\n    ('model', CASE WHEN d.is_reading AND NOT g.by_model\n                   THEN d.model_version_id::text END, NULL),\n    ('band', CASE WHEN d.is_reading THEN\n        COALESCE(width_bucket(d.probability, ARRAY[0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9]::float8[]), -1)::text END,\n     NULL),\n    ('reviewer', CASE WHEN d.is_reading THEN d.reviewer_id::text END, NULL),\n    ('reason', CASE WHEN d.is_reading THEN d.reason_code END, NULL),\n    ('kind', CASE WHEN NOT (g.by_label OR g.by_model) AND d.case_kind <> 'gold'\n                  THEN d.case_kind END, NULL),\n    ('sla', CASE WHEN d.is_timed AND NOT (g.by_label OR g.by_model) THEN '' END,\n     CASE WHEN d.decided_at <= c.due_at THEN 'kept' ELSE 'late' END)\n) f(figure, key, slot)\nWHERE f.key IS NOT NULL\n\nUNION ALL\nSELECT d.workflow_id, (r.at AT TIME ZONE 'UTC')::date, '', '', 'retracted', '',\n       r.kind, 1\nFROM made r JOIN reviewqueue_decision d ON d.id = r.decision_id\nWHERE d.case_kind <> 'gold'\n) facts\nGROUP BY workflow_id, day, label, model, figure, key, slot\nHAVING sum(n) <> 0;\nRETURN NULL;", hash='03b29d34b6b68d1e227f1c5b8427b7b7a6afbf8e', level='STATEMENT', operation='INSERT', pgid='pgtrigger_count_8c0ce', referencing='REFERENCING NEW TABLE AS made ', table='reviewqueue_retraction', when='AFTER')),
        ),
        migrations.RunSQL(
            sql=[_LOCK, _COUNT.format(sign='-')],
            reverse_sql=[_LOCK, _COUNT.format(sign='+')],
        ),
    ]
