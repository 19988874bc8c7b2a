import accounts.ids
import django.core.serializers.json
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '__first__'),
        ('predictions', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Policy',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('version', models.PositiveIntegerField()),
                ('mode', models.CharField(choices=[('all', 'All'), ('above', 'Above'), ('between', 'Between')], max_length=10)),
                ('low', models.FloatField(default=0)),
                ('high', models.FloatField(default=1)),
                ('audit_share', models.FloatField()),
                ('blind_share', models.FloatField()),
                ('second_opinion_share', models.FloatField()),
                ('seed', models.BigIntegerField()),
                ('reason', models.TextField(blank=True, default='')),
                ('created_at', models.DateTimeField()),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('workflow', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='policies', to='predictions.workflow')),
            ],
            options={
                'verbose_name_plural': 'policies',
                'constraints': [models.UniqueConstraint(fields=('workflow', 'version'), name='reviewqueue_policy_version_unique'), models.CheckConstraint(condition=models.Q(('mode__in', ['all', 'above', 'between'])), name='reviewqueue_policy_mode_known'), models.CheckConstraint(condition=models.Q(('high__lte', 1), ('low__gte', 0), ('low__lte', models.F('high'))), name='reviewqueue_policy_thresholds_ordered'), models.CheckConstraint(condition=models.Q(('audit_share__gt', 0), ('audit_share__lte', 1)), name='reviewqueue_policy_audit_share_above_zero'), models.CheckConstraint(condition=models.Q(('blind_share__gte', 0), ('blind_share__lte', 1), ('second_opinion_share__gte', 0), ('second_opinion_share__lte', 1)), name='reviewqueue_policy_shares_in_unit')],
            },
        ),
        migrations.CreateModel(
            name='Route',
            fields=[
                ('item', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='route', serialize=False, to='predictions.item')),
                ('kind', models.CharField(choices=[('auto', 'Auto'), ('review', 'Review')], max_length=6)),
                ('reason', models.CharField(choices=[('policy', 'Policy'), ('audit', 'Audit'), ('passed', 'Passed'), ('no_champion', 'No Champion'), ('model_failed', 'Model Failed'), ('uncalibrated', 'Uncalibrated')], max_length=12)),
                ('label', models.CharField(blank=True, default='', max_length=50)),
                ('score', models.FloatField(null=True)),
                ('probability', models.FloatField(null=True)),
                ('threshold', models.FloatField(null=True)),
                ('review_probability', models.FloatField()),
                ('draw', models.FloatField()),
                ('blind', models.BooleanField()),
                ('second_opinion', models.BooleanField()),
                ('routed_at', models.DateTimeField()),
                ('model_version', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='routes', to='predictions.modelversion')),
                ('policy', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='routes', to='reviewqueue.policy')),
                ('prediction', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='route', to='predictions.prediction')),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='routes', to='predictions.workflow')),
            ],
            options={
                'indexes': [models.Index(fields=['workflow', 'routed_at'], name='reviewqueue_route_by_time')],
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['auto', 'review']), ('reason__in', ['policy', 'audit', 'passed', 'no_champion', 'model_failed', 'uncalibrated'])), name='reviewqueue_route_kind_and_reason_known'), models.CheckConstraint(condition=models.Q(('review_probability__gt', 0), ('review_probability__lte', 1)), name='reviewqueue_route_review_probability_above_zero'), models.CheckConstraint(condition=models.Q(('draw__gte', 0), ('draw__lt', 1)), name='reviewqueue_route_draw_in_unit'), models.CheckConstraint(condition=models.Q(models.Q(('draw__lt', models.F('review_probability')), ('kind', 'review')), models.Q(('draw__gte', models.F('review_probability')), ('kind', 'auto')), _connector='OR'), name='reviewqueue_route_kind_follows_draw'), models.CheckConstraint(condition=models.Q(('kind', 'review'), ('prediction__isnull', False), _connector='OR'), name='reviewqueue_route_auto_has_prediction')],
            },
        ),
        migrations.CreateModel(
            name='Case',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('review', 'Review'), ('second', 'Second'), ('adjudication', 'Adjudication')], max_length=12)),
                ('queue', models.CharField(choices=[('review', 'Review'), ('adjudication', 'Adjudication')], max_length=12)),
                ('status', models.CharField(choices=[('pending', 'Pending'), ('leased', 'Leased'), ('snoozed', 'Snoozed'), ('decided', 'Decided'), ('escalated', 'Escalated'), ('withdrawn', 'Withdrawn')], default='pending', max_length=10)),
                ('round', models.PositiveSmallIntegerField(default=1)),
                ('blind', models.BooleanField()),
                ('priority', models.FloatField()),
                ('due_at', models.DateTimeField()),
                ('created_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(null=True)),
                ('snoozed_until', models.DateTimeField(null=True)),
                ('lease_token', models.UUIDField(null=True)),
                ('lease_slot', models.PositiveSmallIntegerField(null=True)),
                ('leased_at', models.DateTimeField(null=True)),
                ('lease_expires_at', models.DateTimeField(null=True)),
                ('opened_at', models.DateTimeField(null=True)),
                ('assigned_to', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='assigned_cases', to=settings.AUTH_USER_MODEL)),
                ('excluded_reviewer', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('item', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='predictions.item')),
                ('leased_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='leased_cases', to=settings.AUTH_USER_MODEL)),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='predictions.workflow')),
                ('route', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='reviewqueue.route')),
            ],
            options={
                'indexes': [models.Index(models.F('workflow'), models.F('queue'), models.OrderBy(models.F('priority'), descending=True), models.F('due_at'), models.F('id'), condition=models.Q(('status__in', ('pending', 'leased'))), name='reviewqueue_case_claimable'), models.Index(condition=models.Q(('assigned_to__isnull', False), ('status__in', ('pending', 'leased'))), fields=['assigned_to', 'workflow'], name='reviewqueue_case_assigned'), models.Index(condition=models.Q(('status', 'snoozed')), fields=['workflow', 'snoozed_until'], name='reviewqueue_case_snoozed'), models.Index(fields=['workflow', 'status', '-id'], name='reviewqueue_case_newest'), models.Index(condition=models.Q(('status', 'leased')), fields=['lease_expires_at'], name='reviewqueue_case_expiry')],
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['review', 'second', 'adjudication']), ('queue__in', ['review', 'adjudication']), ('status__in', ['pending', 'leased', 'snoozed', 'decided', 'escalated', 'withdrawn'])), name='reviewqueue_case_states_known'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'leased'), ('lease_expires_at__isnull', False), ('lease_slot__isnull', False), ('lease_token__isnull', False), ('leased_at__isnull', False), ('leased_by__isnull', False)), models.Q(models.Q(('status', 'leased'), _negated=True), ('lease_expires_at', None), ('lease_slot', None), ('lease_token', None), ('leased_at', None), ('leased_by', None)), _connector='OR'), name='reviewqueue_case_lease_iff_leased'), models.CheckConstraint(condition=models.Q(models.Q(('snoozed_until__isnull', False), ('status', 'snoozed')), models.Q(models.Q(('status', 'snoozed'), _negated=True), ('snoozed_until', None)), _connector='OR'), name='reviewqueue_case_snoozed_until_iff_snoozed'), models.CheckConstraint(condition=models.Q(models.Q(('closed_at', None), ('status__in', ('pending', 'leased', 'snoozed'))), models.Q(models.Q(('status__in', ('pending', 'leased', 'snoozed')), _negated=True), ('closed_at__isnull', False)), _connector='OR'), name='reviewqueue_case_closed_at_iff_closed'), models.CheckConstraint(condition=models.Q(('leased_by', None), ('excluded_reviewer', None), models.Q(('leased_by', models.F('excluded_reviewer')), _negated=True), _connector='OR'), name='reviewqueue_case_second_reader_differs'), models.UniqueConstraint(condition=models.Q(('status', 'leased')), fields=('leased_by', 'workflow', 'lease_slot'), name='reviewqueue_case_lease_slot_unique'), models.UniqueConstraint(condition=models.Q(('status__in', ('pending', 'leased', 'snoozed'))), fields=('item', 'kind'), name='reviewqueue_case_one_open_per_kind')],
            },
        ),
        migrations.CreateModel(
            name='Decision',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('round', models.PositiveSmallIntegerField()),
                ('case_kind', models.CharField(choices=[('review', 'Review'), ('second', 'Second'), ('adjudication', 'Adjudication')], max_length=12)),
                ('verdict', models.CharField(choices=[('confirm', 'Confirm'), ('override', 'Override'), ('unsure', 'Unsure')], max_length=8)),
                ('label', models.CharField(blank=True, default='', max_length=50)),
                ('reason_code', models.CharField(blank=True, default='', max_length=50)),
                ('note', models.TextField(blank=True, default='')),
                ('blind', models.BooleanField()),
                ('recommended_label', models.CharField(blank=True, default='', max_length=50)),
                ('probability', models.FloatField(null=True)),
                ('claimed_at', models.DateTimeField()),
                ('opened_at', models.DateTimeField()),
                ('decided_at', models.DateTimeField()),
                ('case', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='reviewqueue.case')),
                ('item', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='predictions.item')),
                ('model_version', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='predictions.modelversion')),
                ('reviewer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to=settings.AUTH_USER_MODEL)),
                ('supersedes', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='superseded_by', to='reviewqueue.decision')),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='predictions.workflow')),
            ],
            options={
                'indexes': [models.Index(fields=['workflow', 'decided_at', 'id'], name='reviewqueue_decision_by_time'), models.Index(fields=['reviewer', 'workflow', '-decided_at'], name='reviewqueue_decision_reviewer')],
                'constraints': [models.UniqueConstraint(fields=('case', 'round'), name='reviewqueue_decision_one_per_round'), models.CheckConstraint(condition=models.Q(('case_kind__in', ['review', 'second', 'adjudication']), ('verdict__in', ['confirm', 'override', 'unsure'])), name='reviewqueue_decision_verdict_known'), models.CheckConstraint(condition=models.Q(models.Q(('label', ''), ('verdict', 'unsure')), models.Q(models.Q(('verdict', 'unsure'), _negated=True), models.Q(('label', ''), _negated=True)), _connector='OR'), name='reviewqueue_decision_label_iff_sure'), models.CheckConstraint(condition=models.Q(models.Q(('verdict', 'confirm'), _negated=True), ('label', models.F('recommended_label')), _connector='OR'), name='reviewqueue_decision_confirm_is_recommended'), models.CheckConstraint(condition=models.Q(models.Q(('verdict', 'override'), _negated=True), models.Q(('label', models.F('recommended_label')), _negated=True), _connector='OR'), name='reviewqueue_decision_override_differs')],
            },
        ),
        migrations.CreateModel(
            name='CaseNote',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('text', models.TextField(max_length=4000)),
                ('at', models.DateTimeField()),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notes', to='reviewqueue.case')),
            ],
        ),
        migrations.CreateModel(
            name='CaseSkip',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('reason', models.CharField(blank=True, default='', max_length=500)),
                ('at', models.DateTimeField()),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='skips', to='reviewqueue.case')),
                ('reviewer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('case', 'reviewer'), name='reviewqueue_skip_once')],
            },
        ),
        migrations.CreateModel(
            name='Retraction',
            fields=[
                ('decision', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='retraction', serialize=False, to='reviewqueue.decision')),
                ('kind', models.CharField(choices=[('undo', 'Undo'), ('amend', 'Amend')], max_length=5)),
                ('reason', models.TextField(blank=True, default='')),
                ('at', models.DateTimeField()),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='IdempotencyKey',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=200)),
                ('request_hash', models.CharField(max_length=64)),
                ('status', models.PositiveSmallIntegerField()),
                ('body', models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ('created_at', models.DateTimeField(db_index=True)),
                ('owner', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('owner', 'key'), name='reviewqueue_idempotency_key_unique')],
            },
        ),
        migrations.CreateModel(
            name='Outcome',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('label', models.CharField(max_length=50)),
                ('observed_at', models.DateTimeField()),
                ('received_at', models.DateTimeField()),
                ('item', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='outcomes', to='predictions.item')),
                ('received_from', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='outcomes', to='predictions.workflow')),
            ],
            options={
                'indexes': [models.Index(fields=['workflow', 'received_at'], name='reviewqueue_outcome_by_time')],
                'constraints': [models.UniqueConstraint(fields=('item', 'label', 'observed_at'), name='reviewqueue_outcome_once')],
            },
        ),
        migrations.CreateModel(
            name='Label',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('version', models.PositiveIntegerField()),
                ('label', models.CharField(blank=True, default='', max_length=50)),
                ('source', models.CharField(choices=[('decision', 'Decision'), ('adjudication', 'Adjudication'), ('outcome', 'Outcome'), ('retracted', 'Retracted')], max_length=12)),
                ('created_at', models.DateTimeField()),
                ('decision', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='labels', to='reviewqueue.decision')),
                ('item', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='labels', to='predictions.item')),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='labels', to='predictions.workflow')),
                ('outcome', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='labels', to='reviewqueue.outcome')),
            ],
            options={
                'indexes': [models.Index(fields=['workflow', 'created_at', 'id'], name='reviewqueue_label_by_time')],
                'constraints': [models.UniqueConstraint(fields=('item', 'version'), name='reviewqueue_label_version_unique'), models.CheckConstraint(condition=models.Q(models.Q(('label', ''), ('source', 'retracted')), models.Q(models.Q(('source', 'retracted'), _negated=True), models.Q(('label', ''), _negated=True)), _connector='OR'), name='reviewqueue_label_empty_iff_retracted'), models.CheckConstraint(condition=models.Q(models.Q(('source', 'outcome'), ('outcome__isnull', False)), models.Q(models.Q(('source', 'outcome'), _negated=True), ('decision__isnull', False)), _connector='OR'), name='reviewqueue_label_has_its_source')],
            },
        ),
        migrations.CreateModel(
            name='Snapshot',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('as_of', models.DateTimeField()),
                ('filters', models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ('status', models.CharField(choices=[('queued', 'Queued'), ('building', 'Building'), ('ready', 'Ready'), ('failed', 'Failed')], default='queued', max_length=8)),
                ('n_rows_expected', models.PositiveIntegerField(null=True)),
                ('n_rows', models.PositiveIntegerField(default=0)),
                ('file', models.FileField(blank=True, max_length=300, upload_to='snapshots/')),
                ('sha256', models.CharField(blank=True, default='', max_length=64)),
                ('datasheet', models.JSONField(null=True)),
                ('failure', models.TextField(blank=True, default='')),
                ('builder_token', models.UUIDField(null=True)),
                ('heartbeat_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('workflow', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='snapshots', to='predictions.workflow')),
            ],
            options={
                'indexes': [models.Index(fields=['workflow', '-id'], name='reviewqueue_snapshot_newest'), models.Index(condition=models.Q(('status__in', ('queued', 'building'))), fields=['status', 'heartbeat_at'], name='reviewqueue_snapshot_waiting')],
                'constraints': [models.CheckConstraint(condition=models.Q(('status__in', ['queued', 'building', 'ready', 'failed'])), name='reviewqueue_snapshot_status_known'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'ready'), _negated=True), models.Q(models.Q(('sha256', ''), _negated=True), ('finished_at__isnull', False)), _connector='OR'), name='reviewqueue_snapshot_ready_is_hashed')],
            },
        ),
        migrations.CreateModel(
            name='CaseEvent',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('opened', 'Opened'), ('claimed', 'Claimed'), ('released', 'Released'), ('expired', 'Expired'), ('skipped', 'Skipped'), ('snoozed', 'Snoozed'), ('woken', 'Woken'), ('escalated', 'Escalated'), ('decided', 'Decided'), ('undone', 'Undone'), ('amended', 'Amended'), ('reassigned', 'Reassigned'), ('withdrawn', 'Withdrawn')], max_length=12)),
                ('from_status', models.CharField(blank=True, default='', max_length=10)),
                ('to_status', models.CharField(max_length=10)),
                ('reason', models.TextField(blank=True, default='')),
                ('at', models.DateTimeField()),
                ('actor', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('case', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='reviewqueue.case')),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='predictions.workflow')),
            ],
            options={
                'indexes': [models.Index(fields=['case', 'id'], name='reviewqueue_event_case')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='caseevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='f2700c0fec39696576935c612cb68d315edaf945', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_779ee', table='reviewqueue_caseevent', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='casenote',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='a8573925a9b6331fa0589d65e86e5c6d5ce5d58d', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_852e5', table='reviewqueue_casenote', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='decision',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='7bdc530d5844d2970c9cc8c8f7287c4d1abee12c', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_22712', table='reviewqueue_decision', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='outcome',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='df0fe0295416242063ea5e00ad82d2804fdd00f9', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_1eabd', table='reviewqueue_outcome', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='label',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='00995736eafdb709ae05b57f0502ece8cbfe6b5a', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_ae007', table='reviewqueue_label', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='policy',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='c6d2e92a4b087a2d158b68d59c7a738958576f79', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_93bb1', table='reviewqueue_policy', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='route',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='c74e49756c352e15d322f6b8a437c14154e74ac0', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_c5bb1', table='reviewqueue_route', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='retraction',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='4ee7f711ab0d81f80c1bab9c2036fae5d667bda3', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_171c4', table='reviewqueue_retraction', when='BEFORE')),
        ),
    ]
