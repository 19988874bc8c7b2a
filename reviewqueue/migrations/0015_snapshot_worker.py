from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('reviewqueue', '0014_structured_decisions'),
    ]

    operations = [
        migrations.RenameField(
            model_name='snapshot',
            old_name='builder_token',
            new_name='worker_token',
        ),
    ]
