"""The tables of predictions in one step, for new databases.

Others go along what it replaces. Triggers in the options are made with their table.
"""

import accounts.ids
import django.contrib.postgres.indexes
import django.core.serializers.json
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import pgtrigger.compiler
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('predictions', '0001_initial'), ('predictions', '0002_gates_and_kinds'), ('predictions', '0003_event_share'), ('predictions', '0004_media'), ('predictions', '0005_structured_decisions'), ('predictions', '0006_media_on_its_way'), ('predictions', '0007_novelty'), ('predictions', '0008_measurement'), ('predictions', '0009_sites'), ('predictions', '0010_speech'), ('predictions', '0011_series'), ('predictions', '0012_kept_files'), ('predictions', '0013_failure_withdrawals'), ('predictions', '0014_reading_removals')]

    initial = True

    dependencies = [
        ('accounts', '0001_squashed_0006_failure_withdrawn'),
        # Nothing of them is needed. While many tables are known, every step that touches
        # users takes long: so theirs go first.
        ('account', '0009_emailaddress_unique_primary_email'),
        ('admin', '0003_logentry_add_action_flag_choices'),
        ('mfa', '0003_authenticator_type_uniq'),
        ('socialaccount', '0006_alter_socialaccount_extra_data'),
    ]

    operations = [
        migrations.CreateModel(
            name='Workflow',
            fields=[
                ('scope', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='workflow', serialize=False, to='accounts.scope')),
                ('slug', models.SlugField(unique=True)),
                ('name', models.CharField(max_length=200)),
                ('version', models.PositiveIntegerField(default=1)),
                ('declaration_json', models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Item',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('external_id', models.CharField(max_length=200)),
                ('subject', models.CharField(blank=True, default='', max_length=200)),
                ('features', models.JSONField()),
                ('warnings', models.JSONField(db_default=[], default=list)),
                ('occurred_at', models.DateTimeField()),
                ('received_at', models.DateTimeField()),
                ('content_hash', models.BinaryField(max_length=32)),
                ('source', models.CharField(choices=[('api', 'Api'), ('command', 'Command'), ('upload', 'Upload'), ('demo', 'Demo'), ('archive', 'Archive'), ('readings', 'Readings')], max_length=10)),
                ('workflow_version', models.PositiveIntegerField()),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='items', to='predictions.workflow')),
                ('site', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.site')),
            ],
            options={
                'indexes': [models.Index(fields=['workflow', '-id'], name='predictions_item_newest'), models.Index(condition=models.Q(('subject', ''), _negated=True), fields=['workflow', 'subject', '-occurred_at'], name='predictions_item_subject'), models.Index(condition=models.Q(('site__isnull', False)), fields=['site', '-id'], name='predictions_item_of_site')],
                'constraints': [models.UniqueConstraint(fields=('workflow', 'external_id'), name='predictions_item_external_id_unique')],
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='c0dc234d6d822aff5d85ca0a9be573fb35f21d47', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_42b96', table='predictions_item', when='BEFORE')), pgtrigger.compiler.Trigger(name='file_for_scoring', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO predictions_pendingscore (item_id, workflow_id, filed_at) SELECT id, workflow_id, received_at FROM stored; RETURN NULL;', hash='47940002afde5b4d02394dacf5ce8b989113ad02', level='STATEMENT', operation='INSERT', pgid='pgtrigger_file_for_scoring_f8632', referencing='REFERENCING NEW TABLE AS stored ', table='predictions_item', when='AFTER'))],
            },
        ),
        migrations.CreateModel(
            name='ModelVersion',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField()),
                ('name', models.CharField(blank=True, default='', max_length=200)),
                ('stage', models.CharField(choices=[('candidate', 'Candidate'), ('shadow', 'Shadow'), ('challenger', 'Challenger'), ('champion', 'Champion'), ('retired', 'Retired')], default='candidate', max_length=10)),
                ('artifact', models.FileField(blank=True, max_length=300, upload_to='artifacts/')),
                ('sha256', models.CharField(max_length=64)),
                ('columns', models.JSONField()),
                ('label_keys', models.JSONField()),
                ('calibration', models.JSONField(null=True)),
                ('references', models.JSONField(default=dict)),
                ('report', models.JSONField(default=dict)),
                ('threshold', models.FloatField()),
                ('snapshot_id', models.UUIDField(null=True)),
                ('created_at', models.DateTimeField()),
                ('stage_changed_at', models.DateTimeField()),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('workflow', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='model_versions', to='predictions.workflow')),
                ('endpoint', models.CharField(blank=True, default='', max_length=500)),
                ('kind', models.CharField(choices=[('artifact', 'Artifact'), ('http', 'Http'), ('speech', 'Speech')], default='artifact', max_length=8)),
                ('reference', models.FileField(blank=True, default='', max_length=300, upload_to='references/')),
                ('route_share', models.FloatField(default=0)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('workflow', 'number'), name='predictions_model_number_unique'), models.UniqueConstraint(condition=models.Q(('stage', 'champion')), fields=('workflow',), name='predictions_model_one_champion'), models.CheckConstraint(condition=models.Q(('stage__in', ['candidate', 'shadow', 'challenger', 'champion', 'retired'])), name='predictions_model_stage_known'), models.CheckConstraint(condition=models.Q(('threshold__gt', 0), ('threshold__lt', 1)), name='predictions_model_threshold_in_unit'), models.CheckConstraint(condition=models.Q(('route_share', 0), models.Q(('route_share__gt', 0), ('route_share__lte', 0.5), ('stage', 'challenger')), _connector='OR'), name='predictions_model_share_is_a_challengers'), models.CheckConstraint(condition=models.Q(models.Q(('artifact', ''), ('kind', 'http'), models.Q(('endpoint', ''), _negated=True)), models.Q(('endpoint', ''), ('kind__in', ('artifact', 'speech')), models.Q(('artifact', ''), _negated=True)), _connector='OR'), name='predictions_model_has_its_source')],
            },
        ),
        migrations.CreateModel(
            name='Prediction',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('label', models.CharField(max_length=50)),
                ('score', models.FloatField()),
                ('probability', models.FloatField(null=True)),
                ('confidence', models.FloatField(null=True)),
                ('latency_ms', models.FloatField()),
                ('created_at', models.DateTimeField()),
                ('item', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='predictions', to='predictions.item')),
                ('model_version', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='predictions', to='predictions.modelversion')),
                ('novelty', models.FloatField(null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('item', 'model_version'), name='predictions_prediction_unique'), models.CheckConstraint(condition=models.Q(('probability', None), models.Q(('probability__gte', 0), ('probability__lte', 1)), _connector='OR'), name='predictions_prediction_probability_in_unit'), models.CheckConstraint(condition=models.Q(('confidence', None), models.Q(('confidence__gte', 0), ('confidence__lte', 1)), _connector='OR'), name='predictions_prediction_confidence_in_unit'), models.CheckConstraint(condition=models.Q(('novelty', None), models.Q(('novelty__gt', 0), ('novelty__lte', 1)), _connector='OR'), name='predictions_prediction_novelty_in_unit')],
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='9f941486bd108bb0a3d7268c9e7863109a225ac9', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_66671', table='predictions_prediction', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='Explanation',
            fields=[
                ('prediction', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='explanation', serialize=False, to='predictions.prediction')),
                ('contributions', models.JSONField()),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='07cf5b7cf8b8a4fa184906e30c7eeee4a53e435c', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_f233d', table='predictions_explanation', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='FeatureProfile',
            fields=[
                ('workflow', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='feature_profile', serialize=False, to='predictions.workflow')),
                ('profile', models.JSONField()),
                ('n_items', models.PositiveIntegerField()),
                ('since', models.DateTimeField(null=True)),
                ('computed_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='PendingScore',
            fields=[
                ('item', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='pending_score', serialize=False, to='predictions.item')),
                ('filed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='predictions.workflow')),
            ],
            options={
                'indexes': [models.Index(fields=['workflow', 'item'], name='predictions_pending_next')],
            },
        ),
        migrations.CreateModel(
            name='ModelEvent',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('registered', 'Registered'), ('stage_changed', 'Stage Changed'), ('failed', 'Failed'), ('recovered', 'Recovered')], max_length=15)),
                ('from_stage', models.CharField(blank=True, default='', max_length=10)),
                ('to_stage', models.CharField(blank=True, default='', max_length=10)),
                ('reason', models.TextField(blank=True, default='')),
                ('n_items', models.PositiveIntegerField(default=0)),
                ('at', models.DateTimeField()),
                ('actor', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('model_version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='predictions.modelversion')),
                ('route_share', models.FloatField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['model_version', '-at'], name='predictions_model_event_new')],
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='a5a394fd895ed2eeeccd655fabe456ff1b721777', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_61840', table='predictions_modelevent', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='QuarantinedItem',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('external_id', models.CharField(blank=True, default='', max_length=200)),
                ('payload', models.JSONField(null=True)),
                ('errors', models.JSONField()),
                ('source', models.CharField(choices=[('api', 'Api'), ('command', 'Command'), ('upload', 'Upload'), ('demo', 'Demo'), ('archive', 'Archive'), ('readings', 'Readings')], max_length=10)),
                ('status', models.CharField(choices=[('open', 'Open'), ('resubmitted', 'Resubmitted'), ('discarded', 'Discarded')], default='open', max_length=12)),
                ('received_at', models.DateTimeField()),
                ('resolved_at', models.DateTimeField(null=True)),
                ('item', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='quarantined', to='predictions.item')),
                ('resolved_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='quarantined', to='predictions.workflow')),
                ('site', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.site')),
            ],
            options={
                'indexes': [models.Index(fields=['workflow', 'status', '-id'], name='predictions_quarantine_newest'), models.Index(django.contrib.postgres.indexes.OpClass('external_id', name='text_pattern_ops'), models.F('workflow'), name='predictions_quarantine_ext'), models.Index(condition=models.Q(('site__isnull', False)), fields=['site', 'status', '-id'], name='predictions_quarantine_site')],
                'constraints': [models.CheckConstraint(condition=models.Q(('status__in', ['open', 'resubmitted', 'discarded'])), name='predictions_quarantine_status_known'), models.CheckConstraint(condition=models.Q(models.Q(('resolved_at', None), ('status', 'open')), models.Q(models.Q(('status', 'open'), _negated=True), ('resolved_at__isnull', False)), _connector='OR'), name='predictions_quarantine_resolved_iff_closed')],
            },
        ),
        migrations.CreateModel(
            name='WorkflowVersion',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('version', models.PositiveIntegerField()),
                ('declaration_json', models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ('source_toml', models.TextField()),
                ('changes', models.JSONField(default=list)),
                ('created_at', models.DateTimeField()),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('workflow', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='predictions.workflow')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('workflow', 'version'), name='predictions_workflow_version_unique')],
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='0f59989027004822cda9d0b0a3a7e06c70017f75', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_69d5f', table='predictions_workflowversion', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='GateReport',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('snapshot_id', models.UUIDField(null=True)),
                ('gates', models.JSONField()),
                ('results', models.JSONField()),
                ('verdict', models.CharField(choices=[('passed', 'Passed'), ('failed', 'Failed'), ('too_few', 'Too Few')], max_length=7)),
                ('evidence', models.JSONField(default=dict)),
                ('at', models.DateTimeField()),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('champion', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='predictions.modelversion')),
                ('model_version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='gate_reports', to='predictions.modelversion')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('verdict__in', ['passed', 'failed', 'too_few'])), name='predictions_gate_verdict_known')],
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='a1cb150e3c92fb647a129534914e47dfe2de6545', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_6cd4e', table='predictions_gatereport', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='Approval',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('reason', models.CharField(max_length=500)),
                ('at', models.DateTimeField()),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('model_version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='approvals', to='predictions.modelversion')),
                ('report', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='approvals', to='predictions.gatereport')),
            ],
            options={
                'indexes': [models.Index(fields=['model_version', '-at'], name='predictions_approval_newest')],
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='0af2ed1c24b714e073bbb41557899ef1cd01c6a0', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_2e3e5', table='predictions_approval', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='Waiver',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('gate', models.CharField(max_length=200)),
                ('reason', models.CharField(max_length=500)),
                ('at', models.DateTimeField()),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('report', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='waivers', to='predictions.gatereport')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('report', 'gate'), name='predictions_waiver_once')],
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='3e2945534d2c12e68bf9fe3c4fac55528e47682f', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_fdf24', table='predictions_waiver', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='MediaFile',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('sha256', models.CharField(max_length=64)),
                ('source_sha256', models.CharField(max_length=64)),
                ('kind', models.CharField(choices=[('image', 'Image'), ('audio', 'Audio')], max_length=5)),
                ('content_type', models.CharField(max_length=20)),
                ('n_bytes', models.PositiveIntegerField()),
                ('width', models.PositiveIntegerField(null=True)),
                ('height', models.PositiveIntegerField(null=True)),
                ('seconds', models.FloatField(null=True)),
                ('sample_rate', models.PositiveIntegerField(null=True)),
                ('channels', models.PositiveSmallIntegerField(null=True)),
                ('status', models.CharField(choices=[('storing', 'Storing'), ('pending', 'Pending'), ('ready', 'Ready'), ('failed', 'Failed'), ('removed', 'Removed')], default='storing', max_length=7)),
                ('failure', models.CharField(blank=True, default='', max_length=200)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('worked_until', models.DateTimeField(null=True)),
                ('uploaded_at', models.DateTimeField()),
                ('removed_at', models.DateTimeField(null=True)),
                ('removed_why', models.CharField(blank=True, default='', max_length=500)),
                ('erased_at', models.DateTimeField(null=True)),
                ('removed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('uploaded_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='media', to='predictions.workflow')),
                ('file', models.FileField(blank=True, default='', max_length=150, upload_to='')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('status__in', ('pending', 'ready', 'failed'))), fields=['workflow', 'source_sha256'], name='predictions_media_source'), models.Index(condition=models.Q(('status', 'pending')), fields=['id'], name='predictions_media_pending'), models.Index(condition=models.Q(('status', 'storing'), models.Q(('erased_at', None), ('status', 'removed')), _connector='OR'), fields=['uploaded_at'], name='predictions_media_leftover'), models.Index(condition=models.Q(('status__in', ('pending', 'ready', 'failed'))), fields=['workflow', 'uploaded_at'], name='predictions_media_oldest')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status__in', ('pending', 'ready', 'failed'))), fields=('workflow', 'sha256'), name='predictions_media_one_live_each'), models.CheckConstraint(condition=models.Q(('status__in', ['storing', 'pending', 'ready', 'failed', 'removed'])), name='predictions_media_status_known'), models.CheckConstraint(condition=models.Q(models.Q(('channels', None), ('height__gt', 0), ('height__isnull', False), ('kind', 'image'), ('sample_rate', None), ('seconds', None), ('width__gt', 0), ('width__isnull', False)), models.Q(('channels__gt', 0), ('channels__isnull', False), ('height', None), ('kind', 'audio'), ('sample_rate__gt', 0), ('sample_rate__isnull', False), ('seconds__gt', 0), ('seconds__isnull', False), ('width', None)), _connector='OR'), name='predictions_media_measured_as_its_kind'), models.CheckConstraint(condition=models.Q(models.Q(('removed_at__isnull', False), ('status', 'removed'), models.Q(('removed_why', ''), _negated=True)), models.Q(models.Q(('status', 'removed'), _negated=True), ('erased_at', None), ('removed_at', None), ('removed_by', None), ('removed_why', '')), _connector='OR'), name='predictions_media_removed_iff_said_why'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'failed'), models.Q(('failure', ''), _negated=True)), ('status', 'removed'), models.Q(('failure', ''), models.Q(('status', 'failed'), _negated=True)), _connector='OR'), name='predictions_media_failed_iff_said_why'), models.CheckConstraint(condition=models.Q(models.Q(('status__in', ('pending', 'ready', 'failed')), models.Q(('file', ''), _negated=True)), models.Q(models.Q(('status__in', ('pending', 'ready', 'failed')), _negated=True), ('file', '')), _connector='OR'), name='predictions_media_has_its_file_iff_live')],
                'triggers': [pgtrigger.compiler.Trigger(name='content_is_fixed', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."workflow_id" IS DISTINCT FROM (NEW."workflow_id") OR OLD."sha256" IS DISTINCT FROM (NEW."sha256") OR OLD."source_sha256" IS DISTINCT FROM (NEW."source_sha256") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."content_type" IS DISTINCT FROM (NEW."content_type") OR OLD."n_bytes" IS DISTINCT FROM (NEW."n_bytes") OR OLD."width" IS DISTINCT FROM (NEW."width") OR OLD."height" IS DISTINCT FROM (NEW."height") OR OLD."seconds" IS DISTINCT FROM (NEW."seconds") OR OLD."sample_rate" IS DISTINCT FROM (NEW."sample_rate") OR OLD."channels" IS DISTINCT FROM (NEW."channels") OR OLD."uploaded_by_id" IS DISTINCT FROM (NEW."uploaded_by_id") OR OLD."uploaded_at" IS DISTINCT FROM (NEW."uploaded_at"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='374ec1585368d9877d659814a13f8973c8459fce', operation='UPDATE', pgid='pgtrigger_content_is_fixed_57c07', table='predictions_mediafile', when='BEFORE')), pgtrigger.compiler.Trigger(name='stored_stays', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."status" IN (\'pending\', \'ready\', \'failed\', \'removed\'))', func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='de37dce5e38146f61c062cc489305a96729be49d', operation='DELETE', pgid='pgtrigger_stored_stays_3cc36', table='predictions_mediafile', when='BEFORE')), pgtrigger.compiler.Trigger(name='removed_is_final', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."status" = \'removed\' AND (NOT (NEW."status" = \'removed\') OR OLD."erased_at" IS NOT NULL OR OLD."removed_at" IS DISTINCT FROM (NEW."removed_at") OR OLD."removed_by_id" IS DISTINCT FROM (NEW."removed_by_id") OR OLD."removed_why" IS DISTINCT FROM (NEW."removed_why")))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='6f81d9a71d799ceffb9ca5ed961ee30e1e849570', operation='UPDATE', pgid='pgtrigger_removed_is_final_e6174', table='predictions_mediafile', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='MediaDerivative',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(choices=[('thumbnail', 'Thumbnail'), ('preview', 'Preview'), ('waveform', 'Waveform')], max_length=9)),
                ('attempt', models.PositiveSmallIntegerField()),
                ('content_type', models.CharField(max_length=20)),
                ('n_bytes', models.PositiveIntegerField()),
                ('width', models.PositiveIntegerField(null=True)),
                ('height', models.PositiveIntegerField(null=True)),
                ('peaks', models.JSONField(null=True)),
                ('media', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='derivatives', to='predictions.mediafile')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('media', 'name'), name='predictions_derivative_one_each'), models.CheckConstraint(condition=models.Q(models.Q(('height', None), ('name', 'waveform'), ('peaks__isnull', False), ('width', None)), models.Q(('height__gt', 0), ('height__isnull', False), ('name__in', ('thumbnail', 'preview')), ('peaks__isnull', True), ('width__gt', 0), ('width__isnull', False)), _connector='OR'), name='predictions_derivative_pixels_or_peaks')],
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='5c34752e064975b0a300489e029c204c3fe30432', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_3e6f1', table='predictions_mediaderivative', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='ItemMedia',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('slot', models.CharField(max_length=40)),
                ('item', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='media', to='predictions.item')),
                ('media', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='item_media', to='predictions.mediafile')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('item', 'slot'), name='predictions_itemmedia_one_each')],
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='3a840caf5a6a13bfd1a0a5afec16247702428dde', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_e204d', table='predictions_itemmedia', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='PredictedFields',
            fields=[
                ('prediction', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='predicted_fields', serialize=False, to='predictions.prediction')),
                ('values', models.JSONField()),
                ('confidences', models.JSONField()),
                ('evidence', models.JSONField()),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'verbose_name_plural': 'predicted fields',
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='655f38a2546a3e80a4cc54f972681766181e2d73', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_1fc03', table='predictions_predictedfields', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='MediaArchive',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('file', models.FileField(blank=True, default='', max_length=150, upload_to='')),
                ('n_bytes', models.PositiveBigIntegerField()),
                ('status', models.CharField(choices=[('storing', 'Storing'), ('queued', 'Queued'), ('reading', 'Reading'), ('done', 'Done'), ('failed', 'Failed')], default='storing', max_length=7)),
                ('failure', models.CharField(blank=True, default='', max_length=300)),
                ('n_rows', models.PositiveIntegerField(null=True)),
                ('n_done', models.PositiveIntegerField(default=0)),
                ('accepted', models.PositiveIntegerField(default=0)),
                ('duplicates', models.PositiveIntegerField(default=0)),
                ('n_quarantined', models.PositiveIntegerField(default=0)),
                ('refused', models.JSONField(default=list)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('worked_until', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='archives', to='predictions.workflow')),
            ],
            options={
                'indexes': [models.Index(fields=['workflow', '-id'], name='predictions_archive_newest'), models.Index(condition=models.Q(('status__in', ('done', 'failed')), _negated=True), fields=['id'], name='predictions_archive_open')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('finished_at__isnull', False), ('status__in', ('done', 'failed'))), models.Q(('finished_at', None), ('status__in', ('storing', 'queued', 'reading'))), _connector='OR'), name='predictions_archive_finished_iff_ended'), models.CheckConstraint(condition=models.Q(('n_done', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('accepted'), '+', models.F('duplicates')), '+', models.F('n_quarantined')))), name='predictions_archive_counts_add_up')],
            },
        ),
        migrations.CreateModel(
            name='MediaUpload',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('purpose', models.CharField(choices=[('media', 'Media'), ('archive', 'Archive')], max_length=7)),
                ('slot', models.CharField(blank=True, default='', max_length=40)),
                ('n_bytes', models.PositiveBigIntegerField()),
                ('sha256', models.CharField(blank=True, default='', max_length=64)),
                ('offset', models.PositiveBigIntegerField(default=0)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(db_index=True)),
                ('archive', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='predictions.mediaarchive')),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('media', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='predictions.mediafile')),
                ('workflow', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='uploads', to='predictions.workflow')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('purpose__in', ['media', 'archive'])), name='predictions_upload_purpose_known'), models.CheckConstraint(condition=models.Q(('n_bytes__gt', 0), ('offset__lte', models.F('n_bytes'))), name='predictions_upload_within_its_size'), models.CheckConstraint(condition=models.Q(models.Q(('archive', None), ('media', None)), models.Q(('archive', None), ('media__isnull', False), ('offset', models.F('n_bytes'))), models.Q(('archive__isnull', False), ('media', None), ('offset', models.F('n_bytes'))), _connector='OR'), name='predictions_upload_becomes_one_when_whole')],
            },
        ),
        migrations.CreateModel(
            name='MediaUploadPart',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('begin', models.PositiveBigIntegerField()),
                ('n_bytes', models.PositiveIntegerField()),
                ('is_in', models.BooleanField(default=False)),
                ('upload', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='predictions.mediaupload')),
            ],
            options={
                'indexes': [models.Index(fields=['upload', 'begin'], name='predictions_uploadpart_order')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('is_in', True)), fields=('upload', 'begin'), name='predictions_uploadpart_one_each')],
            },
        ),
        migrations.CreateModel(
            name='Measurement',
            fields=[
                ('item', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='measurement', serialize=False, to='predictions.item')),
                ('values', models.JSONField()),
                ('evidence', models.JSONField()),
                ('readers', models.JSONField()),
                ('failure', models.CharField(blank=True, default='', max_length=40)),
                ('measured_at', models.DateTimeField()),
            ],
            options={
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='800c16987ea386241bc47f09ffb437f14fa0d054', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_0dcc1', table='predictions_measurement', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='Moments',
            fields=[
                ('prediction', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='moments', serialize=False, to='predictions.prediction')),
                ('stretches', models.JSONField()),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'verbose_name_plural': 'moments',
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='bf105044b0f22a380e9343e905d7b13dfccc3031', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_af42b', table='predictions_moments', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='Machine',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=100)),
                ('created_at', models.DateTimeField()),
                ('last_at', models.DateTimeField(null=True)),
                ('last_received_at', models.DateTimeField(null=True)),
                ('closed_until', models.DateTimeField(null=True)),
                ('complete_until', models.DateTimeField(null=True)),
                ('site', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.site')),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='machines', to='predictions.workflow')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('last_at__gte', models.F('closed_until'))), fields=['last_received_at'], name='predictions_machine_open')],
                'constraints': [models.UniqueConstraint(fields=('workflow', 'key'), name='predictions_machine_key_unique'), models.CheckConstraint(condition=models.Q(models.Q(('last_at__isnull', True), ('last_received_at__isnull', True)), models.Q(('last_at__isnull', False), ('last_received_at__isnull', False)), _connector='OR'), name='predictions_machine_last_reading_whole')],
            },
        ),
        migrations.CreateModel(
            name='SeriesReading',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('values', models.JSONField()),
                ('received_at', models.DateTimeField()),
                ('is_late', models.BooleanField()),
                ('machine', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='readings', to='predictions.machine')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('machine', 'at'), name='predictions_reading_once')],
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nIF TG_OP = 'DELETE' AND EXISTS (\n    SELECT 1 FROM predictions_readingremoval told\n    WHERE told.machine_id = OLD.machine_id AND told.until > OLD.at\n) THEN\n    RETURN OLD;\nEND IF;\nRAISE EXCEPTION 'Cannot update or delete rows from % table', TG_TABLE_NAME;\n", hash='68879a9957bd85111427bd08001fb89b11771888', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_4a50d', table='predictions_seriesreading', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='ItemWindow',
            fields=[
                ('item', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='window', serialize=False, to='predictions.item')),
                ('starts_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('last_reading_id', models.BigIntegerField()),
                ('n_readings', models.PositiveIntegerField()),
                ('columns_version', models.PositiveSmallIntegerField()),
                ('machine', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='windows', to='predictions.machine')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('machine', 'ends_at'), name='predictions_window_once'), models.CheckConstraint(condition=models.Q(('n_readings__gt', 0), ('starts_at__lt', models.F('ends_at'))), name='predictions_window_holds_readings')],
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='476bae339617387435c2b7c2289080dd743aafc7', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_f5590', table='predictions_itemwindow', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='MachineFailure',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('kind', models.CharField(blank=True, default='', max_length=50)),
                ('received_at', models.DateTimeField()),
                ('machine', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='failures', to='predictions.machine')),
                ('received_from', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('machine', 'at'), name='predictions_failure_once')],
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='10e9f9915227f18e98705f16662ff41c5345454d', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_aba42', table='predictions_machinefailure', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='KeptFile',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('purpose', models.CharField(choices=[('readings', 'Readings'), ('failures', 'Failures')], max_length=8)),
                ('name', models.CharField(max_length=200)),
                ('n_bytes', models.PositiveBigIntegerField()),
                ('created_at', models.DateTimeField(db_index=True)),
                ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='predictions.workflow')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('purpose__in', ['readings', 'failures'])), name='predictions_keptfile_purpose_known')],
            },
        ),
        migrations.CreateModel(
            name='FailureWithdrawal',
            fields=[
                ('failure', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='withdrawal', serialize=False, to='predictions.machinefailure')),
                ('reason', models.CharField(max_length=500)),
                ('at', models.DateTimeField()),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='predictions_withdrawal_says_why')],
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='dce5fdc2a38eb799006dfa3742f93c57d8265cb2', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_1a063', table='predictions_failurewithdrawal', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='ReadingRemoval',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('until', models.DateTimeField()),
                ('n_readings', models.PositiveIntegerField()),
                ('keep_days', models.PositiveIntegerField()),
                ('at', models.DateTimeField()),
                ('machine', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='removals', to='predictions.machine')),
            ],
            options={
                'indexes': [models.Index(fields=['machine', 'until'], name='predictions_removal_until')],
                'constraints': [models.CheckConstraint(condition=models.Q(('keep_days__gt', 0), ('n_readings__gt', 0), ('until__lt', models.F('at'))), name='predictions_removal_of_old_ones')],
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='ad1840008d967815c8a2fea01f2ebe168bdcf465', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_8a839', table='predictions_readingremoval', when='BEFORE'))],
            },
        ),
    ]
