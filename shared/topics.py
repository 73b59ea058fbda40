"""The topics: one an event, each written by exactly one service, so access rules alone decide who may say what.

`registration topics apply` makes them; nothing is created automatically.
"""

from dataclasses import dataclass

from shared import events as e

SERVICES = ("portal", "registrar", "notifier", "approver")
OUTSIDE = "VNG's account systems"

PARTITIONS = 6
DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Topic:
    event: type[e.Event]
    name: str
    writer: str
    readers: tuple[str, ...]
    partitions: int = PARTITIONS
    compacted: bool = False

    def config(self) -> dict[str, str]:
        """The topic's settings at the broker."""
        # The broker's time, not the producer's: `rewind` and retention go by it.
        times = {"message.timestamp.type": "LogAppendTime"}
        if self.compacted:
            # A deletion stays readable for as long as events do: who was away meanwhile must still hear of it.
            return times | {"cleanup.policy": "compact", "delete.retention.ms": str(90 * DAY_MS)}
        return times | {"cleanup.policy": "delete", "retention.ms": str(90 * DAY_MS)}


TOPICS: tuple[Topic, ...] = (
    Topic(e.RegistrationRequested, "registration-requested.v1", "portal", ("registrar",)),
    Topic(e.RegistrationWithdrawn, "registration-withdrawn.v1", "portal", ("registrar",)),
    Topic(e.ConfirmationResendRequested, "confirmation-resend-requested.v1", "portal", ("notifier",)),
    Topic(e.AccountUpdated, "account-updated.v1", OUTSIDE, ("registrar", "approver"), compacted=True),
    Topic(e.RegistrationOpened, "registration-opened.v1", "registrar", ("notifier", "portal")),
    Topic(e.ConfirmationSent, "confirmation-sent.v1", "notifier", ("portal",)),
    Topic(e.ConfirmationResendRefused, "confirmation-resend-refused.v1", "notifier", ("portal",)),
    Topic(e.ConfirmationUndeliverable, "confirmation-undeliverable.v1", "notifier", ("portal",)),
    Topic(e.CustomerConfirmed, "customer-confirmed.v1", "notifier", ("registrar", "approver", "portal")),
    Topic(e.CustomerDeclined, "customer-declined.v1", "notifier", ("registrar",)),
    Topic(e.ConfirmationExpired, "confirmation-expired.v1", "notifier", ("registrar",)),
    Topic(e.VngApproved, "vng-approved.v1", "approver", ("registrar",)),
    Topic(e.VngRejected, "vng-rejected.v1", "approver", ("registrar",)),
    Topic(e.ReviewDue, "review-due.v1", "approver", ("notifier",)),
    Topic(e.RegistrationApproved, "registration-approved.v1", "registrar", ("portal", "notifier", "approver")),
    Topic(e.RegistrationClosed, "registration-closed.v1", "registrar", ("portal", "notifier", "approver")),
    *(
        # Approver shows the others' to VNG's staff; its own it has in its database.
        Topic(e.Quarantined, f"{it}.quarantine.v1", it, () if it == "approver" else ("approver",), partitions=1)
        for it in SERVICES
    ),
)

_NAMES = {topic.event: topic.name for topic in TOPICS}


def topic_of(event: type[e.Event], service: str) -> str:
    """The topic's name, without prefix, that `service` writes `event` to."""
    return f"{service}.quarantine.v1" if event is e.Quarantined else _NAMES[event]


def topics_read(event: type[e.Event], service: str) -> tuple[str, ...]:
    """The topics' names, without prefix, that `service` reads `event` from."""
    if event is e.Quarantined:
        return tuple(topic.name for topic in TOPICS if topic.event is event and service in topic.readers)
    return (_NAMES[event],)
