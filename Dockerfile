# One image for all services and the command line; which one runs is the command's business.
FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements.lock pyproject.toml README.md ./
RUN python -m venv /app && /app/bin/pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY . .
RUN /app/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
COPY --from=build /app /app
USER 65534:65534
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 LOG_FORMAT=json
ENTRYPOINT ["registration"]
