"""Who retired a gold item; of what was retired before only the note says it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('predictions', '0001_initial'),
        ('reviewqueue', '0006_undone_gold'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='golditem',
            name='retired_by',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='golditem',
            constraint=models.CheckConstraint(condition=models.Q(('retired_by', None), ('retired_at__isnull', False), _connector='OR'), name='reviewqueue_gold_retired_by_once_retired'),
        ),
    ]
