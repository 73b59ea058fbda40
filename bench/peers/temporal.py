"""The flow on Temporal: workflows and activities of a worker, their histories on the server. Run by `engines.py`.

    python -m bench.peers.temporal PLAN_AS_JSON

Driver and worker are one process with one client, which lets the server hand a workflow's first task back with the
answer to its start (eager start).
"""

import json
import sys
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import uvloop
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, UnsandboxedWorkflowRunner, Worker

from bench.peers.flow import FACTS, Facts, failing_codes, tell
from bench.peers.load import Plan, drive

QUEUE = "registrations"
PATIENCE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Steps:
    pipe: str

    @activity.defn
    async def register(self, facts: Facts) -> list[str]:
        return failing_codes(facts)

    @activity.defn
    async def queue_mail(self, registration_id: str) -> None:
        tell(self.pipe, "mailed", registration_id)

    @activity.defn
    async def open_case(self, registration_id: str) -> None:
        tell(self.pipe, "opened", registration_id)

    @activity.defn
    async def approve(self, registration_id: str) -> None:
        tell(self.pipe, "approved", registration_id)


@workflow.defn
class Registration:
    def __init__(self) -> None:
        self._status = "requested"
        self._confirmed = self._approved_by_vng = False

    @workflow.run
    async def run(self, facts: Facts, local: bool) -> str:
        registration_id = workflow.info().workflow_id
        if await self._do(Steps.register, facts, local):
            self._status = "refused"
            return self._status
        await self._do(Steps.queue_mail, registration_id, local)
        self._status = "awaiting_confirmation"
        await workflow.wait_condition(lambda: self._confirmed)
        await self._do(Steps.open_case, registration_id, local)
        self._status = "awaiting_approval"
        await workflow.wait_condition(lambda: self._approved_by_vng)
        await self._do(Steps.approve, registration_id, local)
        self._status = "approved"
        return self._status

    async def _do(self, step: Any, about: Any, local: bool) -> Any:
        execute = workflow.execute_local_activity_method if local else workflow.execute_activity_method
        return await execute(step, about, start_to_close_timeout=PATIENCE)

    @workflow.signal
    def confirm(self) -> None:
        self._confirmed = True

    @workflow.signal
    def approve_by_vng(self) -> None:
        self._approved_by_vng = True

    @workflow.query
    def status(self) -> str:
        return self._status


@dataclass(frozen=True, slots=True)
class Application:
    client: Client
    local: bool

    async def request(self, registration_id: str) -> None:
        await self.client.start_workflow(
            Registration.run, args=[FACTS, self.local], id=registration_id, task_queue=QUEUE, request_eager_start=True
        )

    async def confirm(self, registration_id: str, _answer_to: str) -> None:
        await self.client.get_workflow_handle(registration_id).signal(Registration.confirm)

    async def approve(self, registration_id: str, _answer_to: str) -> None:
        await self.client.get_workflow_handle(registration_id).signal(Registration.approve_by_vng)

    async def end_state(self, registration_id: str) -> str:
        handle = self.client.get_workflow_handle(registration_id)
        await handle.result()
        return str(await handle.query(Registration.status))


async def main(plan: dict[str, Any]) -> None:
    client = await Client.connect(plan["address"])
    steps = Steps(plan["load"]["pipe"])
    worker = Worker(
        client,
        task_queue=QUEUE,
        workflows=[Registration],
        activities=[steps.register, steps.queue_mail, steps.open_case, steps.approve],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=10_000,  # every registration under way stays in the sticky cache
        max_concurrent_workflow_tasks=200,
        max_concurrent_activities=200,
        max_concurrent_local_activities=200,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
    )
    async with worker:
        await drive(Application(client, plan["local"]), Plan(**plan["load"]))


if __name__ == "__main__":
    uvloop.run(main(json.loads(sys.argv[1])))
