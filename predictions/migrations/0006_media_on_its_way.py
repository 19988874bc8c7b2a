import accounts.ids
import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '__first__'),
        ('predictions', '0005_structured_decisions'),
    ]

    operations = [
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
        migrations.AddField(
            model_name='mediafile',
            name='file',
            field=models.FileField(blank=True, default='', max_length=150, upload_to=''),
        ),
        migrations.RunSQL(
            """
            UPDATE predictions_mediafile
            SET file = 'media/' || left(sha256, 2) || '/' || sha256 || '-'
                       || replace(id::text, '-', '')
            WHERE status IN ('pending', 'ready', 'failed')
            """,
            migrations.RunSQL.noop,
        ),
        migrations.AddConstraint(
            model_name='mediafile',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ('pending', 'ready', 'failed')), models.Q(('file', ''), _negated=True)), models.Q(models.Q(('status__in', ('pending', 'ready', 'failed')), _negated=True), ('file', '')), _connector='OR'), name='predictions_media_has_its_file_iff_live'),
        ),
    ]
