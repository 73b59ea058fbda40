"""Claim, send, mark. Nothing is marked sent that the server did not accept, and nothing is sent inside a consumer's
transaction. Each mail is sent by itself: a slow server or recipient holds up no other.
"""

import asyncio
from datetime import datetime, timedelta

import structlog

from services.notifier import domain, queue, store
from services.notifier.domain import Confirmation, MailKind, Policy, Status
from services.notifier.mail.render import Renderer
from services.notifier.mail.smtp import Accepted, Answer, Mailer, RecipientRefused, ServerTrouble
from services.notifier.queue import Claimed
from shared.database import Database, Transaction
from shared.messaging.faults import in_words, place
from shared.retry import Backoff, pause

AT_ONCE = 16
POLL = 0.5  # seconds
GRACE = 10.0  # seconds to finish the mails in hand when the service stops
LONGEST_WAIT = timedelta(hours=6)
GIVE_UP_AFTER = timedelta(hours=24)
"""How long a recipient may be put off (4xx) before it counts as undeliverable."""

log = structlog.get_logger()


class Sender:
    def __init__(
        self,
        database: Database,
        mailer: Mailer,
        renderer: Renderer,
        policy: Policy,
        retry_first: timedelta,
        claim_for: timedelta = queue.LEASE,
    ) -> None:
        self._database = database
        self._mailer = mailer
        self._renderer = renderer
        self._policy = policy
        self._retry_first = retry_first
        self._claim_for = claim_for
        self._sending: set[asyncio.Task[None]] = set()
        self._queued = database.signal(queue.QUEUED)

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`, after the mails in hand."""
        backoff = Backoff()
        while not stopping.is_set():
            try:
                claimed = await self._claim(AT_ONCE - len(self._sending))
                backoff.reset()
            except Exception as error:
                log.warning("mail waits", why=in_words(error))
                await pause(stopping, backoff.next())
                continue
            for it, confirmation in claimed:
                task = asyncio.create_task(self._send(it, confirmation))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)
            await self._next(stopping)
        if self._sending:
            _done, late = await asyncio.wait(self._sending, timeout=GRACE)
            for task in late:  # sent again when the lease ends, with the same Message-ID
                task.cancel()
        await self._mailer.close()

    async def _next(self, stopping: asyncio.Event) -> None:
        """Until there is room for another mail, one was queued, or some may have become due."""
        signals = [asyncio.create_task(event.wait()) for event in (self._queued, stopping)]
        await asyncio.wait([*self._sending, *signals], timeout=POLL, return_when=asyncio.FIRST_COMPLETED)
        for signal in signals:
            signal.cancel()

    async def _claim(self, most: int) -> list[tuple[Claimed, Confirmation]]:
        self._queued.clear()
        if most <= 0:
            return []
        async with self._database.transaction() as tx:
            claimed = await queue.claim(tx, most, self._claim_for)
            about = await store.get(tx, [it.mail.registration_id for it in claimed])
        return [(it, about[it.mail.registration_id]) for it in claimed]

    async def _send(self, claimed: Claimed, it: Confirmation) -> None:
        """Never raises: a mail that is not marked comes again when its lease ends."""
        try:
            if claimed.mail.kind is MailKind.CONFIRMATION and it.status is not Status.PENDING:
                async with self._database.transaction() as tx:
                    await queue.mark_failed(tx, claimed, "not sent: the confirmation was over before")
                return
            answer = await self._try(claimed, it)
            async with self._database.transaction() as tx:
                await self._mark(tx, claimed, answer)
        except Exception as error:
            log.error(  # noqa: TRY400  # an exception's text may hold an address; the line says enough
                "mail not marked; it comes again",
                registration_id=str(claimed.mail.registration_id),
                kind=claimed.mail.kind,
                why=in_words(error),
            )

    async def _try(self, claimed: Claimed, it: Confirmation) -> Answer:
        try:
            message = self._renderer.render(claimed.mail, it, claimed.queued_at)
        except Exception as error:  # ours to mend, and no reason to try without a pause
            return ServerTrouble(f"the mail could not be written: {in_words(error)} at {place(error)}")
        return await self._mailer.send(message.recipient, message.content)

    async def _mark(self, tx: Transaction, claimed: Claimed, answer: Answer) -> None:
        about = {"registration_id": str(claimed.mail.registration_id), "kind": str(claimed.mail.kind)}
        match answer:
            case Accepted():
                await self._mark_sent(tx, claimed)
                log.info("mail sent", **about)
            case RecipientRefused() if answer.for_good or _put_off_too_long(claimed, tx.now):
                await self._mark_undeliverable(tx, claimed, answer.detail)
                log.warning("mail undeliverable", code=answer.code, **about)
            case RecipientRefused():
                await queue.put_off(tx, claimed, self._later(claimed, tx.now), answer.detail, refused=True)
                log.warning("mail put off by the recipient's server", code=answer.code, **about)
            case ServerTrouble():
                await queue.put_off(tx, claimed, self._later(claimed, tx.now), answer.detail, refused=False)
                log.warning("mail server trouble", code=answer.code, attempt=claimed.attempt, **about)

    async def _mark_sent(self, tx: Transaction, claimed: Claimed) -> None:
        known = await store.lock(tx, [claimed.mail.registration_id])
        marked = await queue.mark_sent(tx, [claimed])
        if not marked or claimed.mail.kind is not MailKind.CONFIRMATION:
            return
        after, told = domain.sent(known[claimed.mail.registration_id], claimed.mail.number, self._policy, tx.now)
        await store.change(tx, {after.registration_id: after})
        tx.emit(told)

    async def _mark_undeliverable(self, tx: Transaction, claimed: Claimed, detail: str) -> None:
        known = await store.lock(tx, [claimed.mail.registration_id])
        if not await queue.mark_failed(tx, claimed, detail) or claimed.mail.kind is not MailKind.CONFIRMATION:
            return
        tx.emit(domain.undeliverable(known[claimed.mail.registration_id], detail, tx.now))

    def _later(self, claimed: Claimed, now: datetime) -> datetime:
        wait: timedelta = self._retry_first * 2 ** min(claimed.attempt - 1, 20)
        return now + min(wait, LONGEST_WAIT)


def _put_off_too_long(claimed: Claimed, now: datetime) -> bool:
    return claimed.refused_since is not None and now - claimed.refused_since >= GIVE_UP_AFTER
