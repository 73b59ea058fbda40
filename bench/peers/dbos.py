"""The flow on DBOS: a library in the application, its state in PostgreSQL. Run by `engines.py`.

    python -m bench.peers.dbos PLAN_AS_JSON

The application starts its workflows itself, without a queue: nothing waits for a poll. Driver and workflows are one
process, as the handlers of its pages and its workflows would be.
"""

import asyncio
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvloop
from dbos import DBOS, DBOSConfig, SetWorkflowID

from bench.peers.flow import FACTS, Facts, failing_codes, tell
from bench.peers.load import Plan, drive

LONG = 15 * 24 * 3600.0  # seconds that a customer, or VNG, may take


PIPE = "PEERS_PIPE"  # the environment's name for the pipe that steps tell on


@DBOS.step()
async def register(facts: Facts) -> list[str]:
    return failing_codes(facts)


@DBOS.step()
async def queue_mail(registration_id: str) -> None:
    tell(os.environ[PIPE], "mailed", registration_id)


@DBOS.step()
async def open_case(registration_id: str) -> None:
    tell(os.environ[PIPE], "opened", registration_id)


@DBOS.step()
async def approve(registration_id: str) -> None:
    tell(os.environ[PIPE], "approved", registration_id)


@DBOS.workflow()
async def registration(facts: Facts) -> str:
    registration_id = DBOS.workflow_id
    assert registration_id
    if await register(facts):
        return "refused"
    await queue_mail(registration_id)
    if not await DBOS.recv_async("confirmed", timeout_seconds=LONG):
        return "expired"
    await open_case(registration_id)
    if not await DBOS.recv_async("approved by VNG", timeout_seconds=LONG):
        return "expired"
    await approve(registration_id)
    return "approved"


class Application:
    async def request(self, registration_id: str) -> None:
        with SetWorkflowID(registration_id):
            await DBOS.start_workflow_async(registration, FACTS)

    async def confirm(self, registration_id: str, _answer_to: str) -> None:
        await DBOS.send_async(registration_id, True, topic="confirmed")

    async def approve(self, registration_id: str, _answer_to: str) -> None:
        await DBOS.send_async(registration_id, True, topic="approved by VNG")

    async def end_state(self, registration_id: str) -> str:
        handle: Any = await DBOS.retrieve_workflow_async(registration_id)
        return str(await handle.get_result())


async def main(plan: dict[str, Any]) -> None:
    config: DBOSConfig = {
        "name": "registration",
        "system_database_url": plan["url"],
        "log_level": "WARNING",
        "executor_id": str(os.getpid()),
    }
    if threads := plan["threads"]:
        # asyncio's own pool, which every statement goes through, has six threads on two cores.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(threads))
        config |= {"sys_db_pool_size": threads, "max_executor_threads": threads}
    DBOS(config=config)
    DBOS.launch()
    await drive(Application(), Plan(**plan["load"]))


if __name__ == "__main__":
    uvloop.run(main(json.loads(sys.argv[1])))
