from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('predictions', '0009_sites'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='modelversion',
            name='predictions_model_has_its_source',
        ),
        migrations.AlterField(
            model_name='modelversion',
            name='kind',
            field=models.CharField(choices=[('artifact', 'Artifact'), ('http', 'Http'), ('speech', 'Speech')], default='artifact', max_length=8),
        ),
        migrations.AddConstraint(
            model_name='modelversion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('artifact', ''), ('kind', 'http'), models.Q(('endpoint', ''), _negated=True)), models.Q(('endpoint', ''), ('kind__in', ('artifact', 'speech')), models.Q(('artifact', ''), _negated=True)), _connector='OR'), name='predictions_model_has_its_source'),
        ),
    ]
