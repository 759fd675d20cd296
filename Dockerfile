# Three images: the service (the last stage, hence the default; 0.4 GB more than its base), the
# observatory (--target observatory: telemetry without SigNoz), and simulated users (--target traffic).
# Only wheels, pinned by hash, without their tests; no image contains a compiler.
ARG PYTHON=python:3.13-slim-trixie

FROM ${PYTHON} AS install
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv
RUN python -m venv --without-pip /opt/vitrine
COPY requirements requirements
RUN python -m pip --python /opt/vitrine/bin/python install --quiet --require-hashes --no-deps \
        --only-binary :all: -r requirements/run.txt \
    && find /opt/vitrine -type d -name tests -prune -exec rm -r {} + \
    && /opt/vitrine/bin/python -m compileall -q /opt/vitrine

FROM install AS install-observatory
RUN python -m pip --python /opt/vitrine/bin/python install --quiet --require-hashes --no-deps \
        --only-binary :all: -r requirements/observatory.txt

# Prepares the catalogue with its index and vectors, and the ranking model, so that the first start
# is fast.
FROM install AS build
COPY pyproject.toml ./
COPY app app
COPY quick_otel quick_otel
RUN export VITRINE_DATA=/data VITRINE_TELEMETRY__ENABLED=false \
    && /opt/vitrine/bin/python -m app prepare \
    && /opt/vitrine/bin/python -m app train \
    && /opt/vitrine/bin/python -m compileall -q app quick_otel

FROM ${PYTHON} AS base
RUN groupadd --system --gid 10001 vitrine \
    && useradd --system --uid 10001 --gid vitrine --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin vitrine \
    && install --directory --owner vitrine --group vitrine /data
ENV PATH=/opt/vitrine/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /srv
USER 10001:10001
STOPSIGNAL SIGTERM

FROM base AS observatory
COPY --from=install-observatory /opt/vitrine /opt/vitrine
COPY observatory observatory
COPY clickhouse clickhouse
COPY slo slo
COPY docs/runbook.md docs/runbook.md
ENV OBSERVATORY_DATA=/data OBSERVATORY_HOST=0.0.0.0
VOLUME /data
EXPOSE 4317 4318 8080 8123
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8123; printf 'GET /ping HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nConnection: close\\r\\n\\r\\n' >&3; read -r _ status _ <&3; test \"$status\" = 200"]
ENTRYPOINT ["python", "-m", "observatory"]
CMD ["serve"]

FROM base AS traffic
COPY --from=install /opt/vitrine /opt/vitrine
COPY pyproject.toml ./
COPY app app
COPY quick_otel quick_otel
COPY benchmarks/__init__.py benchmarks/traffic.py benchmarks/
ENTRYPOINT ["python", "-m", "benchmarks.traffic"]

FROM base
LABEL org.opencontainers.image.title="Vitrine" \
      org.opencontainers.image.description="A recommendation service you can see through"
COPY --from=build /opt/vitrine /opt/vitrine
COPY --from=build /srv/app app
COPY --from=build /srv/quick_otel quick_otel
COPY --from=build /srv/pyproject.toml ./
COPY docs/runbook.md docs/
COPY --from=build --chown=vitrine:vitrine /data /data
ARG REVISION=
ENV VITRINE_DATA=/data VITRINE_SERVER__HOST=0.0.0.0 VITRINE_TELEMETRY__REVISION=${REVISION}
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8000; printf 'GET /readyz HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nConnection: close\\r\\n\\r\\n' >&3; read -r _ status _ <&3; test \"$status\" = 200"]
ENTRYPOINT ["python", "-m", "app"]
CMD ["serve"]
