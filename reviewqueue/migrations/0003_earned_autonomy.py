import accounts.ids
import django.core.serializers.json
import django.db.models.deletion
import django.db.models.expressions
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '__first__'),
        ('predictions', '0001_initial'),
        ('reviewqueue', '0002_tally'),
    ]

    operations = [
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('autonomy.granted', 'Granted'), ('autonomy.withdrawn', 'Withdrawn'), ('autonomy.floor', 'Floor Reached'), ('reviewer.below_floor', 'Gold Floor')], max_length=20)),
                ('text', models.CharField(max_length=300)),
                ('data', models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ('at', models.DateTimeField()),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='predictions.workflow')),
            ],
            options={
                'indexes': [models.Index(fields=['workflow', '-id'], name='reviewqueue_notice_newest')],
            },
        ),
        migrations.CreateModel(
            name='Webhook',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('url', models.URLField(max_length=500)),
                ('secret', models.CharField(max_length=100)),
                ('kinds', models.JSONField(default=list)),
                ('created_at', models.DateTimeField()),
                ('disabled_at', models.DateTimeField(null=True)),
                ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('workflow', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='webhooks', to='predictions.workflow')),
            ],
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('delivered', 'Delivered'), ('given_up', 'Given Up')], max_length=9)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('next_at', models.DateTimeField(null=True)),
                ('last_status_code', models.PositiveSmallIntegerField(null=True)),
                ('last_error', models.CharField(blank=True, default='', max_length=200)),
                ('delivered_at', models.DateTimeField(null=True)),
                ('notice', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='reviewqueue.notice')),
                ('webhook', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='reviewqueue.webhook')),
            ],
            options={
                'verbose_name_plural': 'deliveries',
                'indexes': [models.Index(condition=models.Q(('status', 'waiting')), fields=['next_at'], name='reviewqueue_delivery_due')],
                'constraints': [models.UniqueConstraint(fields=('webhook', 'notice'), name='reviewqueue_delivery_once'), models.CheckConstraint(condition=models.Q(models.Q(('next_at__isnull', False), ('status', 'waiting')), models.Q(models.Q(('status', 'waiting'), _negated=True), ('next_at', None)), _connector='OR'), name='reviewqueue_delivery_next_iff_waiting')],
            },
        ),
        migrations.CreateModel(
            name='GoldItem',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('label', models.CharField(max_length=50)),
                ('source', models.CharField(choices=[('settled', 'Settled'), ('upload', 'Upload')], max_length=8)),
                ('note', models.TextField(blank=True, default='')),
                ('added_at', models.DateTimeField()),
                ('retired_at', models.DateTimeField(null=True)),
                ('added_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('item', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='gold', to='predictions.item')),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='gold_items', to='predictions.workflow')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('retired_at', None)), fields=['workflow', 'id'], name='reviewqueue_gold_active')],
                'constraints': [models.CheckConstraint(condition=models.Q(('source__in', ['settled', 'upload']), models.Q(('label', ''), _negated=True)), name='reviewqueue_gold_known')],
            },
        ),
        migrations.CreateModel(
            name='GoldPlacement',
            fields=[
                ('case', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='placement', serialize=False, to='reviewqueue.case')),
                ('placed_at', models.DateTimeField()),
                ('gold', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='placements', to='reviewqueue.golditem')),
                ('reviewer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('gold', 'reviewer'), name='reviewqueue_gold_never_twice')],
            },
        ),
        migrations.CreateModel(
            name='NoticeRead',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('upto', models.UUIDField()),
                ('reader', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='predictions.workflow')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('workflow', 'reader'), name='reviewqueue_notice_read_once')],
            },
        ),
        migrations.CreateModel(
            name='Segment',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('slicing', models.PositiveIntegerField()),
                ('feature', models.CharField(blank=True, default='', max_length=100)),
                ('label', models.CharField(max_length=50)),
                ('low', models.FloatField()),
                ('high', models.FloatField()),
                ('value', models.CharField(blank=True, default='', max_length=200)),
                ('n_sharing', models.PositiveIntegerField()),
                ('share', models.FloatField()),
                ('level', models.PositiveSmallIntegerField(default=0)),
                ('review_probability', models.FloatField(default=1)),
                ('evidence_since', models.DateTimeField()),
                ('moved_at', models.DateTimeField()),
                ('created_at', models.DateTimeField()),
                ('model_version', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='segments', to='predictions.modelversion')),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='segments', to='predictions.workflow')),
            ],
            options={
                'indexes': [models.Index(fields=['workflow', 'model_version', 'slicing'], name='reviewqueue_segment_in_force')],
                'constraints': [models.UniqueConstraint(fields=('model_version', 'slicing', 'label', 'low', 'value'), name='reviewqueue_segment_unique'), models.CheckConstraint(condition=models.Q(('high__lte', 1), ('low__gte', 0), ('low__lt', models.F('high'))), name='reviewqueue_segment_band_ordered'), models.CheckConstraint(condition=models.Q(models.Q(('level', 0), ('review_probability', 1)), models.Q(('level__gt', 0), ('review_probability__gt', 0), ('review_probability__lt', 1)), _connector='OR'), name='reviewqueue_segment_review_all_iff_level_0')],
            },
        ),
        migrations.CreateModel(
            name='TrustPlan',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('version', models.PositiveIntegerField()),
                ('delta', models.FloatField()),
                ('alpha', models.FloatField()),
                ('evidence', models.CharField(choices=[('blind', 'Blind'), ('all', 'All')], max_length=5)),
                ('ladder', models.JSONField()),
                ('tolerated', models.JSONField(default=dict)),
                ('review_minutes', models.FloatField()),
                ('segment_feature', models.CharField(blank=True, default='', max_length=100)),
                ('edges', models.JSONField()),
                ('min_share', models.FloatField()),
                ('min_reviews', models.PositiveIntegerField()),
                ('auto_grant', models.BooleanField()),
                ('gold_share', models.FloatField()),
                ('gold_floor', models.FloatField()),
                ('coaching', models.BooleanField()),
                ('reason', models.TextField(blank=True, default='')),
                ('created_at', models.DateTimeField()),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('workflow', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='trust_plans', to='predictions.workflow')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('workflow', 'version'), name='reviewqueue_plan_version_unique'), models.CheckConstraint(condition=models.Q(('alpha__gt', 0), ('alpha__lt', 1), ('delta__gt', 0), ('delta__lt', 1), ('evidence__in', ['blind', 'all'])), name='reviewqueue_plan_promises_in_unit'), models.CheckConstraint(condition=models.Q(('gold_floor__gte', 0), ('gold_floor__lte', 1), ('gold_share__gte', 0), ('gold_share__lte', 0.5), ('min_share__gte', 0), ('min_share__lte', 1), ('review_minutes__gt', 0)), name='reviewqueue_plan_shares_in_unit')],
            },
        ),
        migrations.CreateModel(
            name='TrustMove',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('grant', 'Grant'), ('withdraw', 'Withdraw')], max_length=8)),
                ('cause', models.CharField(choices=[('evidence', 'Evidence'), ('alarm', 'Alarm'), ('bound', 'Bound'), ('missing_audits', 'Missing Audits'), ('reviewers', 'Reviewers'), ('drift', 'Drift'), ('by_hand', 'By Hand')], max_length=14)),
                ('from_level', models.PositiveSmallIntegerField()),
                ('to_level', models.PositiveSmallIntegerField()),
                ('from_probability', models.FloatField()),
                ('to_probability', models.FloatField()),
                ('evidence', models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ('reason', models.TextField(blank=True, default='')),
                ('at', models.DateTimeField()),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('segment', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='moves', to='reviewqueue.segment')),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='predictions.workflow')),
                ('plan', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='reviewqueue.trustplan')),
            ],
            options={
                'indexes': [models.Index(fields=['workflow', '-id'], name='reviewqueue_move_newest'), models.Index(fields=['segment', '-id'], name='reviewqueue_move_of_segment')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('kind', 'grant'), ('to_level', django.db.models.expressions.CombinedExpression(models.F('from_level'), '+', models.Value(1)))), models.Q(('from_level__gt', 0), ('kind', 'withdraw'), ('to_level', 0)), _connector='OR'), name='reviewqueue_move_one_step_down_or_all_up'), models.CheckConstraint(condition=models.Q(('cause__in', ['evidence', 'alarm', 'bound', 'missing_audits', 'reviewers', 'drift', 'by_hand'])), name='reviewqueue_move_cause_known')],
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='decision',
            name='count',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='retraction',
            name='count',
        ),
        migrations.RemoveConstraint(
            model_name='case',
            name='reviewqueue_case_states_known',
        ),
        migrations.RemoveConstraint(
            model_name='case',
            name='reviewqueue_case_one_open_per_kind',
        ),
        migrations.RemoveConstraint(
            model_name='decision',
            name='reviewqueue_decision_verdict_known',
        ),
        migrations.RemoveConstraint(
            model_name='policy',
            name='reviewqueue_policy_mode_known',
        ),
        migrations.AlterField(
            model_name='case',
            name='kind',
            field=models.CharField(choices=[('review', 'Review'), ('second', 'Second'), ('adjudication', 'Adjudication'), ('gold', 'Gold')], max_length=12),
        ),
        migrations.AlterField(
            model_name='decision',
            name='case_kind',
            field=models.CharField(choices=[('review', 'Review'), ('second', 'Second'), ('adjudication', 'Adjudication'), ('gold', 'Gold')], max_length=12),
        ),
        migrations.AlterField(
            model_name='policy',
            name='mode',
            field=models.CharField(choices=[('all', 'All'), ('above', 'Above'), ('between', 'Between'), ('earned', 'Earned')], max_length=10),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='decision',
            trigger=pgtrigger.compiler.Trigger(name='count', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nINSERT INTO reviewqueue_tally\n    (workflow_id, day, label, model, figure, key, slot, n, is_loose)\nSELECT workflow_id, day, label, model, figure, key, slot, sum(n), true\nFROM (\nSELECT d.workflow_id, (d.decided_at AT TIME ZONE 'UTC')::date AS day,\n       CASE WHEN g.by_label THEN d.recommended_label ELSE '' END AS label,\n       CASE WHEN g.by_model THEN COALESCE(d.model_version_id::text, '') ELSE '' END\n           AS model,\n       f.figure, f.key, COALESCE(f.slot, d.way || '.' || d.verdict) AS slot, d.sign AS n\nFROM (\n    SELECT *,\n           CASE WHEN recommended_label = '' THEN 'alone'\n                WHEN blind THEN 'blind' ELSE 'shown' END AS way,\n           recommended_label <> '' AND model_version_id IS NOT NULL\n               AND case_kind NOT IN ('adjudication', 'gold') AS is_reading,\n           -- an amendment has the time and the speed of what it replaces\n           NOT is_amending AND case_kind NOT IN ('adjudication', 'gold') AS is_timed\n    FROM (SELECT *, 1 AS sign, supersedes_id IS NOT NULL AS is_amending FROM made) given\n) d\nJOIN reviewqueue_case c ON c.id = d.case_id\nJOIN (VALUES (false, false), (true, false), (false, true), (true, true))\n    g(by_label, by_model) ON d.is_reading OR NOT (g.by_label OR g.by_model)\nCROSS JOIN LATERAL (VALUES\n    ('total', CASE WHEN d.is_reading THEN '' END, NULL),\n    ('label', CASE WHEN d.is_reading AND NOT g.by_label THEN d.recommended_label END,\n     NULL),\n    ('model', CASE WHEN d.is_reading AND NOT g.by_model\n                   THEN d.model_version_id::text END, NULL),\n    ('band', CASE WHEN d.is_reading THEN\n        COALESCE(width_bucket(d.probability, ARRAY[0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9]::float8[]), -1)::text END,\n     NULL),\n    ('reviewer', CASE WHEN d.is_reading THEN d.reviewer_id::text END, NULL),\n    ('reason', CASE WHEN d.is_reading THEN d.reason_code END, NULL),\n    ('kind', CASE WHEN NOT (g.by_label OR g.by_model) AND d.case_kind <> 'gold'\n                  THEN d.case_kind END, NULL),\n    ('sla', CASE WHEN d.is_timed AND NOT (g.by_label OR g.by_model) THEN '' END,\n     CASE WHEN d.decided_at <= c.due_at THEN 'kept' ELSE 'late' END)\n) f(figure, key, slot)\nWHERE f.key IS NOT NULL\n) facts\nGROUP BY workflow_id, day, label, model, figure, key, slot\nHAVING sum(n) <> 0;\nRETURN NULL;", hash='b649875e401e10b3382fd4f8ed43a72709b2fcde', level='STATEMENT', operation='INSERT', pgid='pgtrigger_count_b6696', referencing='REFERENCING NEW TABLE AS made ', table='reviewqueue_decision', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='retraction',
            trigger=pgtrigger.compiler.Trigger(name='count', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nINSERT INTO reviewqueue_tally\n    (workflow_id, day, label, model, figure, key, slot, n, is_loose)\nSELECT workflow_id, day, label, model, figure, key, slot, sum(n), true\nFROM (\nSELECT d.workflow_id, (d.decided_at AT TIME ZONE 'UTC')::date AS day,\n       CASE WHEN g.by_label THEN d.recommended_label ELSE '' END AS label,\n       CASE WHEN g.by_model THEN COALESCE(d.model_version_id::text, '') ELSE '' END\n           AS model,\n       f.figure, f.key, COALESCE(f.slot, d.way || '.' || d.verdict) AS slot, d.sign AS n\nFROM (\n    SELECT *,\n           CASE WHEN recommended_label = '' THEN 'alone'\n                WHEN blind THEN 'blind' ELSE 'shown' END AS way,\n           recommended_label <> '' AND model_version_id IS NOT NULL\n               AND case_kind NOT IN ('adjudication', 'gold') AS is_reading,\n           -- an amendment has the time and the speed of what it replaces\n           NOT is_amending AND case_kind NOT IN ('adjudication', 'gold') AS is_timed\n    FROM (\n        SELECT d.*, -1 AS sign, r.kind = 'amend' OR d.supersedes_id IS NOT NULL\n            AS is_amending\n        FROM made r JOIN reviewqueue_decision d ON d.id = r.decision_id\n    ) given\n) d\nJOIN reviewqueue_case c ON c.id = d.case_id\nJOIN (VALUES (false, false), (true, false), (false, true), (true, true))\n    g(by_label, by_model) ON d.is_reading OR NOT (g.by_label OR g.by_model)\nCROSS JOIN LATERAL (VALUES\n    ('total', CASE WHEN d.is_reading THEN '' END, NULL),\n    ('label', CASE WHEN d.is_reading AND NOT g.by_label THEN d.recommended_label END,\n     NULL),\n    ('model', CASE WHEN d.is_reading AND NOT g.by_model\n                   THEN d.model_version_id::text END, NULL),\n    ('band', CASE WHEN d.is_reading THEN\n        COALESCE(width_bucket(d.probability, ARRAY[0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9]::float8[]), -1)::text END,\n     NULL),\n    ('reviewer', CASE WHEN d.is_reading THEN d.reviewer_id::text END, NULL),\n    ('reason', CASE WHEN d.is_reading THEN d.reason_code END, NULL),\n    ('kind', CASE WHEN NOT (g.by_label OR g.by_model) AND d.case_kind <> 'gold'\n                  THEN d.case_kind END, NULL),\n    ('sla', CASE WHEN d.is_timed AND NOT (g.by_label OR g.by_model) THEN '' END,\n     CASE WHEN d.decided_at <= c.due_at THEN 'kept' ELSE 'late' END)\n) f(figure, key, slot)\nWHERE f.key IS NOT NULL\n\nUNION ALL\nSELECT d.workflow_id, (r.at AT TIME ZONE 'UTC')::date, '', '', 'retracted', '',\n       r.kind, 1\nFROM made r JOIN reviewqueue_decision d ON d.id = r.decision_id\n) facts\nGROUP BY workflow_id, day, label, model, figure, key, slot\nHAVING sum(n) <> 0;\nRETURN NULL;", hash='e21eb72907b7f4534a812c62e380607e31ca8df8', level='STATEMENT', operation='INSERT', pgid='pgtrigger_count_8c0ce', referencing='REFERENCING NEW TABLE AS made ', table='reviewqueue_retraction', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='case',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['review', 'second', 'adjudication', 'gold']), ('queue__in', ['review', 'adjudication']), ('status__in', ['pending', 'leased', 'snoozed', 'decided', 'escalated', 'withdrawn'])), name='reviewqueue_case_states_known'),
        ),
        migrations.AddConstraint(
            model_name='case',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ('pending', 'leased', 'snoozed')), models.Q(('kind', 'gold'), _negated=True)), fields=('item', 'kind'), name='reviewqueue_case_one_open_per_kind'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(('case_kind__in', ['review', 'second', 'adjudication', 'gold']), ('verdict__in', ['confirm', 'override', 'unsure'])), name='reviewqueue_decision_verdict_known'),
        ),
        migrations.AddConstraint(
            model_name='policy',
            constraint=models.CheckConstraint(condition=models.Q(('mode__in', ['all', 'above', 'between', 'earned'])), name='reviewqueue_policy_mode_known'),
        ),
        migrations.AddField(
            model_name='route',
            name='segment',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='routes', to='reviewqueue.segment'),
        ),
        migrations.AddIndex(
            model_name='route',
            index=models.Index(condition=models.Q(('segment__isnull', False)), fields=['segment', 'routed_at'], name='reviewqueue_route_of_segment'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='goldplacement',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='394f02b91703d148e142c8657be5ba3c99f2f55a', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_70d9e', table='reviewqueue_goldplacement', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='notice',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='57bd99c4eb9bd022618e48ab9e09d136f1519bef', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_3c044', table='reviewqueue_notice', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='trustplan',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='32983afc98719d0107d00c98a1b5be841b5c1a22', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_58e0e', table='reviewqueue_trustplan', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='trustmove',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='4815e4caa4bc9e8e93edb002c654c69195a13090', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_67cc8', table='reviewqueue_trustmove', when='BEFORE')),
        ),
    ]
