"""What a new champion said in shadow: the look at it, and grants that rest on it."""

import django.core.serializers.json
from django.db import migrations, models
from django.db.models import F, Q

BEFORE = [
    ("evidence", "Evidence"),
    ("alarm", "Alarm"),
    ("bound", "Bound"),
    ("missing_audits", "Missing Audits"),
    ("reviewers", "Reviewers"),
    ("drift", "Drift"),
    ("by_hand", "By Hand"),
]
AFTER = [BEFORE[0], ("shadow", "Shadow"), *BEFORE[1:]]


class Migration(migrations.Migration):
    dependencies = [("reviewqueue", "0004_drift_distance")]

    operations = [
        migrations.AddField(
            model_name="segment",
            name="shadow_share",
            field=models.FloatField(default=0),
        ),
        migrations.AddField(
            model_name="segment",
            name="shadow",
            field=models.JSONField(
                encoder=django.core.serializers.json.DjangoJSONEncoder, null=True
            ),
        ),
        migrations.AddConstraint(
            model_name="segment",
            constraint=models.CheckConstraint(
                condition=Q(shadow_share__gte=0, shadow_share__lt=1)
                & (Q(shadow__isnull=True) | Q(shadow_share__gt=0)),
                name="reviewqueue_segment_shadow_has_its_share",
            ),
        ),
        migrations.AlterField(
            model_name="trustmove",
            name="cause",
            field=models.CharField(choices=AFTER, max_length=14),
        ),
        migrations.RemoveConstraint(
            model_name="trustmove", name="reviewqueue_move_cause_known"
        ),
        migrations.AddConstraint(
            model_name="trustmove",
            constraint=models.CheckConstraint(
                condition=Q(cause__in=[key for key, _ in AFTER]),
                name="reviewqueue_move_cause_known",
            ),
        ),
        migrations.RemoveConstraint(
            model_name="trustmove", name="reviewqueue_move_one_step_down_or_all_up"
        ),
        migrations.AddConstraint(
            model_name="trustmove",
            constraint=models.CheckConstraint(
                condition=Q(kind="grant", to_level=F("from_level") + 1)
                | Q(kind="grant", cause="shadow", to_level__gt=F("from_level"))
                | Q(kind="withdraw", to_level=0, from_level__gt=0),
                name="reviewqueue_move_one_step_down_or_all_up",
            ),
        ),
    ]
