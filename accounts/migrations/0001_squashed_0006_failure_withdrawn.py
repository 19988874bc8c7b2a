"""The tables of accounts in one step, for new databases.

Others go along what it replaces. Triggers in the options are made with their table.
The name sorts behind `0001_initial`: where that one is all there is, `__first__`
must mean it, as it did when others were applied after it.
"""

import accounts.ids
import accounts.models
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import pgtrigger.compiler
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('accounts', '0001_initial'), ('accounts', '0002_must_change_password'), ('accounts', '0003_wants_alert_mails'), ('accounts', '0004_sites'), ('accounts', '0005_personal_seen'), ('accounts', '0006_failure_withdrawn')]

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='Scope',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('slug', models.SlugField(max_length=80, unique=True)),
                ('name', models.CharField(max_length=200)),
            ],
        ),
        migrations.CreateModel(
            name='User',
            fields=[
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('username', models.CharField(max_length=150, unique=True, validators=[django.core.validators.RegexValidator('^[a-z0-9][a-z0-9._@+-]{0,149}$', 'Use lower-case letters, digits and . _ @ + - only, and begin with a letter or digit.')])),
                ('email', models.EmailField(blank=True, default='', max_length=254)),
                ('name', models.CharField(blank=True, default='', max_length=150)),
                ('is_service', models.BooleanField(default=False)),
                ('is_active', models.BooleanField(default=True)),
                ('is_staff', models.BooleanField(default=False)),
                ('key_bindings', models.JSONField(blank=True, default=dict)),
                ('pseudonym', models.CharField(default=accounts.models.new_pseudonym, editable=False, max_length=20, unique=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
                ('must_change_password', models.BooleanField(default=False)),
                ('wants_alert_mails', models.BooleanField(default=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('username', django.db.models.functions.text.Lower('username'))), name='accounts_user_username_lower'), models.UniqueConstraint(django.db.models.functions.text.Lower('email'), condition=models.Q(('email', ''), _negated=True), name='accounts_user_email_unique', violation_error_message='Another account has this e-mail address.')],
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('role', models.CharField(choices=[('reviewer', 'Reviewer'), ('adjudicator', 'Adjudicator'), ('supervisor', 'Supervisor'), ('engineer', 'Engineer'), ('auditor', 'Auditor')], max_length=20)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('granted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL)),
                ('scope', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='accounts.scope')),
                ('site_ids', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), blank=True, null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'scope', 'role'), name='accounts_membership_unique'), models.CheckConstraint(condition=models.Q(('role__in', ['reviewer', 'adjudicator', 'supervisor', 'engineer', 'auditor'])), name='accounts_membership_role_known')],
            },
        ),
        migrations.CreateModel(
            name='ApiKey',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100)),
                ('prefix', models.CharField(editable=False, max_length=20, unique=True)),
                ('secret_hash', models.CharField(editable=False, max_length=64)),
                ('verbs', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40))),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('last_used_at', models.DateTimeField(blank=True, null=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='api_keys', to=settings.AUTH_USER_MODEL)),
                ('scope', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='api_keys', to='accounts.scope')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('expires_at', None), ('expires_at__gt', models.F('created_at')), _connector='OR'), name='accounts_apikey_expires_after_creation')],
            },
        ),
        migrations.CreateModel(
            name='AccessEvent',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('user_created', 'User created'), ('user_deactivated', 'User deactivated'), ('user_reactivated', 'User reactivated'), ('password_set', 'Password set by an admin'), ('password_changed', 'Password changed'), ('password_reset', 'Password reset by mail'), ('role_granted', 'Role granted'), ('role_revoked', 'Role revoked'), ('sites_limited', 'Sites of a member set'), ('site_declared', 'Site declared'), ('site_changed', 'Site renamed, archived or restored'), ('key_created', 'API key created'), ('key_revoked', 'API key revoked'), ('personal_seen', 'Masked personal data looked at'), ('failure_withdrawn', 'Failure of a machine withdrawn'), ('sign_in_locked', 'Sign-in locked after repeated failures')], max_length=30)),
                ('data', models.JSONField(default=dict)),
                ('at', models.DateTimeField()),
                ('actor', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('subject', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='access_events', to=settings.AUTH_USER_MODEL)),
                ('scope', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.scope')),
            ],
            options={
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='c6bdf1d5b84fff1edfaab0faac7fba8956cd63ea', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_d47d5', table='accounts_accessevent', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='Site',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=50, validators=[django.core.validators.RegexValidator('^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$', 'Use letters, digits and . _ - only, and begin with a letter or digit.')])),
                ('name', models.CharField(max_length=200)),
                ('archived_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('scope', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sites', to='accounts.scope')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('scope', 'key'), name='accounts_site_key_unique')],
                'triggers': [pgtrigger.compiler.Trigger(name='never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='34e7d129f41e8a57fade2fa13cd2be6f26667966', operation='DELETE', pgid='pgtrigger_never_deleted_17cc5', table='accounts_site', when='BEFORE'))],
            },
        ),
    ]
