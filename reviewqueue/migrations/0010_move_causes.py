"""Autonomy is taken back by another champion, and by other terms."""

from django.db import migrations, models
from django.db.models import Q

CAUSES = [
    ("evidence", "Evidence"),
    ("shadow", "Shadow"),
    ("alarm", "Alarm"),
    ("bound", "Bound"),
    ("missing_audits", "Missing Audits"),
    ("reviewers", "Reviewers"),
    ("drift", "Drift"),
    ("champion", "Champion"),
    ("plan", "Plan"),
    ("by_hand", "By Hand"),
]


class Migration(migrations.Migration):
    dependencies = [("reviewqueue", "0009_repaired_are_no_readings")]

    operations = [
        migrations.AlterField(
            model_name="trustmove",
            name="cause",
            field=models.CharField(choices=CAUSES, max_length=14),
        ),
        migrations.RemoveConstraint(
            model_name="trustmove", name="reviewqueue_move_cause_known"
        ),
        migrations.AddConstraint(
            model_name="trustmove",
            constraint=models.CheckConstraint(
                condition=Q(cause__in=[key for key, _ in CAUSES]),
                name="reviewqueue_move_cause_known",
            ),
        ),
    ]
