"""How far scores or inputs may move before autonomy is taken back."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("reviewqueue", "0003_earned_autonomy")]

    operations = [
        migrations.AddField(
            model_name="trustplan",
            name="drift_distance",
            field=models.FloatField(default=0.25),
            preserve_default=False,
        ),
        migrations.RemoveConstraint(
            model_name="trustplan", name="reviewqueue_plan_shares_in_unit"
        ),
        migrations.AddConstraint(
            model_name="trustplan",
            constraint=models.CheckConstraint(
                condition=Q(
                    min_share__gte=0,
                    min_share__lte=1,
                    gold_share__gte=0,
                    gold_share__lte=0.5,
                    gold_floor__gte=0,
                    gold_floor__lte=1,
                    drift_distance__gt=0,
                    drift_distance__lte=1,
                    review_minutes__gt=0,
                ),
                name="reviewqueue_plan_shares_in_unit",
            ),
        ),
    ]
