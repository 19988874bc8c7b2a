"""Readable documentation of the API: Redoc from its package, under our policy."""

from django.utils.csp import CSP
from django.utils.decorators import method_decorator
from django.views.decorators.csp import csp_override
from drf_spectacular.views import SpectacularRedocView

# Redoc writes its styles into the page and starts a worker from a blob. The page shows
# nothing but the schema, and its scripts still come from here alone.
REDOC_CSP: dict[str, list[str]] = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "worker-src": [CSP.SELF, "blob:"],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}


@method_decorator(csp_override(REDOC_CSP), name="dispatch")
class ApiDocs(SpectacularRedocView):
    """The reference; public, as the schema is."""

    url_name = "api-schema"
