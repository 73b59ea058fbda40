"""The table of promises, and the check that goes through it: each registration once, then registrar's steps in order.

While a run is not settled, only what must hold at every moment is checked.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from checker.evidence import Evidence, Finding
from checker.lives import Life, Run, lives
from checker.promises import agreement, causes, deadlines, facts, limits, mails, steps, telling
from checker.promises.limits import Parties
from checker.reading import read

OfLife = Callable[[Life, Run], Iterator[str]]
OfRun = Callable[[Run, Parties], Iterator[tuple[str | None, str]]]


@dataclass(frozen=True, slots=True)
class Promise:
    """`of_life` says what one registration broke, `of_run` what several did together; neither: found while reading."""

    name: str
    sentence: str
    of_life: OfLife | None = None
    of_run: OfRun | None = None
    when_settled: bool = False


def _each(name: str, sentence: str, of_life: OfLife) -> Promise:
    return Promise(name, sentence, of_life=of_life)


def _in_the_end(name: str, sentence: str, of_life: OfLife) -> Promise:
    return Promise(name, sentence, of_life=of_life, when_settled=True)


def _together(name: str, sentence: str, of_run: OfRun) -> Promise:
    return Promise(name, sentence, of_run=of_run)


PROMISES: tuple[Promise, ...] = (
    _together("one_holder", "An account has one open or approved registration at most.", limits.one_holder),
    _each("legal_steps", "Every step is one that the service's machine allows.", steps.legal_steps),
    _each("unbroken_chain", "Each step starts where the one before ended.", steps.unbroken_chain),
    _each("gapless_versions", "Versions count 1, 2, 3; portal's are its stages.", steps.gapless_versions),
    _each("final_stays", "A final status is reached once and never left.", steps.final_stays),
    _each("one_final_word", "Each service takes registrar's final word once.", steps.one_final_word),
    _each(
        "told_exactly_once",
        "What must be told is told exactly once, and nothing is told that no line of history says.",
        telling.told_exactly_once,
    ),
    _each("one_value_a_ce_id", "A record that comes again is the same record.", telling.one_value_a_ce_id),
    _each("same_parties", "All events name the same partner and account.", telling.same_parties),
    Promise("keys", "A record's key is its registration_id; an account's is its email."),
    _in_the_end("moved_by_an_event", "Nothing moves without the event that says so.", causes.moved_by_an_event),
    _in_the_end("told_is_read", "What is told is read by each service that it is for.", causes.told_is_read),
    Promise(
        "facts_are_kept",
        "The newest facts of an account are kept.",
        of_run=facts.facts_are_kept,
        when_settled=True,
    ),
    _in_the_end("own_partner_only", "Only its own partner withdraws or resends.", causes.own_partner_only),
    _in_the_end("asked_is_answered", "What its partner asks for has an effect or an answer.", causes.asked_is_answered),
    _in_the_end("services_agree", "All services end agreeing with registrar.", agreement.services_agree),
    _each("mailed_with_cause", "No mail is owed without its cause.", mails.mailed_with_cause),
    _each("mailed_once", "No mail is owed twice.", mails.mailed_once),
    _in_the_end("nothing_owed_is_missing", "Every mail that is owed is in the queue.", mails.nothing_owed_is_missing),
    _in_the_end("fate_of_mails_told", "What became of a confirmation mail is told.", mails.fate_of_mails_told),
    _each("received_is_owed", "Every message received is a mail of the queue.", mails.received_is_owed),
    _each("received_once", "Without faults no message is received twice.", mails.received_once),
    _in_the_end("sent_is_received", "Nothing is marked sent that was not received.", mails.sent_is_received),
    _each("right_reader", "Every mail goes to whom it concerns.", mails.right_reader),
    _each(
        "reminded_in_time",
        "Reminders come within their period, apart from each other, and never after the end.",
        deadlines.reminded_in_time,
    ),
    _in_the_end("no_open_past_its_end", "No confirmation is pending past its end.", deadlines.no_open_past_its_end),
    _in_the_end("none_expires_early", "No confirmation expires before its end.", deadlines.none_expires_early),
    _each(
        "valid_no_longer_than_promised",
        "No link is valid for longer than the setting says.",
        deadlines.valid_no_longer_than_promised,
    ),
    _in_the_end("reviews_are_due_in_time", "Staff hear of reviews that are due.", deadlines.reviews_are_due_in_time),
    _together("open_limited", "No partner has more open registrations than allowed.", limits.open_limited),
    _each("resends_limited", "No more resends are accepted than allowed.", limits.resends_limited),
    _each("resends_apart", "Resends keep their interval from the mail before.", limits.resends_apart),
    _together(
        "declined_cools_down",
        "Who declined a partner is not asked by it again too soon.",
        limits.declined_cools_down,
    ),
)


def check(evidence: Evidence) -> list[Finding]:
    """Every broken promise that `evidence` shows; none where all were kept."""
    run = read(evidence)
    applying = [it for it in PROMISES if run.settled or not it.when_settled]
    findings = [Finding(promise, registration_id, detail) for promise, registration_id, detail in run.strays]
    of_life = [(it.name, it.of_life) for it in applying if it.of_life]
    parties: dict[str, tuple[str | None, str | None]] = {}
    for life in lives(run):
        if known := life.known_as():
            parties[life.registration_id] = (known.partner_id, known.email)
        findings += [
            Finding(name, life.registration_id, detail) for name, broken in of_life for detail in broken(life, run)
        ]
    for it in applying:
        if it.of_run:
            findings += [Finding(it.name, life_id, detail) for life_id, detail in it.of_run(run, parties)]
    return findings
