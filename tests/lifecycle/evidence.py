"""What a run left behind, as the checker reads it."""

import json
from datetime import timedelta

from checker.evidence import Evidence, Line, MailRow, Received, Record, Rules
from shared.topics import SERVICES
from tests.lifecycle.world import OPEN_LIMIT, RESEND_LIMIT, World

_HISTORY = """
    select registration_id::text, version, status_from, status_to, event, note, actor, reason, at
    from {service}.history order by id
"""
_MAILS = "select registration_id::text, kind, period, number, state, queued_at, sent_at from notifier.emails"
RULES = Rules(
    open_limit=OPEN_LIMIT,
    resend_limit=RESEND_LIMIT,
    review_due_after=timedelta(days=16),
    review_mail_to=("reviews@vng.example",),
)


async def evidence_of(world: World) -> Evidence:
    """Of a world that is settled."""
    records = [
        Record(
            topic=place.topic,
            key=record.key.decode(),
            value=json.loads(record.value),
            ce_id=next((text.decode() for name, text in record.headers if name == "ce_id"), None),
            partition=place.partition,
            offset=record.offset,
        )
        for place, records in world.log.records.items()
        for record in records
    ]
    lines = [Line(service, *row) for service in SERVICES for row in await world.query(_HISTORY.format(service=service))]
    mails = [MailRow(*row) for row in await world.query(_MAILS)]
    received = [
        Received(", ".join(mail.to), mail.message_id, mail.subject)
        for mail in world.mailbox.messages()
        if mail.n > world.first_mail
    ]
    return Evidence(records, lines, world.now, mails, received, rules=RULES)
