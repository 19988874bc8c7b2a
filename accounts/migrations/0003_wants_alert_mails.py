from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("accounts", "0002_must_change_password"),)

    operations = (
        migrations.AddField(
            model_name="user",
            name="wants_alert_mails",
            field=models.BooleanField(default=True),
        ),
    )
