"""All settings, read from the environment; a secret may come from a file (`NAME_FILE`).

`docs/operations.md` explains each. Units are in the names.
"""

from pathlib import Path
from typing import Any

from django.utils.csp import CSP

from accounts import auth_settings
from config import beat, env
from config.logging import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
DEBUG = env.flag("DEBUG")
SECRET_KEY = env.text("SECRET_KEY")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
INSECURE_HTTP = env.flag("INSECURE_HTTP")  # plain http on loopback only

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "django_structlog",
    "lucide",
    "pgtrigger",
    "embedded",
    "ui",
    "accounts",
    "predictions",
    "reviewqueue",
    "lifecycle",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "config.request_log.RequestLog",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.TemporaryPasswordMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "ui.context.navigation",
                "reviewqueue.context.notices",
            ],
        },
    }
]

# --- the two servers -------------------------------------------------------------
DATABASES = {
    "default": {
        **env.database(env.text("DATABASE_URL")),
        "CONN_MAX_AGE": 0,
        # Else every pooled connection costs a request after the server's restart.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "pool": {
                # A longer one waits ever longer between its tries, also when the
                # server is back; the next request tries at once.
                "reconnect_timeout": 3,
                "min_size": 1,
                "max_size": env.integer("DATABASE_POOL_SIZE", 8),
                "timeout": env.integer("DATABASE_POOL_TIMEOUT_SECONDS", 10),
            },
            # The server plans a statement that comes again and again only once.
            "server_side_binding": True,
            "prepare_threshold": 5,
        },
    }
}
REDIS_URL = env.text("REDIS_URL")
# A server that hangs must not hold a request for longer.
VALKEY_TIMEOUT_SECONDS = 3
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "countersign",
        "OPTIONS": {"socket_timeout": VALKEY_TIMEOUT_SECONDS},
    }
}
# In PostgreSQL alone: people go on working while Valkey is away.
SESSION_ENGINE = "django.contrib.sessions.backends.db"

CELERY_BROKER_URL = env.celery_broker(REDIS_URL)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": env.integer("CELERY_VISIBILITY_TIMEOUT_SECONDS", 300),
    # With kombu's defaults a lost worker's message waits 100 s longer than it must.
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
    "unacked_restore_limit": 100,
    # A wake-up that Valkey does not take at once is left to the sweep.
    "socket_timeout": VALKEY_TIMEOUT_SECONDS,
    "max_retries": 0,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 280
CELERY_TASK_SOFT_TIME_LIMIT = 270
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = beat.schedule(sweep_seconds=env.integer("SWEEP_SECONDS", 3))

# --- people ----------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = auth_settings.AUTHENTICATION_BACKENDS
PASSWORD_HASHERS = auth_settings.PASSWORD_HASHERS
AUTH_PASSWORD_VALIDATORS = auth_settings.AUTH_PASSWORD_VALIDATORS
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
for _name in dir(auth_settings):
    if _name.startswith(("ACCOUNT_", "MFA_", "SOCIALACCOUNT_")):
        globals()[_name] = getattr(auth_settings, _name)
# Without a mail server, mail is written to the log of the web process.
SMTP_HOST = env.text("SMTP_HOST", "")
MAILERS: dict[str, dict[str, object]] = {
    "default": {"BACKEND": "django.core.mail.backends.console.EmailBackend"}
}
if SMTP_HOST:
    MAILERS["default"] = {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": SMTP_HOST,
            "port": env.integer("SMTP_PORT", 25),
            "username": env.text("SMTP_USER", ""),
            "password": env.text("SMTP_PASSWORD", ""),
            "use_tls": env.flag("SMTP_USE_TLS"),
            # A server that hangs must not hold a worker for longer.
            "timeout": 15,
        },
    }
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "countersign@localhost")
# Where people reach the site: mails lead there.
PUBLIC_URL = env.text("PUBLIC_URL", "")

# --- the API ---------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.BearerKeyAuthentication"
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "reviewqueue.api.problems.problem_response",
    "UNAUTHENTICATED_USER": None,
    # `?format=` is a parameter of downloads, not of content negotiation.
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Countersign",
    "DESCRIPTION": "Models recommend, people countersign.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}
