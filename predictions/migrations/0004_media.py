import accounts.ids
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '__first__'),
        ('predictions', '0003_event_share'),
    ]

    operations = [
        migrations.AlterField(
            model_name='item',
            name='source',
            field=models.CharField(choices=[('api', 'Api'), ('command', 'Command'), ('upload', 'Upload'), ('demo', 'Demo'), ('archive', 'Archive')], max_length=10),
        ),
        migrations.AlterField(
            model_name='quarantineditem',
            name='source',
            field=models.CharField(choices=[('api', 'Api'), ('command', 'Command'), ('upload', 'Upload'), ('demo', 'Demo'), ('archive', 'Archive')], max_length=10),
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
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('status__in', ('pending', 'ready', 'failed'))), fields=['workflow', 'source_sha256'], name='predictions_media_source'), models.Index(condition=models.Q(('status', 'pending')), fields=['id'], name='predictions_media_pending'), models.Index(condition=models.Q(('status', 'storing'), models.Q(('erased_at', None), ('status', 'removed')), _connector='OR'), fields=['uploaded_at'], name='predictions_media_leftover'), models.Index(condition=models.Q(('status__in', ('pending', 'ready', 'failed'))), fields=['workflow', 'uploaded_at'], name='predictions_media_oldest')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status__in', ('pending', 'ready', 'failed'))), fields=('workflow', 'sha256'), name='predictions_media_one_live_each'), models.CheckConstraint(condition=models.Q(('status__in', ['storing', 'pending', 'ready', 'failed', 'removed'])), name='predictions_media_status_known'), models.CheckConstraint(condition=models.Q(models.Q(('channels', None), ('height__gt', 0), ('height__isnull', False), ('kind', 'image'), ('sample_rate', None), ('seconds', None), ('width__gt', 0), ('width__isnull', False)), models.Q(('channels__gt', 0), ('channels__isnull', False), ('height', None), ('kind', 'audio'), ('sample_rate__gt', 0), ('sample_rate__isnull', False), ('seconds__gt', 0), ('seconds__isnull', False), ('width', None)), _connector='OR'), name='predictions_media_measured_as_its_kind'), models.CheckConstraint(condition=models.Q(models.Q(('removed_at__isnull', False), ('status', 'removed'), models.Q(('removed_why', ''), _negated=True)), models.Q(models.Q(('status', 'removed'), _negated=True), ('erased_at', None), ('removed_at', None), ('removed_by', None), ('removed_why', '')), _connector='OR'), name='predictions_media_removed_iff_said_why'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'failed'), models.Q(('failure', ''), _negated=True)), ('status', 'removed'), models.Q(('failure', ''), models.Q(('status', 'failed'), _negated=True)), _connector='OR'), name='predictions_media_failed_iff_said_why')],
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
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='mediafile',
            trigger=pgtrigger.compiler.Trigger(name='content_is_fixed', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."workflow_id" IS DISTINCT FROM (NEW."workflow_id") OR OLD."sha256" IS DISTINCT FROM (NEW."sha256") OR OLD."source_sha256" IS DISTINCT FROM (NEW."source_sha256") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."content_type" IS DISTINCT FROM (NEW."content_type") OR OLD."n_bytes" IS DISTINCT FROM (NEW."n_bytes") OR OLD."width" IS DISTINCT FROM (NEW."width") OR OLD."height" IS DISTINCT FROM (NEW."height") OR OLD."seconds" IS DISTINCT FROM (NEW."seconds") OR OLD."sample_rate" IS DISTINCT FROM (NEW."sample_rate") OR OLD."channels" IS DISTINCT FROM (NEW."channels") OR OLD."uploaded_by_id" IS DISTINCT FROM (NEW."uploaded_by_id") OR OLD."uploaded_at" IS DISTINCT FROM (NEW."uploaded_at"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='374ec1585368d9877d659814a13f8973c8459fce', operation='UPDATE', pgid='pgtrigger_content_is_fixed_57c07', table='predictions_mediafile', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='mediafile',
            trigger=pgtrigger.compiler.Trigger(name='stored_stays', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."status" IN (\'pending\', \'ready\', \'failed\', \'removed\'))', func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='de37dce5e38146f61c062cc489305a96729be49d', operation='DELETE', pgid='pgtrigger_stored_stays_3cc36', table='predictions_mediafile', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='mediafile',
            trigger=pgtrigger.compiler.Trigger(name='removed_is_final', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."status" = \'removed\' AND (NOT (NEW."status" = \'removed\') OR OLD."erased_at" IS NOT NULL OR OLD."removed_at" IS DISTINCT FROM (NEW."removed_at") OR OLD."removed_by_id" IS DISTINCT FROM (NEW."removed_by_id") OR OLD."removed_why" IS DISTINCT FROM (NEW."removed_why")))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='6f81d9a71d799ceffb9ca5ed961ee30e1e849570', operation='UPDATE', pgid='pgtrigger_removed_is_final_e6174', table='predictions_mediafile', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='mediaderivative',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='5c34752e064975b0a300489e029c204c3fe30432', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_3e6f1', table='predictions_mediaderivative', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='itemmedia',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='3a840caf5a6a13bfd1a0a5afec16247702428dde', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_e204d', table='predictions_itemmedia', when='BEFORE')),
        ),
    ]
