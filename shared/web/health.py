"""What machines ask: is it alive, is it ready, its numbers. Answered without a session; a sentence of a
check is for operators and holds no secrets."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from shared.messaging.faults import LOST_RACES, in_words, is_passing

Check = Callable[[], Awaitable[str | None]]
"""Answers None where all is well, else a sentence that says what is not."""

PATIENCE = 2.0  # seconds a check may take
_log = logging.getLogger(__name__)


Numbers = Callable[[], Awaitable[bytes]]
"""Answers in the format of Prometheus."""


def health_routes(checks: Mapping[str, Check], numbers: Numbers) -> list[Route]:
    async def livez(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        sentences = await asyncio.gather(*(_run(name, check) for name, check in checks.items()))
        ready = not any(sentences)
        said = {name: sentence or "ok" for name, sentence in zip(checks, sentences, strict=True)}
        return JSONResponse({"ready": ready, "checks": said}, 200 if ready else 503)

    async def metrics(_request: Request) -> Response:
        return Response(await numbers(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)]


async def _run(name: str, check: Check) -> str | None:
    try:
        async with asyncio.timeout(PATIENCE):
            return await check()
    except TimeoutError:
        return f"no answer within {PATIENCE:g} s"
    except Exception as error:  # whatever a check raises, the others are still told
        if is_passing(error, LOST_RACES):
            _log.warning("readiness check %s failed: %s", name, in_words(error))
        else:
            _log.warning("readiness check %s failed", name, exc_info=True)
        return f"failed with {type(error).__name__}; the log says more"
