"""One registration is one trace, over four services, Kafka, the outbox, mails and pages."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from uuid import UUID, uuid4

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from commands.demo.people import Browser
from embedded.process import Process
from shared.events import AccountUpdated, Billing, Locale, RegistrationRequested
from shared.topics import SERVICES
from tests.domain.facts import NOW
from tests.integration.conftest import Publish, World, moment, until_ready
from tests.integration.people import REVIEWER, approve, confirm

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


def events() -> tuple[AccountUpdated, RegistrationRequested]:
    account = AccountUpdated(
        email=EMAIL,
        account_id="vng-1",
        holder_name="Nguyễn Văn An",
        locale=Locale.VI,
        billing=Billing.PREPAID,
        credit_balance=0,
        active_services=0,
        active_discounts=0,
        in_poc=False,
        vng_customer=False,
        version=1,
        updated_at=NOW,
    )
    request = RegistrationRequested(
        registration_id=uuid4(),
        partner_id="saigon-cloud",
        partner_name="Saigon Cloud",
        customer_email=EMAIL,
        common_name="Minh Phát",
        requested_by="lan@saigon-cloud.example",
        requested_at=NOW,
    )
    return account, request


@pytest.mark.timeout(200)
async def test_all_that_four_services_do_for_a_registration_is_one_trace_without_a_gap_and_without_a_name(
    world: World, processes: list[Process], publish: Publish
) -> None:
    account, request = events()
    with collector() as seen:
        world.extra |= {"OTEL_EXPORTER_OTLP_ENDPOINT": seen.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        urls = {}
        for service in SERVICES:
            started, urls[service] = world.start(service)
            processes.append(started)
        await asyncio.gather(*map(until_ready, urls.values()))
        await publish(account)
        await publish(request, traceparent=UPSTREAM)
        await _approved(world, urls["approver"], request.registration_id)
        last = ("portal", "notifier", "approver")
        await seen.until(*(f"{it} handles RegistrationApproved" for it in last), "notifier mails partner_approved")
    spans = list(seen.spans.values())
    assert {it.trace for it in spans} == {request.registration_id.hex}
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


async def _approved(world: World, approver: str, registration_id: UUID) -> None:
    assert world.servers.mailbox
    await confirm(world.servers.mailbox, EMAIL)
    async with Browser(approver) as staff:
        await staff.sign_in("/cases", REVIEWER)
        await approve(staff, registration_id)
