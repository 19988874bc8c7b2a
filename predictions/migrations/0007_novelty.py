from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('predictions', '0006_media_on_its_way'),
    ]

    operations = [
        migrations.AddField(
            model_name='prediction',
            name='novelty',
            field=models.FloatField(null=True),
        ),
        migrations.AddConstraint(
            model_name='prediction',
            constraint=models.CheckConstraint(condition=models.Q(('novelty', None), models.Q(('novelty__gt', 0), ('novelty__lte', 1)), _connector='OR'), name='predictions_prediction_novelty_in_unit'),
        ),
    ]