INTAKE_MAX_BODY_BYTES = env.integer("INTAKE_MAX_BODY_BYTES", 64 * 1024 * 1024)
INTAKE_MAX_UPLOAD_BYTES = env.integer("INTAKE_MAX_UPLOAD_BYTES", 1024 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = env.integer(
    "DATA_UPLOAD_MAX_MEMORY_BYTES", 2 * 1024 * 1024
)

# --- security --------------------------------------------------------------------
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "media-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = not INSECURE_HTTP
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
SECURE_HSTS_SECONDS = 0 if INSECURE_HTTP else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = not INSECURE_HTTP
SECURE_HSTS_PRELOAD = not INSECURE_HTTP
SESSION_COOKIE_SECURE = not INSECURE_HTTP
CSRF_COOKIE_SECURE = not INSECURE_HTTP
SESSION_COOKIE_HTTPONLY = True
BEHIND_PROXY = env.flag("BEHIND_PROXY")
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    # Else every sign-in comes from the proxy, and one lockout locks all.
    ALLAUTH_TRUSTED_PROXY_COUNT = env.integer("TRUSTED_PROXY_COUNT", 1)
# Without it `/metrics` answers nobody but this machine, and nobody behind a proxy.
METRICS_TOKEN = env.text("METRICS_TOKEN", "")

# --- files -----------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("COUNTERSIGN_STATIC_ROOT", str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = Path(env.text("COUNTERSIGN_MEDIA_ROOT", str(BASE_DIR / "data" / "media")))
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.static_files.StaticFiles"},
}
S3_BUCKET = env.text("S3_BUCKET", "")
if S3_BUCKET:
    STORAGES["default"] = {
        "BACKEND": "config.storages.ObjectStore",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "location": env.text("S3_PREFIX", ""),
            "endpoint_url": env.text("S3_ENDPOINT_URL", "") or None,
            "region_name": env.text("S3_REGION", "") or None,
            # Without a key: that of the machine, as its cloud gives it out.
            "access_key": env.text("S3_ACCESS_KEY_ID", "") or None,
            "secret_key": env.text("S3_SECRET_ACCESS_KEY", "") or None,
        },
    }
# Local copies of artifacts, found by hash; may be lost at any time.
ARTIFACT_CACHE_DIR = Path(
    env.text("ARTIFACT_CACHE_DIR", str(MEDIA_ROOT / "artifact-cache"))
)
TRUSTED_MODEL_TYPES = env.words("TRUSTED_MODEL_TYPES")

# --- scoring ---------------------------------------------------------------------
SCORE_BATCH_SIZE = env.integer("SCORE_BATCH_SIZE", 1000)
SCORER_MEMORY_MB = env.integer("SCORER_MEMORY_MB", 2048)

# --- training --------------------------------------------------------------------
# Code of the operator's that a training run may call, as `package.module:function`.
TRAINING_ENTRY_POINTS = env.words("TRAINING_ENTRY_POINTS")
TRAINING_MEMORY_MB = env.integer("TRAINING_MEMORY_MB", 4096)
TRAINING_LIMIT_SECONDS = env.integer("TRAINING_LIMIT_SECONDS", 3600)
# Each takes a worker process for as long as it lasts: scoring needs one, too.
TRAINING_AT_ONCE = env.integer("TRAINING_AT_ONCE", 1)

# --- web-hooks -------------------------------------------------------------------
WEBHOOK_ALLOW_PRIVATE = env.flag("WEBHOOK_ALLOW_PRIVATE")
# What begins with one of these may be registered as a model that runs elsewhere.
EXTERNAL_MODELS = env.addresses("EXTERNAL_MODELS")
# A try must end before its delivery is taken for a dead worker's.
WEBHOOK_TIMEOUT_SECONDS = min(env.integer("WEBHOOK_TIMEOUT_SECONDS", 10), 60)

# --- the rest --------------------------------------------------------------------
LANGUAGE_CODE = "en"
TIME_ZONE = env.text("TIME_ZONE", "UTC")
USE_TZ = True
USE_I18N = False
LOGGING = logging_config(env.text("LOG_LEVEL", "INFO"), json=env.flag("LOG_JSON"))
DJANGO_STRUCTLOG_CELERY_ENABLED = True

# --- traces ----------------------------------------------------------------------
# Where they are sent; empty: nothing is traced, and what would do it is not loaded.
OTEL_EXPORTER_OTLP_ENDPOINT = env.text("OTEL_EXPORTER_OTLP_ENDPOINT", "")
OTEL_EXPORTER_OTLP_HEADERS = env.text("OTEL_EXPORTER_OTLP_HEADERS", "")
