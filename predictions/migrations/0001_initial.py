import accounts.ids
import django.contrib.postgres.indexes
import django.core.serializers.json
import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0001_initial'),
        ('accounts', '__first__'),
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
                ('source', models.CharField(choices=[('api', 'Api'), ('command', 'Command'), ('upload', 'Upload'), ('demo', 'Demo')], max_length=10)),
                ('workflow_version', models.PositiveIntegerField()),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='items', to='predictions.workflow')),
            ],
            options={
                'indexes': [models.Index(fields=['workflow', '-id'], name='predictions_item_newest'), models.Index(condition=models.Q(('subject', ''), _negated=True), fields=['workflow', 'subject', '-occurred_at'], name='predictions_item_subject')],
                'constraints': [models.UniqueConstraint(fields=('workflow', 'external_id'), name='predictions_item_external_id_unique')],
            },
        ),
        migrations.CreateModel(
            name='ModelVersion',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField()),
                ('name', models.CharField(blank=True, default='', max_length=200)),
                ('stage', models.CharField(choices=[('candidate', 'Candidate'), ('shadow', 'Shadow'), ('challenger', 'Challenger'), ('champion', 'Champion'), ('retired', 'Retired')], default='candidate', max_length=10)),
                ('artifact', models.FileField(max_length=300, upload_to='artifacts/')),
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
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('workflow', 'number'), name='predictions_model_number_unique'), models.UniqueConstraint(condition=models.Q(('stage', 'champion')), fields=('workflow',), name='predictions_model_one_champion'), models.CheckConstraint(condition=models.Q(('stage__in', ['candidate', 'shadow', 'challenger', 'champion', 'retired'])), name='predictions_model_stage_known'), models.CheckConstraint(condition=models.Q(('threshold__gt', 0), ('threshold__lt', 1)), name='predictions_model_threshold_in_unit')],
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
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('item', 'model_version'), name='predictions_prediction_unique'), models.CheckConstraint(condition=models.Q(('probability', None), models.Q(('probability__gte', 0), ('probability__lte', 1)), _connector='OR'), name='predictions_prediction_probability_in_unit'), models.CheckConstraint(condition=models.Q(('confidence', None), models.Q(('confidence__gte', 0), ('confidence__lte', 1)), _connector='OR'), name='predictions_prediction_confidence_in_unit')],
            },
        ),
        migrations.CreateModel(
            name='Explanation',
            fields=[
                ('prediction', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='explanation', serialize=False, to='predictions.prediction')),
                ('contributions', models.JSONField()),
                ('created_at', models.DateTimeField()),
            ],
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
            ],
            options={
                'indexes': [models.Index(fields=['model_version', '-at'], name='predictions_model_event_new')],
            },
        ),
        migrations.CreateModel(
            name='QuarantinedItem',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('external_id', models.CharField(blank=True, default='', max_length=200)),
                ('payload', models.JSONField(null=True)),
                ('errors', models.JSONField()),
                ('source', models.CharField(choices=[('api', 'Api'), ('command', 'Command'), ('upload', 'Upload'), ('demo', 'Demo')], max_length=10)),
                ('status', models.CharField(choices=[('open', 'Open'), ('resubmitted', 'Resubmitted'), ('discarded', 'Discarded')], default='open', max_length=12)),
                ('received_at', models.DateTimeField()),
                ('resolved_at', models.DateTimeField(null=True)),
                ('item', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='quarantined', to='predictions.item')),
                ('resolved_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='quarantined', to='predictions.workflow')),
            ],
            options={
                'indexes': [models.Index(fields=['workflow', 'status', '-id'], name='predictions_quarantine_newest'), models.Index(django.contrib.postgres.indexes.OpClass('external_id', name='text_pattern_ops'), models.F('workflow'), name='predictions_quarantine_ext')],
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
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='explanation',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='07cf5b7cf8b8a4fa184906e30c7eeee4a53e435c', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_f233d', table='predictions_explanation', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='item',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='c0dc234d6d822aff5d85ca0a9be573fb35f21d47', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_42b96', table='predictions_item', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='item',
            trigger=pgtrigger.compiler.Trigger(name='file_for_scoring', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO predictions_pendingscore (item_id, workflow_id, filed_at) SELECT id, workflow_id, received_at FROM stored; RETURN NULL;', hash='47940002afde5b4d02394dacf5ce8b989113ad02', level='STATEMENT', operation='INSERT', pgid='pgtrigger_file_for_scoring_f8632', referencing='REFERENCING NEW TABLE AS stored ', table='predictions_item', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='prediction',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='9f941486bd108bb0a3d7268c9e7863109a225ac9', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_66671', table='predictions_prediction', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='modelevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='a5a394fd895ed2eeeccd655fabe456ff1b721777', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_61840', table='predictions_modelevent', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='workflowversion',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='0f59989027004822cda9d0b0a3a7e06c70017f75', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_69d5f', table='predictions_workflowversion', when='BEFORE')),
        ),
    ]
