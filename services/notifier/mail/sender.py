"""Claim, send, mark. Nothing is marked sent that the server did not accept, and nothing is sent inside a consumer's
transaction. Each mail is sent by itself: a slow server or recipient holds up no other. A confirmation mail that is
given up while an attempt's end is unknown counts as gone out: its customer may have read it.
"""

import asyncio
import math
import time
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from services.notifier import matters, periods, queue, store
from services.notifier.domain import Confirmation, MailKind, Policy
from services.notifier.mail.render import Renderer
from services.notifier.mail.smtp import Accepted, Answer, Mailer, RecipientRefused, ServerTrouble
from services.notifier.mails import Matter, needless
from services.notifier.queue import Claimed
from shared.database import Database, Transaction
from shared.messaging.faults import in_words, place
from shared.messaging.pace import Pace
from shared.retry import Backoff, either, pause
from shared.together import Together

CONNECTIONS = 64  # at most, where no setting says otherwise
AT_ONCE = CONNECTIONS // 2
"""Mails in hand while none is slow."""
SLOW = 2.0  # seconds after which a mail in hand takes no other's place
TOGETHER = 64  # mails marked in one transaction
MOST_UNMARKED = 4 * TOGETHER
"""Accepted mails that wait to be marked: while the database is slow no more are sent, as they might be sent again."""
MARKED_WITHIN = 0.1  # seconds: who is killed meanwhile leaves an accepted mail to be sent again
POLL = 0.5  # seconds between two looks: some mails become due, or count as slow, unheard
GRACE = 5.0  # seconds to finish the mails in hand when the service stops
ENDING = 1.0  # seconds to let go of those that are not finished by then
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
        connections: int = CONNECTIONS,
        count: Callable[[MailKind, str], None] = lambda _kind, _outcome: None,
    ) -> None:
        self._database = database
        self._mailer = mailer
        self._renderer = renderer
        self._policy = policy
        self._retry_first = retry_first
        self._claim_for = claim_for
        self._connections = connections
        self._at_once = max(connections // 2, 1)
        self._count = count
        self._sending: dict[asyncio.Task[None], float] = {}  # when each began; of one without a place: -inf
        self._room_made = asyncio.Event()
        self._away = False
        self._away_for = Backoff()
        self._queued = database.signal(queue.QUEUED)
        self._mark_sent = Together(self._mark_all_sent, TOGETHER, Pace(most_apart=MARKED_WITHIN))
        self._drop = Together(self._drop_all, TOGETHER)

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`, after the mails in hand."""
        backoff, pace = Backoff(), Pace()
        while not stopping.is_set():
            if self._away:
                await pause(stopping, self._away_for.next())
            pace.begin()
            room = self._room()
            try:
                claimed = await self._claim(room)
                pace.done(len(claimed))
                if room > 0 and (waits := backoff.reset()):
                    log.info("mail goes on", waits=waits)
            except Exception as error:
                log.warning("mail waits", why=in_words(error))
                await pause(stopping, backoff.next())
                continue
            for it, matter in claimed:
                task = asyncio.create_task(self._send(it, matter))
                self._sending[task] = time.monotonic()
                task.add_done_callback(self._gone)
            if len(claimed) < room:
                await either(self._queued, stopping, POLL)
                await pace.rest(stopping)
            else:  # others may be due
                await self._for_room(stopping)
        if self._sending:
            await asyncio.wait(self._sending, timeout=GRACE)
        late = list(self._sending)
        for task in late:  # sent again when the lease ends, with the same Message-ID
            task.cancel()
        await asyncio.gather(self._mark_sent.close(), self._drop.close())
        if late:
            await asyncio.wait(late, timeout=ENDING)
        await self._mailer.close()

    def _room(self) -> int:
        """For how many more mails: half of the connections are kept for when many are slow, which then hold up the
        others no longer than SLOW. While the server cannot be reached one mail at a time tries it, and the others wait
        as they are."""
        if self._away:
            return 0 if self._quick() else 1
        held = sum(began > -math.inf for began in self._sending.values())
        unmarked = len(self._sending) - held
        return min(self._at_once - self._quick(), self._connections - held, MOST_UNMARKED - unmarked)

    def _quick(self) -> int:
        """How many are in hand that are not slow."""
        return sum(began > time.monotonic() - SLOW for began in self._sending.values())

    def _make_room(self) -> None:
        """For another mail: this task's is the server's already, and only to be marked."""
        task = asyncio.current_task()
        if task in self._sending:
            self._sending[task] = -math.inf
        self._tell_of_room()

    def _gone(self, task: asyncio.Task[None]) -> None:
        del self._sending[task]
        self._tell_of_room()

    def _tell_of_room(self) -> None:
        """Once there is as much as is taken: a claim costs nearly as much for one mail as for many."""
        enough = min(self._quick(), max(self._at_once // 4, 1))  # where many are not quite slow, a quarter will do
        if not self._room_made.is_set() and 0 < self._room() >= enough:
            self._room_made.set()

    async def _for_room(self, stopping: asyncio.Event) -> None:
        self._room_made.clear()
        self._tell_of_room()
        await either(self._room_made, stopping, POLL)

    async def _claim(self, most: int) -> list[tuple[Claimed, Matter]]:
        self._queued.clear()
        if most <= 0:
            return []
        async with self._database.transaction() as tx:  # whatever fails, no mail is claimed, and none is in doubt
            return await matters.claim(tx, most, self._claim_for)

    async def _send(self, claimed: Claimed, matter: Matter) -> None:
        """Never raises: a mail that is not marked comes again when its lease ends."""
        try:
            recipient = self._renderer.recipient(claimed.mail, matter)
            why = needless(claimed.mail, matter.confirmation, self._policy, self._database.clock())
            if why or recipient is None:
                await self._drop((claimed, why or "not sent: nobody is named to read it any more"))
                self._count(claimed.mail.kind, "dropped")
                return
            answer = await self._traced(claimed, self._try(claimed, matter, recipient))
            if isinstance(answer, Accepted):
                self._make_room()
                await self._mark_sent(claimed)
                self._count(claimed.mail.kind, "sent")
                log.info("mail sent", registration_id=str(claimed.mail.registration_id), kind=str(claimed.mail.kind))
                return
            async with self._database.transaction() as tx:
                await self._mark_not_sent(tx, claimed, answer)
        except Exception as error:
            log.error(  # noqa: TRY400  # an exception's text may hold an address; the line says enough
                "mail not marked; it comes again",
                registration_id=str(claimed.mail.registration_id),
                kind=claimed.mail.kind,
                why=in_words(error),
            )

    async def _drop_all(self, needless: Sequence[tuple[Claimed, str]]) -> list[bool]:
        """Whether each was still ours to drop."""
        claimed, whys = [it for it, _why in needless], [why for _it, why in needless]
        async with self._database.transaction() as tx:
            known = await store.lock(tx, [it.mail.registration_id for it in claimed])
            marked = await queue.mark_failed(tx, claimed, whys)
            doubts = {it.mail.registration_id for it in claimed if it.id in marked and _may_have_told(it)}
            await store.save(tx, periods.all_gone_out(known[it] for it in doubts & known.keys()), known)
        for it, why in needless:
            log.info("mail dropped", registration_id=str(it.mail.registration_id), kind=it.mail.kind, why=why)
        return [it.id in marked for it in claimed]

    async def _try(self, claimed: Claimed, matter: Matter, recipient: str) -> Answer:
        try:
            content = self._renderer.render(claimed.mail, matter, recipient, claimed.queued_at)
        except Exception as error:  # ours to mend, and no reason to try without a pause
            return ServerTrouble(f"the mail could not be written: {in_words(error)} at {place(error)}")
        answer = await self._mailer.send(recipient, content)
        self._away = isinstance(answer, ServerTrouble) and answer.unreachable
        if not self._away:
            self._away_for.reset()
        return answer

    async def _traced(self, claimed: Claimed, trying: Coroutine[Any, Any, Answer]) -> Answer:
        if self._database.traces is None:
            return await trying
        with self._database.traces.span("mails", claimed.mail.kind, claimed.mail.registration_id) as said:
            answer = await trying
            said["mail.outcome"] = type(answer).__name__
            return answer

    async def _mark_not_sent(self, tx: Transaction, claimed: Claimed, answer: RecipientRefused | ServerTrouble) -> None:
        about = {"registration_id": str(claimed.mail.registration_id), "kind": str(claimed.mail.kind)}
        match answer:
            case RecipientRefused() if answer.for_good or _put_off_too_long(claimed, tx.now):
                await self._mark_undeliverable(tx, claimed, answer.detail)
                self._count(claimed.mail.kind, "undeliverable")
                log.warning("mail undeliverable", code=answer.code, **about)
            case RecipientRefused():
                await self._put_off(tx, claimed, answer.detail, refused=True, in_doubt=False)
                self._count(claimed.mail.kind, "put off")
                log.warning("mail put off by the recipient's server", code=answer.code, **about)
            case ServerTrouble():
                await self._put_off(tx, claimed, answer.detail, refused=False, in_doubt=answer.in_doubt)
                self._count(claimed.mail.kind, "server trouble")
                log.warning("mail server trouble", code=answer.code, attempt=claimed.attempt, **about)

    async def _mark_all_sent(self, accepted: Sequence[Claimed]) -> list[bool]:
        """Whether each was still ours to mark."""
        asking = [it for it in accepted if it.mail.kind is MailKind.CONFIRMATION]
        if not asking:
            async with self._database.reading() as looking:  # no transaction: the mark is all, and one statement
                marked = await queue.mark_sent(looking, accepted)
            return [it.id in marked for it in accepted]
        async with self._database.transaction() as tx:
            known = await store.lock(tx, [it.mail.registration_id for it in asking])
            marked = await queue.mark_sent(tx, accepted)
            mails = [it.mail for it in asking if it.id in marked]
            await store.save(tx, periods.all_sent(mails, known, self._policy, tx.now), known)
        return [it.id in marked for it in accepted]

    async def _mark_undeliverable(self, tx: Transaction, claimed: Claimed, detail: str) -> None:
        if it := await self._give_up(tx, claimed, detail):
            await store.save(tx, periods.undeliverable(it, claimed.mail.period, detail, self._policy, tx.now))

    async def _give_up(self, tx: Transaction, claimed: Claimed, why: str) -> Confirmation | None:
        """Marks the mail failed. Of a confirmation mail that nobody marked before: its confirmation as it is now."""
        mail = claimed.mail
        it = (await store.lock(tx, [mail.registration_id])).get(mail.registration_id)
        if not await queue.mark_failed(tx, [claimed], [why]) or mail.kind is not MailKind.CONFIRMATION:
            return None
        if it is None or not _may_have_told(claimed):
            return it
        decided = periods.gone_out(it)
        await store.save(tx, decided)
        return decided.changed[it.registration_id]

    async def _put_off(self, tx: Transaction, claimed: Claimed, why: str, *, refused: bool, in_doubt: bool) -> None:
        wait: timedelta = self._retry_first * 2 ** min(claimed.attempt - 1, 20)
        until = tx.now + min(wait, LONGEST_WAIT)
        await queue.put_off(tx, claimed, until, why, refused=refused, in_doubt=in_doubt)


def _may_have_told(claimed: Claimed) -> bool:
    """Whether its customer may know of the registration by it, although it counts as not sent."""
    return claimed.in_doubt and claimed.mail.kind is MailKind.CONFIRMATION


def _put_off_too_long(claimed: Claimed, now: datetime) -> bool:
    return claimed.refused_since is not None and now - claimed.refused_since >= GIVE_UP_AFTER
