"""One defect each, planted into a clean run, with the promise that it breaks."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from checker import Line, MailRow, Received, Record
from tests.checker.runs import DAY, HOUR, MINUTE, START, TOPICS, Life, Run

Defect = Callable[[Run], object]


def lines_of(run: Run, kind: str, service: str) -> list[Line]:
    return [it for it in run.lines if it.registration_id == run.ids[kind] and it.service == service]


def line(run: Run, kind: str, service: str, event: str, *, noted: bool = False) -> Line:
    return next(it for it in lines_of(run, kind, service) if it.event == event and bool(it.note) == noted)


def record(run: Run, kind: str, event: str) -> Record:
    return next(it for it in run.records if it.key == run.ids[kind] and it.topic == TOPICS[event])


def mail(run: Run, kind: str, of: str, number: int = 1) -> MailRow:
    wanted = (run.ids[kind], of, number)
    return next(it for it in run.mails if (it.registration_id, it.kind, it.number) == wanted)


def received(run: Run, kind: str, of: str) -> Received:
    return next(it for it in run.received if it.message_id.startswith(f"<{run.ids[kind]}.{of}."))


def swap(things: list[Any], old: object, new: object) -> None:
    things[things.index(old)] = new


def changed(run: Run, it: Line, **changes: Any) -> None:
    swap(run.lines, it, replace(it, **changes))


def add_line(run: Run, kind: str, service: str, event: str, after: str) -> None:
    """One more transition, as the service would write it."""
    last = lines_of(run, kind, service)[-1]
    version = last.version if service == "portal" else last.version + 1
    move: dict[str, Any] = {"status_from": last.status_to, "status_to": after, "event": event, "note": ""}
    run.lines.append(replace(last, **move, version=version))


def valued(run: Run, it: Record, **changes: Any) -> None:
    assert it.value is not None
    run.records = [
        replace(each, value={**it.value, **changes}) if each.value == it.value else each for each in run.records
    ]


def told_anew(run: Run, it: Record) -> None:
    run.records.append(replace(it, ce_id="another"))


def tell(run: Run, kind: str, event: str, **value: Any) -> None:
    registration_id = run.ids[kind]
    run.records.append(Record(TOPICS[event], registration_id, {"registration_id": registration_id, **value}, "new"))


def partner_of(run: Run, kind: str) -> str:
    value = record(run, kind, "RegistrationOpened").value
    assert value is not None
    return str(value["partner_id"])


def one_account_twice(run: Run) -> None:
    email = record(run, "pending", "RegistrationOpened").value["customer_email"]  # type: ignore[index]
    for event in ("RegistrationRequested", "RegistrationOpened"):
        valued(run, record(run, "under_review", event), customer_email=email)


def unread_request(run: Run) -> None:
    """All that was ever written about it is the request, and portal's line of that."""
    its_id = run.ids["refused"]
    requested = record(run, "refused", "RegistrationRequested")
    run.records = [it for it in run.records if it.key != its_id or it is requested]
    kept = line(run, "refused", "portal", "RegistrationRequested")
    run.lines = [it for it in run.lines if it.registration_id != its_id or it is kept]
    run.mails = [it for it in run.mails if it.registration_id != its_id]
    run.received = [it for it in run.received if its_id not in it.message_id]


def same_partner_declined(run: Run) -> None:
    """The customer of `pending` has declined this partner before."""
    email = record(run, "declined", "RegistrationOpened").value["customer_email"]  # type: ignore[index]
    for event in ("RegistrationRequested", "RegistrationOpened"):
        valued(run, record(run, "pending", event), customer_email=email)


def foreign_withdrawal(run: Run) -> None:
    valued(run, record(run, "withdrawn_late", "RegistrationWithdrawn"), partner_id="p-2")
    run.lines.remove(line(run, "withdrawn_late", "portal", "RegistrationWithdrawn", noted=True))


