import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.comparison
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_sites'),
        ('predictions', '0010_speech'),
        ('reviewqueue', '0018_unsure_field'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='FieldObservation',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('routed_at', models.DateTimeField()),
                ('due_at', models.DateTimeField()),
                ('draw', models.FloatField()),
                ('is_blind', models.BooleanField()),
                ('claimed_at', models.DateTimeField(null=True)),
                ('labelled_at', models.DateTimeField(null=True)),
                ('label_version', models.PositiveIntegerField(default=0)),
                ('is_error', models.BooleanField(null=True)),
                ('begun_at', models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Coalesce(models.F('claimed_at'), models.F('labelled_at')), output_field=models.DateTimeField(null=True))),
            ],
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='case',
            name='observe',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='caseevent',
            name='observe',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='label',
            name='observe',
        ),
        migrations.RemoveConstraint(
            model_name='segment',
            name='reviewqueue_segment_unique',
        ),
        migrations.AddField(
            model_name='label',
            name='field_errors',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='route',
            name='part_probabilities',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), null=True),
        ),
        migrations.AddField(
            model_name='route',
            name='parts',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), null=True),
        ),
        migrations.AddField(
            model_name='segment',
            name='declared',
            field=models.CharField(blank=True, default='', max_length=16),
        ),
        migrations.AddField(
            model_name='segment',
            name='field',
            field=models.CharField(blank=True, default='', max_length=40),
        ),
        migrations.AddField(
            model_name='segment',
            name='without_confidence',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='trustplan',
            name='tolerated_fields',
            field=models.JSONField(default=dict),
        ),
        migrations.AlterField(
            model_name='segment',
            name='label',
            field=models.CharField(blank=True, default='', max_length=50),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='case',
            trigger=pgtrigger.compiler.Trigger(name='observe', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nINSERT INTO reviewqueue_observation\n    (case_id, item_id, segment_id, routed_at, due_at, draw, is_blind, claimed_at,\n     labelled_at, label_version, is_error, reviewer_id)\nSELECT c.id, c.item_id, r.segment_id, r.routed_at, c.due_at, r.draw, r.blind,\n       (SELECT min(e.at) FROM reviewqueue_caseevent e\n        WHERE e.case_id = c.id AND e.kind = 'claimed'),\n       n.created_at, COALESCE(n.version, 0), n.is_error, n.reviewer_id\nFROM made c\nJOIN reviewqueue_route r ON r.item_id = c.item_id\n    AND r.kind = 'review' AND r.segment_id IS NOT NULL\n    AND (r.parts IS NULL OR r.draw < r.part_probabilities[1])\nLEFT JOIN LATERAL (\nSELECT v.item_id, v.version, v.created_at, v.field_errors,\n       v.label <> '' AND v.source = 'decision' AND r.blind AS is_blind,\n       NULLIF(v.label, '') <> r.label OR (\n           v.label <> '' AND v.source = 'decision' AND r.blind AND EXISTS (\n               SELECT FROM reviewqueue_decision b\n               JOIN reviewqueue_case k ON k.id = b.case_id AND k.kind = 'review'\n               WHERE k.item_id = v.item_id AND b.blind\n                 AND b.label <> '' AND b.label <> r.label\n           )\n       ) AS is_error,\n       d.reviewer_id\nFROM (\n        SELECT * FROM reviewqueue_label l WHERE l.item_id = c.item_id\n        ORDER BY l.version DESC LIMIT 1\n    ) v\nJOIN reviewqueue_route r ON r.item_id = v.item_id\nLEFT JOIN reviewqueue_decision d ON d.id = v.decision_id\n) n ON true\nWHERE c.kind = 'review';\nINSERT INTO reviewqueue_fieldobservation\n    (case_id, item_id, segment_id, routed_at, due_at, draw, is_blind, claimed_at,\n     labelled_at, label_version, is_error, reviewer_id)\nSELECT c.id, c.item_id, s.id, r.routed_at, c.due_at, r.draw, r.blind,\n       (SELECT min(e.at) FROM reviewqueue_caseevent e\n        WHERE e.case_id = c.id AND e.kind = 'claimed'),\n       n.created_at, COALESCE(n.version, 0), \n(n.field_errors ->> s.field)::boolean OR (n.is_blind AND EXISTS (\n    SELECT FROM reviewqueue_decision b\n    JOIN reviewqueue_case k ON k.id = b.case_id AND k.kind = 'review'\n    WHERE k.item_id = n.item_id AND b.blind AND s.field = ANY(b.corrected)\n))\n, n.reviewer_id\nFROM made c\nJOIN reviewqueue_route r ON r.item_id = c.item_id\n    AND r.kind = 'review' AND r.parts IS NOT NULL\nCROSS JOIN LATERAL unnest(r.parts, r.part_probabilities) AS part(id, share)\nJOIN reviewqueue_segment s ON s.id = part.id AND s.field <> ''\nLEFT JOIN LATERAL (\nSELECT v.item_id, v.version, v.created_at, v.field_errors,\n       v.label <> '' AND v.source = 'decision' AND r.blind AS is_blind,\n       NULLIF(v.label, '') <> r.label OR (\n           v.label <> '' AND v.source = 'decision' AND r.blind AND EXISTS (\n               SELECT FROM reviewqueue_decision b\n               JOIN reviewqueue_case k ON k.id = b.case_id AND k.kind = 'review'\n               WHERE k.item_id = v.item_id AND b.blind\n                 AND b.label <> '' AND b.label <> r.label\n           )\n       ) AS is_error,\n       d.reviewer_id\nFROM (\n        SELECT * FROM reviewqueue_label l WHERE l.item_id = c.item_id\n        ORDER BY l.version DESC LIMIT 1\n    ) v\nJOIN reviewqueue_route r ON r.item_id = v.item_id\nLEFT JOIN reviewqueue_decision d ON d.id = v.decision_id\n) n ON true\nWHERE c.kind = 'review' AND r.draw < part.share;\nRETURN NULL;", hash='6e50412b053ffaa71d7b0c5e4d7846042677ae99', level='STATEMENT', operation='INSERT', pgid='pgtrigger_observe_fc07e', referencing='REFERENCING NEW TABLE AS made ', table='reviewqueue_case', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='caseevent',
            trigger=pgtrigger.compiler.Trigger(name='observe', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (NEW."kind" = \'claimed\')', func='\nUPDATE reviewqueue_observation SET claimed_at = NEW.at\nWHERE case_id = NEW.case_id AND (claimed_at IS NULL OR claimed_at > NEW.at);\nUPDATE reviewqueue_fieldobservation SET claimed_at = NEW.at\nWHERE case_id = NEW.case_id AND (claimed_at IS NULL OR claimed_at > NEW.at);\nRETURN NULL;\n', hash='434da2efdc772be5661c36fe5c05505d7497f875', operation='INSERT', pgid='pgtrigger_observe_98300', table='reviewqueue_caseevent', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='label',
            trigger=pgtrigger.compiler.Trigger(name='observe', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nUPDATE reviewqueue_observation o\nSET label_version = n.version, labelled_at = n.created_at, is_error = n.is_error,\n    reviewer_id = n.reviewer_id\nFROM (\n    SELECT DISTINCT ON (item_id) * FROM (\nSELECT v.item_id, v.version, v.created_at, v.field_errors,\n       v.label <> '' AND v.source = 'decision' AND r.blind AS is_blind,\n       NULLIF(v.label, '') <> r.label OR (\n           v.label <> '' AND v.source = 'decision' AND r.blind AND EXISTS (\n               SELECT FROM reviewqueue_decision b\n               JOIN reviewqueue_case k ON k.id = b.case_id AND k.kind = 'review'\n               WHERE k.item_id = v.item_id AND b.blind\n                 AND b.label <> '' AND b.label <> r.label\n           )\n       ) AS is_error,\n       d.reviewer_id\nFROM made v\nJOIN reviewqueue_route r ON r.item_id = v.item_id\nLEFT JOIN reviewqueue_decision d ON d.id = v.decision_id\n) of_all\n    ORDER BY item_id, version DESC\n) n\nWHERE o.item_id = n.item_id AND o.label_version < n.version;\nUPDATE reviewqueue_fieldobservation o\nSET label_version = n.version, labelled_at = n.created_at, reviewer_id = n.reviewer_id,\n    is_error = \n(n.field_errors ->> s.field)::boolean OR (n.is_blind AND EXISTS (\n    SELECT FROM reviewqueue_decision b\n    JOIN reviewqueue_case k ON k.id = b.case_id AND k.kind = 'review'\n    WHERE k.item_id = n.item_id AND b.blind AND s.field = ANY(b.corrected)\n))\n\nFROM (\n    SELECT DISTINCT ON (item_id) * FROM (\nSELECT v.item_id, v.version, v.created_at, v.field_errors,\n       v.label <> '' AND v.source = 'decision' AND r.blind AS is_blind,\n       NULLIF(v.label, '') <> r.label OR (\n           v.label <> '' AND v.source = 'decision' AND r.blind AND EXISTS (\n               SELECT FROM reviewqueue_decision b\n               JOIN reviewqueue_case k ON k.id = b.case_id AND k.kind = 'review'\n               WHERE k.item_id = v.item_id AND b.blind\n                 AND b.label <> '' AND b.label <> r.label\n           )\n       ) AS is_error,\n       d.reviewer_id\nFROM (\n    SELECT m.* FROM made m WHERE EXISTS (\n        SELECT FROM reviewqueue_fieldobservation f WHERE f.item_id = m.item_id)\n) v\nJOIN reviewqueue_route r ON r.item_id = v.item_id\nLEFT JOIN reviewqueue_decision d ON d.id = v.decision_id\n) of_all\n    ORDER BY item_id, version DESC\n) n, reviewqueue_segment s\nWHERE o.item_id = n.item_id AND o.label_version < n.version AND s.id = o.segment_id;\nRETURN NULL;\n", hash='8d940d9af4b1d2420516d8126b51123e18811732', level='STATEMENT', operation='INSERT', pgid='pgtrigger_observe_297e0', referencing='REFERENCING NEW TABLE AS made ', table='reviewqueue_label', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='route',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('part_probabilities__isnull', True), ('parts__isnull', True)), models.Q(('part_probabilities__isnull', False), ('parts__isnull', False), ('parts__len', models.F('part_probabilities__len')), ('parts__len__gt', 0), models.Func(models.F('review_probability'), models.F('part_probabilities'), arg_joiner=' >= ALL (', output_field=models.BooleanField(), template='(%(expressions)s))'), models.Q(('review_probability', 1), models.Func(models.F('review_probability'), models.F('part_probabilities'), arg_joiner=' = ANY (', output_field=models.BooleanField(), template='(%(expressions)s))'), _connector='OR')), _connector='OR'), name='reviewqueue_route_largest_of_its_parts'),
        ),
        migrations.AddConstraint(
            model_name='route',
            constraint=models.CheckConstraint(condition=models.Q(('parts__isnull', True), ('segment__isnull', True), ('parts__0', models.F('segment')), _connector='OR'), name='reviewqueue_route_label_is_first_part'),
        ),
        migrations.AddConstraint(
            model_name='segment',
            constraint=models.UniqueConstraint(fields=('model_version', 'slicing', 'field', 'without_confidence', 'label', 'low', 'value'), name='reviewqueue_segment_unique'),
        ),
        migrations.AddConstraint(
            model_name='segment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('declared', ''), ('field', ''), ('without_confidence', False)), models.Q(models.Q(('field', ''), _negated=True), models.Q(('declared', ''), _negated=True), ('feature', ''), ('label', ''), ('value', '')), _connector='OR'), name='reviewqueue_segment_of_label_or_field'),
        ),
        migrations.AddConstraint(
            model_name='segment',
            constraint=models.CheckConstraint(condition=models.Q(('without_confidence', False), models.Q(('high', 1), ('level', 0), ('low', 0)), _connector='OR'), name='reviewqueue_segment_without_confidence_at_review_all'),
        ),
        migrations.AddField(
            model_name='fieldobservation',
            name='case',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='field_observations', to='reviewqueue.case'),
        ),
        migrations.AddField(
            model_name='fieldobservation',
            name='item',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='predictions.item'),
        ),
        migrations.AddField(
            model_name='fieldobservation',
            name='reviewer',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='fieldobservation',
            name='segment',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='field_observations', to='reviewqueue.segment'),
        ),
        migrations.AddIndex(
            model_name='fieldobservation',
            index=models.Index(fields=['segment', 'begun_at', 'item'], include=('routed_at', 'due_at', 'is_blind', 'is_error', 'reviewer'), name='reviewqueue_field_in_order'),
        ),
        migrations.AddIndex(
            model_name='fieldobservation',
            index=models.Index(fields=['segment', 'routed_at'], name='reviewqueue_field_by_time'),
        ),
        migrations.AddConstraint(
            model_name='fieldobservation',
            constraint=models.UniqueConstraint(fields=('case', 'segment'), name='reviewqueue_field_observed_once'),
        ),
    ]
