"""The mail server, up to the point where a mail would begin."""

from urllib.parse import urlsplit

from aiosmtplib import SMTPAuthenticationError, SMTPException

from commands.doctor.findings import LIMIT, Finding, loaded, ok, unseen, within_limit, wrong
from services.notifier.mail.smtp import client_for
from shared.messaging.faults import in_words
from shared.settings import MailSettings

WHAT = "mail"


async def examine() -> list[Finding]:
    settings = loaded(MailSettings)
    if settings is None:
        return [unseen(WHAT, "SMTP_URL is missing or wrong")]
    url = settings.smtp_url.get_secret_value()
    parts = urlsplit(url)
    where = f"{parts.hostname}:{parts.port}" if parts.port else f"{parts.hostname}"
    try:
        return [ok(WHAT, f"{where} {await within_limit(_greet(url))}; no mail was sent")]
    except SMTPAuthenticationError as error:
        return [
            wrong(
                WHAT, f"{where} refuses the login: {error.code}; expected it taken; check user and password in SMTP_URL"
            )
        ]
    except (SMTPException, OSError, TimeoutError, ValueError) as error:
        return [
            wrong(
                WHAT,
                f"{where} does not take mail: {in_words(error)}; expected a server that does what SMTP_URL says (TLS, "
                f"login); check SMTP_URL",
            )
        ]


async def _greet(url: str) -> str:
    """What was done, in words: connected, EHLO, TLS, login."""
    parts = urlsplit(url)
    client = client_for(parts, LIMIT)
    await client.connect()
    try:
        await client.ehlo()
        secure = client.transport is not None and client.transport.get_extra_info("ssl_object") is not None
        login = ", took the login" if parts.username else ", without login"
        return ("answers with TLS" if secure else "answers without TLS") + login
    finally:
        client.close()