def foreign_early_withdrawal(run: Run) -> None:
    valued(run, record(run, "withdrawn_early", "RegistrationWithdrawn"), partner_id="p-2")


def foreign_resend(run: Run) -> None:
    for it in [it for it in run.records if it.topic == TOPICS["ConfirmationResendRequested"]]:
        valued(run, it, partner_id="p-2")
    for asked in lines_of(run, "resent", "portal"):
        if asked.event == "ConfirmationResendRequested":
            run.lines.remove(asked)


def late_reminder(run: Run) -> None:
    """Its confirmation had been answered a day before."""
    it = mail(run, "resent", "confirmation")
    at = line(run, "resent", "notifier", "CustomerConfirmed").at + DAY
    run.mails.append(replace(it, kind="reminder", period=2, queued_at=at, sent_at=at))
    rules(run, reminders_before=(20 * DAY, DAY))  # so that it is late, not early


def reminded(run: Run, which: int, **changes: Any) -> None:
    it = mail(run, "expired", "reminder", which)
    swap(run.mails, it, replace(it, **changes))


def reminder_after_expiry(run: Run) -> None:
    end = START + number_of(run, "expired") * MINUTE + 15 * DAY
    reminded(run, 2, sent_at=end)


def number_of(run: Run, kind: str) -> int:
    return int(run.ids[kind][-12:])


def reminders_close_together(run: Run) -> None:
    sent_at = mail(run, "expired", "reminder", 2).sent_at
    assert sent_at
    reminded(run, 1, sent_at=sent_at - MINUTE / 2)


def hasty_resend(run: Run) -> None:
    it = line(run, "resent", "notifier", "ConfirmationResendRequested")
    changed(run, it, at=it.at - HOUR / 2)


def rules(run: Run, **changes: Any) -> None:
    run.rules = replace(run.rules, **changes)


def garbage_from_notifier(run: Run) -> None:
    run.records.append(Record(TOPICS["CustomerConfirmed"], "x", None, "new"))


def mailed_again(run: Run) -> None:
    run.mails.append(mail(run, "approved", "customer_approved"))


def expiry_without_a_mail(run: Run) -> None:
    run.records.remove(record(run, "expired", "ConfirmationSent"))
    run.lines.remove(line(run, "expired", "notifier", "ConfirmationSent"))


def mail_after_its_reminder(run: Run) -> None:
    it, sent_at = mail(run, "expired", "confirmation"), mail(run, "expired", "reminder", 2).sent_at
    swap(run.mails, it, replace(it, sent_at=sent_at))


def expiry_before_the_end(run: Run) -> None:
    it = line(run, "expired", "notifier", "ConfirmationExpired")
    changed(run, it, at=it.at - MINUTE)


def owed_mail(run: Run, kind: str, of: str, **changes: Any) -> None:
    it = mail(run, "approved", "customer_approved")
    run.mails.append(
        replace(it, registration_id=run.ids[kind], kind=of, **{"state": "queued", "sent_at": None} | changes)
    )


