"""What was said blind counts, also when it was undone or amended after the reveal."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

# Back again only the triggers go: which of two readings held cannot be told any more.
_CORRECT = """
UPDATE reviewqueue_observation o SET is_error = true
FROM reviewqueue_route r
WHERE r.item_id = o.item_id AND o.is_blind AND NOT o.is_error
  AND EXISTS (
      SELECT FROM reviewqueue_label v
      WHERE v.item_id = o.item_id AND v.version = o.label_version
        AND v.source = 'decision'
  )
  AND EXISTS (
      SELECT FROM reviewqueue_decision b
      WHERE b.case_id = o.case_id AND b.blind AND b.label <> '' AND b.label <> r.label
  );
"""


class Migration(migrations.Migration):

    dependencies = [
        ('reviewqueue', '0010_move_causes'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='case',
            name='observe',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='label',
            name='observe',
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='case',
            trigger=pgtrigger.compiler.Trigger(name='observe', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nINSERT INTO reviewqueue_observation\n    (case_id, item_id, segment_id, routed_at, due_at, draw, is_blind, claimed_at,\n     labelled_at, label_version, is_error, reviewer_id)\nSELECT c.id, c.item_id, r.segment_id, r.routed_at, c.due_at, r.draw, r.blind,\n       (SELECT min(e.at) FROM reviewqueue_caseevent e\n        WHERE e.case_id = c.id AND e.kind = 'claimed'),\n       n.created_at, COALESCE(n.version, 0), n.is_error, n.reviewer_id\nFROM made c\nJOIN reviewqueue_route r ON r.item_id = c.item_id\n    AND r.kind = 'review' AND r.segment_id IS NOT NULL\nLEFT JOIN LATERAL (\nSELECT v.item_id, v.version, v.created_at,\n       NULLIF(v.label, '') <> r.label OR (\n           v.label <> '' AND v.source = 'decision' AND r.blind AND EXISTS (\n               SELECT FROM reviewqueue_decision b\n               JOIN reviewqueue_case k ON k.id = b.case_id AND k.kind = 'review'\n               WHERE k.item_id = v.item_id AND b.blind\n                 AND b.label <> '' AND b.label <> r.label\n           )\n       ) AS is_error,\n       d.reviewer_id\nFROM (\n        SELECT * FROM reviewqueue_label l WHERE l.item_id = c.item_id\n        ORDER BY l.version DESC LIMIT 1\n    ) v\nJOIN reviewqueue_route r ON r.item_id = v.item_id\nLEFT JOIN reviewqueue_decision d ON d.id = v.decision_id\n) n ON true\nWHERE c.kind = 'review';\nRETURN NULL;", hash='aaf5ac85dd581135fbb69d355267b0b7e4f9a23e', level='STATEMENT', operation='INSERT', pgid='pgtrigger_observe_fc07e', referencing='REFERENCING NEW TABLE AS made ', table='reviewqueue_case', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='label',
            trigger=pgtrigger.compiler.Trigger(name='observe', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nUPDATE reviewqueue_observation o\nSET label_version = n.version, labelled_at = n.created_at, is_error = n.is_error,\n    reviewer_id = n.reviewer_id\nFROM (\n    SELECT DISTINCT ON (item_id) * FROM (\nSELECT v.item_id, v.version, v.created_at,\n       NULLIF(v.label, '') <> r.label OR (\n           v.label <> '' AND v.source = 'decision' AND r.blind AND EXISTS (\n               SELECT FROM reviewqueue_decision b\n               JOIN reviewqueue_case k ON k.id = b.case_id AND k.kind = 'review'\n               WHERE k.item_id = v.item_id AND b.blind\n                 AND b.label <> '' AND b.label <> r.label\n           )\n       ) AS is_error,\n       d.reviewer_id\nFROM made v\nJOIN reviewqueue_route r ON r.item_id = v.item_id\nLEFT JOIN reviewqueue_decision d ON d.id = v.decision_id\n) of_all\n    ORDER BY item_id, version DESC\n) n\nWHERE o.item_id = n.item_id AND o.label_version < n.version;\nRETURN NULL;\n", hash='e2b2d85b8852c4037a2ca54412e3e193b38d7f86', level='STATEMENT', operation='INSERT', pgid='pgtrigger_observe_297e0', referencing='REFERENCING NEW TABLE AS made ', table='reviewqueue_label', when='AFTER')),
        ),
        migrations.RunSQL(_CORRECT, migrations.RunSQL.noop),
    ]
