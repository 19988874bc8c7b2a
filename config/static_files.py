"""Static files under names that hold the hash of what is in them."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    """Rewrites what scripts import from each other as well."""

    support_js_module_import_aggregation = True
