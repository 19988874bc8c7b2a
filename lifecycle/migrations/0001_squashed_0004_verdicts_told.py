"""The tables of lifecycle in one step, for new databases.

Others go along what it replaces. Triggers in the options are made with their table.
"""

import accounts.ids
import django.core.serializers.json
import django.db.models.deletion
import pgtrigger.compiler
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('lifecycle', '0001_initial'), ('lifecycle', '0002_gate_runs'), ('lifecycle', '0003_comparison_look'), ('lifecycle', '0004_verdicts_told')]

    initial = True

    dependencies = [
        ('accounts', '0001_squashed_0006_failure_withdrawn'),
        ('predictions', '0001_squashed_0014_reading_removals'),
        ('reviewqueue', '0001_squashed_0019_trusted_fields'),
    ]

    operations = [
        migrations.CreateModel(
            name='Alert',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('monitor', models.CharField(max_length=100)),
                ('kind', models.CharField(choices=[('infrastructure', 'Infrastructure'), ('model', 'Model'), ('business', 'Business')], max_length=14)),
                ('status', models.CharField(choices=[('raised', 'Raised'), ('acknowledged', 'Acknowledged'), ('resolved', 'Resolved')], default='raised', max_length=12)),
                ('says', models.CharField(max_length=300)),
                ('data', models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ('n_readings', models.PositiveIntegerField(default=1)),
                ('raised_at', models.DateTimeField()),
                ('last_seen_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='alerts', to='predictions.workflow')),
            ],
            options={
                'indexes': [models.Index(fields=['workflow', '-id'], name='lifecycle_alert_newest')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status__in', ('raised', 'acknowledged'))), fields=('workflow', 'monitor'), name='lifecycle_alert_one_open'), models.CheckConstraint(condition=models.Q(('status__in', ['raised', 'acknowledged', 'resolved'])), name='lifecycle_alert_status_known'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', False), ('status', 'resolved')), models.Q(models.Q(('status', 'resolved'), _negated=True), ('ended_at__isnull', True)), _connector='OR'), name='lifecycle_alert_resolved_is_dated')],
            },
        ),
        migrations.CreateModel(
            name='AlertEvent',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('status', models.CharField(choices=[('raised', 'Raised'), ('acknowledged', 'Acknowledged'), ('resolved', 'Resolved')], max_length=12)),
                ('note', models.CharField(blank=True, default='', max_length=500)),
                ('at', models.DateTimeField()),
                ('alert', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='lifecycle.alert')),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='7720fb54d4ca183c9d437d0cd0dce34322491734', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_cdf2b', table='lifecycle_alertevent', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='AlertMail',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('sent', 'Sent'), ('given_up', 'Given Up')], default='waiting', max_length=8)),
                ('n_tries', models.PositiveIntegerField(default=0)),
                ('next_at', models.DateTimeField()),
                ('said', models.CharField(blank=True, default='', max_length=200)),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mails', to='lifecycle.alertevent')),
                ('to', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('status', 'waiting')), fields=['next_at'], name='lifecycle_mail_waiting')],
                'constraints': [models.UniqueConstraint(fields=('event', 'to'), name='lifecycle_mail_once')],
            },
        ),
        migrations.CreateModel(
            name='Proof',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('restore', 'Restore'), ('rights', 'Rights')], max_length=7)),
                ('has_passed', models.BooleanField()),
                ('note', models.CharField(blank=True, default='', max_length=500)),
                ('data', models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ('at', models.DateTimeField()),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('workflow', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='proofs', to='predictions.workflow')),
            ],
            options={
                'indexes': [models.Index(fields=['kind', '-at'], name='lifecycle_proof_newest')],
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['restore', 'rights'])), name='lifecycle_proof_kind_known')],
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='45723d64b5f550d3c2f8b2b30fe64947eae5f2f5', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_3b78c', table='lifecycle_proof', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='Reading',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('monitor', models.CharField(max_length=100)),
                ('kind', models.CharField(choices=[('infrastructure', 'Infrastructure'), ('model', 'Model'), ('business', 'Business')], max_length=14)),
                ('verdict', models.CharField(choices=[('fine', 'Fine'), ('alarm', 'Alarm'), ('too_few', 'Too Few'), ('silent', 'Silent')], max_length=7)),
                ('value', models.FloatField(null=True)),
                ('n', models.PositiveBigIntegerField(default=0)),
                ('says', models.CharField(max_length=300)),
                ('data', models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ('at', models.DateTimeField()),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='readings', to='predictions.workflow')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('workflow', 'monitor', 'at'), name='lifecycle_reading_once'), models.CheckConstraint(condition=models.Q(('verdict__in', ['fine', 'alarm', 'too_few', 'silent'])), name='lifecycle_reading_verdict_known')],
            },
        ),
        migrations.CreateModel(
            name='TrainingRun',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('trigger', models.CharField(choices=[('hand', 'Hand'), ('schedule', 'Schedule'), ('labels', 'Labels'), ('drift', 'Drift')], max_length=8)),
                ('why', models.CharField(max_length=300)),
                ('asked', models.JSONField(default=list)),
                ('seed', models.PositiveIntegerField()),
                ('fingerprint', models.CharField(max_length=64)),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('declined', 'Declined'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='waiting', max_length=9)),
                ('step', models.CharField(blank=True, default='', max_length=200)),
                ('n_done', models.PositiveIntegerField(default=0)),
                ('n_steps', models.PositiveIntegerField(default=0)),
                ('is_cancel_asked', models.BooleanField(default=False)),
                ('problems', models.JSONField(null=True)),
                ('report', models.JSONField(null=True)),
                ('said', models.TextField(blank=True, default='')),
                ('worker_token', models.UUIDField(null=True)),
                ('heartbeat_at', models.DateTimeField(null=True)),
                ('n_tries', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField()),
                ('started_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('snapshot', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='training_runs', to='reviewqueue.snapshot')),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='training_runs', to='predictions.workflow')),
            ],
            options={
                'indexes': [models.Index(fields=['workflow', '-id'], name='lifecycle_run_newest'), models.Index(condition=models.Q(('status__in', ('waiting', 'running'))), fields=['status', 'heartbeat_at'], name='lifecycle_run_open')],
                'constraints': [models.CheckConstraint(condition=models.Q(('status__in', ['waiting', 'running', 'done', 'declined', 'failed', 'cancelled'])), name='lifecycle_run_status_known'), models.CheckConstraint(condition=models.Q(('trigger__in', ['hand', 'schedule', 'labels', 'drift'])), name='lifecycle_run_trigger_known'), models.CheckConstraint(condition=models.Q(('status', 'declined'), ('snapshot__isnull', False), _connector='OR'), name='lifecycle_run_has_snapshot'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('status__in', ('waiting', 'running'))), models.Q(models.Q(('status__in', ('waiting', 'running')), _negated=True), ('ended_at__isnull', False)), _connector='OR'), name='lifecycle_run_ended_is_dated'), models.UniqueConstraint(condition=models.Q(('status__in', ('waiting', 'running', 'done'))), fields=('workflow', 'fingerprint'), name='lifecycle_run_once')],
            },
        ),
        migrations.CreateModel(
            name='GateRun',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('gates', models.JSONField()),
                ('fingerprint', models.CharField(max_length=64)),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='waiting', max_length=7)),
                ('step', models.CharField(blank=True, default='', max_length=200)),
                ('n_done', models.PositiveIntegerField(default=0)),
                ('n_steps', models.PositiveIntegerField(default=0)),
                ('said', models.TextField(blank=True, default='')),
                ('worker_token', models.UUIDField(null=True)),
                ('heartbeat_at', models.DateTimeField(null=True)),
                ('n_tries', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('champion', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='predictions.modelversion')),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('model_version', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='gate_runs', to='predictions.modelversion')),
                ('snapshot', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='gate_runs', to='reviewqueue.snapshot')),
            ],
            options={
                'indexes': [models.Index(fields=['model_version', '-id'], name='lifecycle_gate_run_newest'), models.Index(condition=models.Q(('status__in', ('waiting', 'running'))), fields=['status', 'heartbeat_at'], name='lifecycle_gate_run_open')],
                'constraints': [models.CheckConstraint(condition=models.Q(('status__in', ['waiting', 'running', 'done', 'failed'])), name='lifecycle_gate_run_status_known'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('status__in', ('waiting', 'running'))), models.Q(models.Q(('status__in', ('waiting', 'running')), _negated=True), ('ended_at__isnull', False)), _connector='OR'), name='lifecycle_gate_run_ended_is_dated'), models.UniqueConstraint(condition=models.Q(('status__in', ('waiting', 'running'))), fields=('model_version', 'fingerprint'), name='lifecycle_gate_run_once')],
            },
        ),
        migrations.CreateModel(
            name='ComparisonLook',
            fields=[
                ('challenger', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to='predictions.modelversion')),
                ('since', models.DateTimeField()),
                ('looked_at', models.DateTimeField()),
                ('report', models.JSONField()),
                ('champion', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='predictions.modelversion')),
                ('told', models.JSONField(default=list)),
            ],
        ),
    ]
