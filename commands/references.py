"""Prints the pages of reference that are drawn from the code.

.venv/bin/python -m commands.references settings|commands       (make docs)
"""

import re
import sys
from collections.abc import Iterator
from typing import Any

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from cli import app
from commands.serve import SETTINGS
from shared.topics import SERVICES

MEANING = {
    "approval_for_current_customers": "what becomes of accounts that are VNG's customers already: skip, auto or manual",
    "approver_url": "where VNG's staff reach approver",
    "claim_for": "how long a case stays with who claimed it",
    "confirmation_valid_for": "how long a customer may answer a mail",
    "database_url": "the login at PostgreSQL: `postgresql://user:password@host:5432/registration`",
    "decline_cooldown": "how long a partner may not ask again who declined",
    "kafka_bootstrap_servers": "`host:port` of brokers",
    "kafka_sasl_mechanism": "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512",
    "kafka_sasl_password": "at a Kafka with users",
    "kafka_sasl_username": "at a Kafka with users",
    "kafka_security_protocol": "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL",
    "kafka_ssl_cafile": "a file with the authorities to trust, in place of the system's",
    "kafka_topic_prefix": "before topics and groups, as it is",
    "link_secret": "signs the links in mails: 16 characters or more; two while changing it",
    "log_format": "console or json",
    "mail_claim_for": "after how long another instance sends what one that died had in hand",
    "mail_from": "the sender: `VNG Cloud <registration@example.com>`",
    "mail_retry_first": "the first wait after a mail that did not go; doubled each time, six hours at most",
    "oidc_client_id": "of this service at the OpenID provider",
    "oidc_client_secret": "of this service at the OpenID provider: 16 characters or more",
    "oidc_issuer": "the OpenID provider's address",
    "oidc_partner_claim": "the claim that names a person's partner",
    "oidc_partner_name_claim": "the claim with the partner's name",
    "oidc_roles_claim": "the claim with a person's roles",
    "open_limit": "open registrations of one partner at once",
    "otel_exporter_otlp_endpoint": "where traces go: `http://collector:4318`",
    "otel_traces_sampler_arg": "the part of all registrations that is traced, 0 to 1",
    "portal_url": "where partners reach the portal",
    "public_url": "where people reach this service; https but for loopback",
    "reminders_before": "how long before its end a confirmation is reminded of",
    "resend_interval": "between two mails that a partner asks for",
    "resend_limit": "how often a partner may ask for another mail",
    "review_mail_to": "who is told that reviews are due",
    "review_within_business_days": "until a review is due, in Vietnam's calendar",
    "smtp_connections": "an instance's connections to the mail server, at most; half of them while nobody is slow",
    "smtp_url": "the mail server: `smtp://user:password@host:587?starttls=required`",
    "tries_limit": "bad tries of one client in a period",
    "tries_period": "that period",
    "trusted_proxies": "networks whose X-Forwarded-For is believed",
    "withdrawal_cooldown": "how long a partner may not ask again after too many withdrawals",
    "withdrawal_limit": "withdrawals of one customer by one partner before that",
}
_HEADING = "# {title}\n\nMade from the code by `make docs`.\n"


def settings() -> Iterator[str]:
    yield _HEADING.format(title="Settings")
    yield "Environment variables, checked when a program starts; a wrong one is a line that says what is expected. A"
    yield "duration is ISO 8601: `P15D`, `PT1H`. Several values are separated by commas.\n"
    yield f"| setting | what it says | without it | {' | '.join(SERVICES)} |"
    yield f"| --- | --- | --- |{' --- |' * len(SERVICES)}"
    fields: dict[str, FieldInfo] = {}
    for service in SERVICES:
        fields |= SETTINGS[service].model_fields
    for name, it in sorted(fields.items()):
        users = " | ".join("yes" if name in SETTINGS[service].model_fields else "" for service in SERVICES)
        yield f"| `{name.upper()}` | {MEANING[name]} | {_default(it)} | {users} |"


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    value: Any = to_jsonable_python(field.default)
    if isinstance(field.default, SecretStr):
        value = field.default.get_secret_value()
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value if value is not None else "")
    return f"`{text}`" if text else "none"


def commands() -> Iterator[str]:
    yield _HEADING.format(title="Commands")
    yield "`registration --debug …` shows where in the code an error arose.\n"
    yield from _commands(typer.main.get_command(app), "registration")


def _commands(command: Any, name: str) -> Iterator[str]:
    if subcommands := getattr(command, "commands", None):
        for word, sub in sorted(subcommands.items()):
            yield from _commands(sub, f"{name} {word}")
        return
    arguments = [it for it in command.params if it.param_type_name == "argument"]
    options = [it for it in command.params if it.param_type_name == "option" and it.name != "help"]
    words = " ".join(_argument(it) for it in arguments)
    yield f"## {name} {words}".rstrip() + "\n"
    yield _one_line(command.help or "") + "\n"
    for it in options:
        default = f" Else: `{it.default}`." if it.default not in (None, False, ()) and not it.required else ""
        required = " Required." if it.required else ""
        yield f"- `{', '.join((*it.opts, *it.secondary_opts))}`: {_one_line(it.help or '')}{required}{default}"
    if options:
        yield ""


def _argument(it: Any) -> str:
    name = (it.metavar or it.name.upper()).strip("{}[]")
    return name if it.required else f"[{name}]"


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


PAGES = {"settings": settings, "commands": commands}

if __name__ == "__main__":
    print("\n".join(PAGES[sys.argv[1]]()).rstrip())