DEFECTS: dict[str, tuple[str, Defect]] = {
    "two registrations hold an account": ("one_holder", one_account_twice),
    "a step that the table does not know": (
        "legal_steps",
        lambda run: changed(run, line(run, "declined", "registrar", "CustomerDeclined"), event="CustomerConfirmed"),
    ),
    "a service that nobody knows": (
        "legal_steps",
        lambda run: changed(run, line(run, "declined", "portal", "RegistrationClosed"), service="billing"),
    ),
    "a portal that goes back": (
        "legal_steps",
        lambda run: add_line(run, "under_review", "portal", "RegistrationOpened", "awaiting_confirmation"),
    ),
    "a step that does not start where the last ended": (
        "unbroken_chain",
        lambda run: run.lines.remove(line(run, "approved", "registrar", "CustomerConfirmed")),
    ),
    "a life that begins in its middle": (
        "unbroken_chain",
        lambda run: run.lines.remove(line(run, "pending", "notifier", "RegistrationOpened")),
    ),
    "a gap in versions": (
        "gapless_versions",
        lambda run: changed(run, line(run, "approved", "registrar", "VngApproved"), version=4),
    ),
    "a portal's version that is no stage": (
        "gapless_versions",
        lambda run: changed(run, line(run, "approved", "portal", "RegistrationApproved"), version=5),
    ),
    "a final status left": (
        "final_stays",
        lambda run: add_line(run, "rejected", "registrar", "VngApproved", "approved"),
    ),
    "a final status left for one that is not": (
        "final_stays",
        lambda run: add_line(run, "rejected", "registrar", "CustomerConfirmed", "awaiting_approval"),
    ),
    "a final status reached again": (
        "final_stays",
        lambda run: run.lines.append(line(run, "declined", "registrar", "CustomerDeclined")),
    ),
    "a confirmed customer who declines": (
        "final_stays",
        lambda run: add_line(run, "under_review", "notifier", "CustomerDeclined", "declined"),
    ),
    "a final word taken twice": (
        "one_final_word",
        lambda run: add_line(run, "approved", "notifier", "RegistrationClosed", "confirmed"),
    ),
    "a lost event": (
        "told_exactly_once",
        lambda run: run.records.remove(record(run, "declined", "CustomerDeclined")),
    ),
    "a doubled event": (
        "told_exactly_once",
        lambda run: told_anew(run, record(run, "approved", "RegistrationApproved")),
    ),
    "an event without its transition": (
        "told_exactly_once",
        lambda run: tell(run, "pending", "ConfirmationExpired"),
    ),
    "an event of a registration that nobody knows": (
        "told_exactly_once",
        lambda run: run.records.append(Record(TOPICS["VngApproved"], "no", {"registration_id": "no"}, None)),
    ),
    "a transition without its event": (
        "told_exactly_once",
        lambda run: add_line(run, "under_review", "approver", "ReviewDue", "open"),
    ),
    "another outcome told than decided": (
        "told_exactly_once",
        lambda run: valued(run, record(run, "expired", "RegistrationClosed"), outcome="declined"),
    ),
    "a refused resend nobody is told of": (
        "told_exactly_once",
        lambda run: run.records.remove(record(run, "resent", "ConfirmationResendRefused")),
    ),
    "a resend refused for another reason than noted": (
        "told_exactly_once",
        lambda run: valued(run, record(run, "resent", "ConfirmationResendRefused"), code="limit"),
    ),
    "a withdrawal asked for and not told": (
        "told_exactly_once",
        lambda run: run.records.remove(record(run, "withdrawn_late", "RegistrationWithdrawn")),
    ),
    "a withdrawal told that nobody asked for": (
        "told_exactly_once",
        lambda run: tell(run, "pending", "RegistrationWithdrawn", partner_id="p-0"),
    ),
    "one ce_id with two values": (
        "one_value_a_ce_id",
        lambda run: run.records.append(
            replace(record(run, "approved", "VngApproved"), value={"registration_id": run.ids["approved"]})
        ),
    ),
    "an event that names another partner": (
        "same_parties",
        lambda run: valued(run, record(run, "approved", "CustomerConfirmed"), partner_id="p-2"),
    ),
    "an event that names another account": (
        "same_parties",
        lambda run: valued(run, record(run, "approved", "RegistrationApproved"), customer_email="x@example.vn"),
    ),
    "a wrong key": (
        "keys",
        lambda run: swap(run.records, it := record(run, "declined", "CustomerDeclined"), replace(it, key="p-1")),
    ),
    "a record of ours without a registration": ("keys", garbage_from_notifier),
    "an account's record under another key": (
        "keys",
        lambda run: run.records.append(Record("account-updated.v1", "A@b.vn", {"email": "a@b.vn"}, None)),
    ),
    "a step without its cause": (
        "moved_by_an_event",
        lambda run: run.records.remove(record(run, "approved", "VngApproved")),
    ),
    "a request for another account than registered": (
        "moved_by_an_event",
        lambda run: valued(run, record(run, "pending", "RegistrationRequested"), customer_email="x@example.vn"),
    ),
    "another partner's withdrawal": ("own_partner_only", foreign_withdrawal),
    "a withdrawal that nobody heard": (
        "asked_is_answered",
        lambda run: tell(run, "pending", "RegistrationWithdrawn", partner_id=partner_of(run, "pending")),
    ),
    "a resend that nobody answered": (
        "asked_is_answered",
        lambda run: tell(
            run,
            "pending",
            "ConfirmationResendRequested",
            partner_id=partner_of(run, "pending"),
            requested_at=START.isoformat(),
        ),
    ),
    "another partner's early withdrawal": ("own_partner_only", foreign_early_withdrawal),
    "another partner's resend": ("own_partner_only", foreign_resend),
    "a portal that says something else": (
        "services_agree",
        lambda run: changed(run, line(run, "declined", "portal", "RegistrationClosed"), status_to="expired"),
    ),
    "a portal that never heard": (
        "services_agree",
        lambda run: run.lines.remove(line(run, "approved", "portal", "RegistrationApproved")),
    ),
    "an approver without the final word": (
        "services_agree",
        lambda run: run.lines.remove(line(run, "approved", "approver", "RegistrationApproved")),
    ),
    "a notifier that took the wrong final word": (
        "services_agree",
        lambda run: changed(run, line(run, "approved", "notifier", "RegistrationApproved"), event="RegistrationClosed"),
    ),
    "a notifier that took both final words": (
        "services_agree",
        lambda run: add_line(run, "approved", "notifier", "RegistrationClosed", "confirmed"),
    ),
    "a case that is missing": (
        "services_agree",
        lambda run: run.lines.remove(line(run, "under_review", "approver", "CustomerConfirmed")),
    ),
    "a mail of no kind": ("mailed_with_cause", lambda run: owed_mail(run, "approved", "newsletter")),
    "an approval mail for nothing": ("mailed_with_cause", lambda run: owed_mail(run, "declined", "customer_approved")),
    "a rejection mail to one who never confirmed": (
        "mailed_with_cause",
        lambda run: owed_mail(run, "refused", "customer_rejected"),
    ),
    "a withdrawal mail to one who never heard of it": (
        "mailed_with_cause",
        lambda run: owed_mail(run, "undeliverable", "customer_withdrawn"),
    ),
    "a closing mail about the partner's own withdrawal": (
        "mailed_with_cause",
        lambda run: owed_mail(run, "withdrawn_late", "partner_closed"),
    ),
    "a mail of a period that nobody asked for": (
        "mailed_with_cause",
        lambda run: owed_mail(run, "approved", "confirmation", period=2),
    ),
    "a confirmation of what was refused": ("mailed_with_cause", lambda run: owed_mail(run, "refused", "confirmation")),
    "an undeliverable mail that was delivered": (
        "mailed_with_cause",
        lambda run: owed_mail(run, "approved", "partner_undeliverable"),
    ),
    "staff reminded of nothing": ("mailed_with_cause", lambda run: owed_mail(run, "under_review", "review_due")),
    "a reminder before any mail": ("mailed_with_cause", lambda run: owed_mail(run, "undeliverable", "reminder")),
    "a mail twice": ("mailed_once", mailed_again),
    **{
        f"a {of} mail that is missing": (
            "nothing_owed_is_missing",
            lambda run, kind=kind, of=of: run.mails.remove(mail(run, kind, of)),  # type: ignore[misc]
        )
        for kind, of in (
            ("pending", "confirmation"),
            ("approved", "customer_approved"),
            ("approved", "partner_approved"),
            ("rejected", "customer_rejected"),
            ("withdrawn_late", "customer_withdrawn"),
            ("expired", "partner_closed"),
            ("undeliverable", "partner_undeliverable"),
            ("rejected", "review_due"),
            ("rejected", "review_due_claimer"),
        )
    },
    "a request that nobody read": ("told_is_read", unread_request),
    "an account's newest facts lost": ("facts_are_kept", lambda run: Life(run, 1).account_told(7, kept=6)),
    "an answer that approver lost": (
        "told_is_read",
        lambda run: run.lines.remove(line(run, "approved", "approver", "CustomerConfirmed")),
    ),
    "a second mail that portal never heard of": (
        "told_is_read",
        lambda run: run.lines.remove(next(it for it in lines_of(run, "resent", "portal") if it.note == "number 2")),
    ),
    "a mail accepted and not told": (
        "fate_of_mails_told",
        lambda run: swap(run.mails, it := mail(run, "undeliverable", "confirmation"), replace(it, state="sent")),
    ),
    "a mail told as sent that waits": (
        "fate_of_mails_told",
        lambda run: swap(run.mails, it := mail(run, "pending", "confirmation"), replace(it, state="queued")),
    ),
    "an undeliverable mail that had not failed": (
        "fate_of_mails_told",
        lambda run: swap(run.mails, it := mail(run, "undeliverable", "confirmation"), replace(it, state="queued")),
    ),
    "a message nobody owes": (
        "received_is_owed",
        lambda run: run.received.append(
            Received("x@example.vn", f"<{run.ids['pending']}.reminder.1.1@vng.example>", "")
        ),
    ),
    "a message of no registration": (
        "received_is_owed",
        lambda run: run.received.append(Received("x@example.vn", "<hello@vng.example>", "")),
    ),
    "a message received twice": ("received_once", lambda run: run.received.append(run.received[0])),
    "a mail marked sent and never received": (
        "sent_is_received",
        lambda run: run.received.remove(received(run, "approved", "customer_approved")),
    ),
    "a mail to the wrong person": (
        "right_reader",
        lambda run: swap(run.received, it := received(run, "approved", "confirmation"), replace(it, to="x@example.vn")),
    ),
    "a partner's mail to the customer": (
        "right_reader",
        lambda run: swap(run.received, it := received(run, "approved", "partner_approved"), replace(it, to="x@x.vn")),
    ),
    "a reminder after the answer": ("reminded_in_time", late_reminder),
    "a reminder after the link's end": ("reminded_in_time", reminder_after_expiry),
    "a reminder before its mail": ("reminded_in_time", mail_after_its_reminder),
    "two reminders at once": ("reminded_in_time", reminders_close_together),
    "a reminder too early": ("reminded_in_time", lambda run: reminded(run, 2, queued_at=START + 12 * DAY)),
    "a reminder of a moment that no setting names": ("reminded_in_time", lambda run: reminded(run, 2, number=3)),
    "a confirmation open past its end": ("no_open_past_its_end", lambda run: setattr(run, "now", START + 40 * DAY)),
    "a confirmation that expires early": ("none_expires_early", expiry_before_the_end),
    "a confirmation that expires without a mail": ("none_expires_early", expiry_without_a_mail),
    "a link valid for too long": (
        "valid_no_longer_than_promised",
        lambda run: rules(run, confirmation_valid_for=14 * DAY),
    ),
    "a review that nobody heard of": ("reviews_are_due_in_time", lambda run: setattr(run, "now", START + 31 * DAY)),
    "a partner with too many open": ("open_limited", lambda run: rules(run, open_limit=1)),
    "a resend too many": ("resends_limited", lambda run: rules(run, resend_limit=0)),
    "a resend too soon": ("resends_apart", hasty_resend),
    "a customer asked again too soon": ("declined_cools_down", same_partner_declined),
}
"""The promise that each breaks, and how it is planted. One defect may break others too."""
