"""The collector of traces, where one is named: whether it takes an export, which is sent empty."""

import httpx2

from commands.doctor.findings import Finding, loaded, ok, unseen, within_limit, wrong
from shared.messaging.faults import in_words
from shared.settings import TracesSettings

WHAT = "traces"
PROTOBUF = {"Content-Type": "application/x-protobuf"}
EXPECTED = (
    "expected a collector that takes OTLP over HTTP, usually at port 4318; check OTEL_EXPORTER_OTLP_ENDPOINT, or unset "
    "it: services work without traces"
)


async def examine() -> list[Finding]:
    settings = loaded(TracesSettings)
    if settings is None:
        return [unseen(WHAT, "OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_TRACES_SAMPLER_ARG is wrong")]
    if not settings.otel_exporter_otlp_endpoint:
        return []
    address = f"{settings.otel_exporter_otlp_endpoint.rstrip('/')}/v1/traces"
    try:
        status = await within_limit(_export_nothing(address))
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, TimeoutError) as error:
        return [wrong(WHAT, f"{address} does not answer: {in_words(error)}; {EXPECTED}")]
    if status >= 300:
        return [wrong(WHAT, f"{address} answered {status}; {EXPECTED}")]
    return [ok(WHAT, f"{address} takes traces")]


async def _export_nothing(address: str) -> int:
    async with httpx2.AsyncClient(timeout=5) as client:
        return (await client.post(address, content=b"", headers=PROTOBUF)).status_code
