from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('predictions', '0007_novelty'),
        ('reviewqueue', '0015_snapshot_worker'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='route',
            name='reviewqueue_route_kind_and_reason_known',
        ),
        migrations.AlterField(
            model_name='route',
            name='reason',
            field=models.CharField(choices=[('policy', 'Policy'), ('audit', 'Audit'), ('passed', 'Passed'), ('no_champion', 'No Champion'), ('model_failed', 'Model Failed'), ('uncalibrated', 'Uncalibrated'), ('unlike', 'unlike what the model learnt from')], max_length=12),
        ),
        migrations.AddConstraint(
            model_name='route',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['auto', 'review']), ('reason__in', ['policy', 'audit', 'passed', 'no_champion', 'model_failed', 'uncalibrated', 'unlike'])), name='reviewqueue_route_kind_and_reason_known'),
        ),
    ]
