"""Import an MLflow model with the scikit-learn flavour."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand
from django.utils import timezone

from predictions.learning.features import columns_to_json
from predictions.learning.mlflow_models import (
    MlflowRefused,
    columns_for,
    read_mlflow_model,
)
from predictions.management.lookups import refusals_in_words, workflow_by_slug
from predictions.services.columns import model_columns
from predictions.services.registry import (
    ModelDescription,
    RegistrationRefused,
    register_model,
)


class Command(BaseCommand):
    """Register the skops file of an MLflow model as a candidate; open no pickle."""

    help = "Register an MLflow model (scikit-learn, saved as skops) as a candidate."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, metavar="FOLDER_OR_ZIP")
        parser.add_argument("--workflow", required=True)
        parser.add_argument("--name", default="")

    def handle(self, *, path: Path, workflow: str, name: str, **_: object) -> None:
        found = workflow_by_slug(workflow)
        with refusals_in_words(MlflowRefused, RegistrationRefused):
            model = read_mlflow_model(path)
            columns = columns_for(model, model_columns(found.declaration))
            version = register_model(
                workflow=found,
                artifact=model.artifact,
                description=ModelDescription(
                    columns=columns_to_json(columns),
                    label_keys=found.declaration.label_keys,
                    report={"mlflow": dict(model.origin)},
                    name=name or f"from MLflow: {path.name}",
                ),
                by=None,
                now=timezone.now(),
            )
        self.stdout.write(
            f"{found.slug} {version.short_name} (candidate): sha256 {version.sha256}"
        )
