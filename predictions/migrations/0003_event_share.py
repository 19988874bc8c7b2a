from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('predictions', '0002_gates_and_kinds'),
    ]

    operations = [
        migrations.AddField(
            model_name='modelevent',
            name='route_share',
            field=models.FloatField(null=True),
        ),
    ]
