"""The flow on Restate: handlers that the server calls over HTTP/2, their journals on the server. Run by `engines.py`.

    python -m bench.peers.restate PLAN_AS_JSON     the driver, through the server's ingress

`app`, the handlers, is served by an ASGI server. Who answers holds an awakeable's id, as a mail's link would: that
completes the workflow's promise directly, without a handler called only to do so.
"""

import json
import os
import sys
from dataclasses import dataclass
from typing import Any

import aiohttp
import restate
import uvloop

from bench.peers.flow import FACTS, Facts, failing_codes, tell
from bench.peers.load import Plan, drive

PIPE = "PEERS_PIPE"  # the environment's name for the pipe that steps tell on

registration = restate.Workflow("registration")


async def register(facts: Facts) -> list[str]:
    return failing_codes(facts)


async def ask(step: str, registration_id: str, answer_to: str = "-") -> None:
    tell(os.environ[PIPE], step, registration_id, answer_to)


@registration.main()
async def run(ctx: restate.WorkflowContext, facts: Facts) -> str:
    registration_id = ctx.key()
    if await ctx.run_typed("register", register, facts=facts):
        return "refused"
    link, confirmed = ctx.awakeable()
    await ctx.run_typed("queue mail", ask, step="mailed", registration_id=registration_id, answer_to=link)
    await confirmed
    case, approved_by_vng = ctx.awakeable()
    await ctx.run_typed("open case", ask, step="opened", registration_id=registration_id, answer_to=case)
    await approved_by_vng
    await ctx.run_typed("approve", ask, step="approved", registration_id=registration_id)
    return "approved"


app = restate.app(services=[registration])


@dataclass(frozen=True, slots=True)
class Ingress:
    session: aiohttp.ClientSession

    async def request(self, registration_id: str) -> None:
        await self._post(f"/registration/{registration_id}/run/send", FACTS)

    async def confirm(self, _registration_id: str, answer_to: str) -> None:
        await self._post(f"/restate/awakeables/{answer_to}/resolve", True)

    async def approve(self, _registration_id: str, answer_to: str) -> None:
        await self._post(f"/restate/awakeables/{answer_to}/resolve", True)

    async def end_state(self, registration_id: str) -> str:
        async with self.session.get(f"/restate/workflow/registration/{registration_id}/attach") as answer:
            return str(await answer.json())

    async def _post(self, path: str, value: Any) -> None:
        async with self.session.post(path, json=value) as answer:
            await answer.read()


async def main(plan: dict[str, Any]) -> None:
    connections = aiohttp.TCPConnector(limit=plan["load"]["in_flight"])
    async with aiohttp.ClientSession(plan["ingress"], connector=connections, raise_for_status=True) as session:
        await drive(Ingress(session), Plan(**plan["load"]))


if __name__ == "__main__":
    uvloop.run(main(json.loads(sys.argv[1])))
