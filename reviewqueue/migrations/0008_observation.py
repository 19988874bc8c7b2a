"""Keep what evidence is read from beside the segment, in the order begun."""

import django.db.models.deletion
import django.db.models.functions.comparison
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

# Triggers hold writers off until the commit: none comes between them and this.
_FILL = """
INSERT INTO reviewqueue_observation
    (case_id, item_id, segment_id, routed_at, due_at, draw, is_blind, claimed_at,
     labelled_at, label_version, is_error, reviewer_id)
SELECT c.id, c.item_id, r.segment_id, r.routed_at, c.due_at, r.draw, r.blind,
       (SELECT min(e.at) FROM reviewqueue_caseevent e
        WHERE e.case_id = c.id AND e.kind = 'claimed'),
       n.created_at, COALESCE(n.version, 0), n.is_error, n.reviewer_id
FROM reviewqueue_case c
JOIN reviewqueue_route r ON r.item_id = c.item_id
    AND r.kind = 'review' AND r.segment_id IS NOT NULL
LEFT JOIN LATERAL (
SELECT v.item_id, v.version, v.created_at, NULLIF(v.label, '') <> r.label AS is_error,
       d.reviewer_id
FROM (
        SELECT * FROM reviewqueue_label l WHERE l.item_id = c.item_id
        ORDER BY l.version DESC LIMIT 1
    ) v
JOIN reviewqueue_route r ON r.item_id = v.item_id
LEFT JOIN reviewqueue_decision d ON d.id = v.decision_id
) n ON true
WHERE c.kind = 'review';
"""


class Migration(migrations.Migration):

    dependencies = [
        ('predictions', '0001_initial'),
        ('reviewqueue', '0007_gold_retired_by'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Observation',
            fields=[
                ('case', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='observation', serialize=False, to='reviewqueue.case')),
                ('item', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='predictions.item')),
                ('segment', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='observations', to='reviewqueue.segment')),
                ('routed_at', models.DateTimeField()),
                ('due_at', models.DateTimeField()),
                ('draw', models.FloatField()),
                ('is_blind', models.BooleanField()),
                ('claimed_at', models.DateTimeField(null=True)),
                ('labelled_at', models.DateTimeField(null=True)),
                ('label_version', models.PositiveIntegerField(default=0)),
                ('is_error', models.BooleanField(null=True)),
                ('reviewer', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('begun_at', models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Coalesce(models.F('claimed_at'), models.F('labelled_at')), output_field=models.DateTimeField(null=True))),
            ],
        ),
        migrations.RemoveIndex(
            model_name='route',
            name='reviewqueue_route_of_segment',
        ),
        migrations.AddIndex(
            model_name='route',
            index=models.Index(condition=models.Q(('segment__isnull', False)), fields=['segment', 'routed_at'], include=('kind', 'draw'), name='reviewqueue_route_of_segment'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='case',
            trigger=pgtrigger.compiler.Trigger(name='observe', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nINSERT INTO reviewqueue_observation\n    (case_id, item_id, segment_id, routed_at, due_at, draw, is_blind, claimed_at,\n     labelled_at, label_version, is_error, reviewer_id)\nSELECT c.id, c.item_id, r.segment_id, r.routed_at, c.due_at, r.draw, r.blind,\n       (SELECT min(e.at) FROM reviewqueue_caseevent e\n        WHERE e.case_id = c.id AND e.kind = 'claimed'),\n       n.created_at, COALESCE(n.version, 0), n.is_error, n.reviewer_id\nFROM made c\nJOIN reviewqueue_route r ON r.item_id = c.item_id\n    AND r.kind = 'review' AND r.segment_id IS NOT NULL\nLEFT JOIN LATERAL (\nSELECT v.item_id, v.version, v.created_at, NULLIF(v.label, '') <> r.label AS is_error,\n       d.reviewer_id\nFROM (\n        SELECT * FROM reviewqueue_label l WHERE l.item_id = c.item_id\n        ORDER BY l.version DESC LIMIT 1\n    ) v\nJOIN reviewqueue_route r ON r.item_id = v.item_id\nLEFT JOIN reviewqueue_decision d ON d.id = v.decision_id\n) n ON true\nWHERE c.kind = 'review';\nRETURN NULL;", hash='a70db0fe9bff3500a72fb410e2aafc616fa00fec', level='STATEMENT', operation='INSERT', pgid='pgtrigger_observe_fc07e', referencing='REFERENCING NEW TABLE AS made ', table='reviewqueue_case', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='caseevent',
            trigger=pgtrigger.compiler.Trigger(name='observe', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (NEW."kind" = \'claimed\')', func='\nUPDATE reviewqueue_observation SET claimed_at = NEW.at\nWHERE case_id = NEW.case_id AND (claimed_at IS NULL OR claimed_at > NEW.at);\nRETURN NULL;\n', hash='6e453b49455bf7c7ebba55122fa9dd449d6edc34', operation='INSERT', pgid='pgtrigger_observe_98300', table='reviewqueue_caseevent', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='label',
            trigger=pgtrigger.compiler.Trigger(name='observe', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nUPDATE reviewqueue_observation o\nSET label_version = n.version, labelled_at = n.created_at, is_error = n.is_error,\n    reviewer_id = n.reviewer_id\nFROM (\n    SELECT DISTINCT ON (item_id) * FROM (\nSELECT v.item_id, v.version, v.created_at, NULLIF(v.label, '') <> r.label AS is_error,\n       d.reviewer_id\nFROM made v\nJOIN reviewqueue_route r ON r.item_id = v.item_id\nLEFT JOIN reviewqueue_decision d ON d.id = v.decision_id\n) of_all\n    ORDER BY item_id, version DESC\n) n\nWHERE o.item_id = n.item_id AND o.label_version < n.version;\nRETURN NULL;\n", hash='8b1cabc11705b290bd93a089246ce177bc5a6408', level='STATEMENT', operation='INSERT', pgid='pgtrigger_observe_297e0', referencing='REFERENCING NEW TABLE AS made ', table='reviewqueue_label', when='AFTER')),
        ),
        migrations.RunSQL(sql=_FILL, reverse_sql=migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name='observation',
            index=models.Index(fields=['segment', 'begun_at', 'item'], include=('routed_at', 'due_at', 'is_blind', 'is_error', 'reviewer'), name='reviewqueue_observed_in_order'),
        ),
    ]
