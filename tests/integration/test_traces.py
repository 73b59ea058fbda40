"""One registration is one trace, over four services, Kafka, the outbox, mails and pages."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from uuid import UUID

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from commands.demo.people import Browser
from commands.show import show
from embedded.process import Process
from shared.settings import DatabaseSettings
from shared.topics import SERVICES
from tests.integration.conftest import Publish, World, moment, until_ready
from tests.integration.people import REVIEWER, approve, confirm
from tests.integration.told import account, request

EMAIL = "traced.customer@example.com"
UPSTREAM = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass(frozen=True)
class Seen:
    service: str
    name: str
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]
    text: str
    """All that it says."""


@dataclass
class Collector:
    """OTLP over HTTP, in memory."""

    url: str = ""
    spans: dict[str, Seen] = field(default_factory=dict)

    def receive(self, body: bytes) -> None:
        for of_one in ExportTraceServiceRequest.FromString(body).resource_spans:
            said = {it.key: it.value.string_value for it in of_one.resource.attributes}
            for scope in of_one.scope_spans:
                for it in scope.spans:
                    links = tuple(link.trace_id.hex() for link in it.links)
                    ids = it.trace_id.hex(), it.span_id.hex(), it.parent_span_id.hex()
                    text = f"{it.name} {it.attributes} {it.events} {it.status}"
                    self.spans[ids[1]] = Seen(said["service.name"], it.name, *ids, links, text)

    async def until(self, *names: str) -> None:
        async with asyncio.timeout(60):
            while not set(names) <= {it.name for it in self.spans.values()}:
                await moment()


@contextmanager
def collector() -> Iterator[Collector]:
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.receive(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.timeout(200)
async def test_all_that_four_services_do_for_a_registration_is_one_trace_without_a_gap_and_without_a_name_and_is_shown(
    world: World, processes: list[Process], publish: Publish
) -> None:
    asked = request(EMAIL)
    with collector() as seen:
        world.extra |= {"OTEL_EXPORTER_OTLP_ENDPOINT": seen.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        urls = {}
        for service in SERVICES:
            started, urls[service] = world.start(service)
            processes.append(started)
        await asyncio.gather(*map(until_ready, urls.values()))
        await publish(account(EMAIL))
        await publish(asked, traceparent=UPSTREAM)
        await _approved(world, urls["approver"], asked.registration_id)
        last = ("portal", "notifier", "approver")
        await seen.until(*(f"{it} handles RegistrationApproved" for it in last), "notifier mails partner_approved")
    spans = list(seen.spans.values())
    assert {it.trace for it in spans} == {asked.registration_id.hex}
    assert {it.service for it in spans} == set(SERVICES)
    [first] = [it for it in spans if not it.parent]
    assert (first.name, first.links) == ("registrar handles RegistrationRequested", (UPSTREAM.split("-")[1],))
    assert [it for it in spans if it.parent and it.parent not in seen.spans] == [], "a span whose parent is not there"
    parents = {it.name: seen.spans[it.parent].name for it in spans if it.parent}
    assert parents == {
        "notifier handles RegistrationOpened": "registrar handles RegistrationRequested",
        "portal handles RegistrationOpened": "registrar handles RegistrationRequested",
        "notifier mails confirmation": "registrar handles RegistrationRequested",
        "notifier tells ConfirmationSent": "registrar handles RegistrationRequested",
        "portal handles ConfirmationSent": "notifier tells ConfirmationSent",
        "notifier tells CustomerConfirmed": "registrar handles RegistrationRequested",
        "registrar handles CustomerConfirmed": "notifier tells CustomerConfirmed",
        "approver handles CustomerConfirmed": "notifier tells CustomerConfirmed",
        "portal handles CustomerConfirmed": "notifier tells CustomerConfirmed",
        "approver tells VngApproved": "registrar handles RegistrationRequested",
        "registrar handles VngApproved": "approver tells VngApproved",
        "notifier handles RegistrationApproved": "registrar handles VngApproved",
        "approver handles RegistrationApproved": "registrar handles VngApproved",
        "portal handles RegistrationApproved": "registrar handles VngApproved",
        "notifier mails customer_approved": "registrar handles RegistrationRequested",
        "notifier mails partner_approved": "registrar handles RegistrationRequested",
    }
    everything = "".join(it.text for it in spans)
    for secret in ("example", "@", "Minh", "Saigon", "Nguy", "confirmations/"):
        assert secret not in everything
    await _is_shown(world, asked.registration_id)


async def _approved(world: World, approver: str, registration_id: UUID) -> None:
    assert world.servers.mailbox
    await confirm(world.servers.mailbox, EMAIL)
    async with Browser(approver) as staff:
        await staff.sign_in("/cases", REVIEWER)
        await approve(staff, registration_id)


async def _is_shown(world: World, registration_id: UUID) -> None:
    """Each step once, by whom it was taken; registrar's alone, or all services'."""
    settings = DatabaseSettings(database_url=world.settings.database_url)
    shown = await show(settings, registration_id)
    assert "  status      approved" in shown
    assert sum("-> approved  VngApproved  by hoa@vng.example" in line for line in shown if "[" not in line) == 1
    told = [line for line in await show(settings, registration_id, all_services=True) if "[" not in line]
    for what in (
        "registrar  awaiting_approval -> approved  VngApproved  by hoa@vng.example",
        "notifier   pending -> confirmed  CustomerConfirmed",
        "approver   open -> approved  VngApproved  by hoa@vng.example",
        "portal     awaiting_approval -> approved  RegistrationApproved",
    ):
        assert sum(what in line for line in told) == 1, (what, told)
