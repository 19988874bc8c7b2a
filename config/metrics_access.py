"""Who may read `/metrics`: whoever has the token; without one, this machine alone."""

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.utils.crypto import constant_time_compare

# Each says that somebody passed the request on: the address is not the asker's.
PASSED_ON = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip")
REFUSED = (
    "Set METRICS_TOKEN and send it as a bearer token. Without one, metrics are told "
    "to this machine alone, asked directly under a name of loopback.\n"
)


def refusal(request: HttpRequest) -> HttpResponse | None:
    """Return what to say to who may not read the metrics; None to who may."""
    if settings.METRICS_TOKEN:
        if _has_token(request):
            return None
        challenge = {"WWW-Authenticate": 'Bearer realm="metrics"'}
        return HttpResponse(status=401, headers=challenge)
    if _is_from_here(request):
        return None
    return HttpResponse(REFUSED, status=403, content_type="text/plain")


def _has_token(request: HttpRequest) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    is_same = constant_time_compare(given.strip(), settings.METRICS_TOKEN)
    return scheme.lower() == "bearer" and is_same


def _is_from_here(request: HttpRequest) -> bool:
    """Believe an address of loopback only where no proxy can stand before it."""
    if settings.BEHIND_PROXY or any(name in request.headers for name in PASSED_ON):
        return False
    host, _ = split_domain_port(request.get_host())
    name = host.strip("[]")
    is_asked_here = name == "localhost" or _is_loopback(name)
    return is_asked_here and _is_loopback(request.META.get("REMOTE_ADDR", ""))


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
