import accounts.ids
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '__first__'),
        ('predictions', '0001_initial'),
    ]

    operations = [
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
            },
        ),
        migrations.AddField(
            model_name='modelversion',
            name='endpoint',
            field=models.CharField(blank=True, default='', max_length=500),
        ),
        migrations.AddField(
            model_name='modelversion',
            name='kind',
            field=models.CharField(choices=[('artifact', 'Artifact'), ('http', 'Http')], default='artifact', max_length=8),
        ),
        migrations.AddField(
            model_name='modelversion',
            name='reference',
            field=models.FileField(blank=True, default='', max_length=300, upload_to='references/'),
        ),
        migrations.AddField(
            model_name='modelversion',
            name='route_share',
            field=models.FloatField(default=0),
        ),
        migrations.AlterField(
            model_name='modelversion',
            name='artifact',
            field=models.FileField(blank=True, max_length=300, upload_to='artifacts/'),
        ),
        migrations.AddConstraint(
            model_name='modelversion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('artifact', ''), ('kind', 'http'), models.Q(('endpoint', ''), _negated=True)), models.Q(('endpoint', ''), ('kind', 'artifact'), models.Q(('artifact', ''), _negated=True)), _connector='OR'), name='predictions_model_has_its_source'),
        ),
        migrations.AddConstraint(
            model_name='modelversion',
            constraint=models.CheckConstraint(condition=models.Q(('route_share', 0), models.Q(('route_share__gt', 0), ('route_share__lte', 0.5), ('stage', 'challenger')), _connector='OR'), name='predictions_model_share_is_a_challengers'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='gatereport',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='a1cb150e3c92fb647a129534914e47dfe2de6545', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_6cd4e', table='predictions_gatereport', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='approval',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='0af2ed1c24b714e073bbb41557899ef1cd01c6a0', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_2e3e5', table='predictions_approval', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='waiver',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='3e2945534d2c12e68bf9fe3c4fac55528e47682f', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_fdf24', table='predictions_waiver', when='BEFORE')),
        ),
    ]
