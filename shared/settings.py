"""What the environment says, checked once at start. A missing or wrong setting is one line that names it, says what was
found (secrets masked) and what is expected."""

from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar
from urllib.parse import SplitResult, parse_qs, urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    IPvAnyNetwork,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.eligibility import CurrentCustomers
from shared.events import normal_email


class SettingsError(Exception):
    """One line a setting in `lines`."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


LONGEST = timedelta(days=3660)


def _duration(text: Any) -> Any:
    if isinstance(text, str) and not text.startswith("P"):
        raise ValueError("expected an ISO 8601 duration, for example P15D or PT1H")
    return text


def _sensible(duration: timedelta) -> timedelta:
    if not timedelta() < duration <= LONGEST:
        raise ValueError(
            f"expected a duration longer than nothing and of {LONGEST.days} days at most, for example P15D"
        )
    return duration


Duration = Annotated[timedelta, BeforeValidator(_duration), AfterValidator(_sensible)]


def _parts(url: str) -> SplitResult | None:
    """None where it is no address: a port that is no number, for one."""
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError:
        return None
    return parts


def _mail_from(text: str) -> str:
    try:
        normal_email(parseaddr(text)[1])
    except ValueError:
        raise ValueError("expected a sender like VNG Cloud <registration@example.com>") from None
    return text


def _existing_file(path: str | None) -> str | None:
    if path is not None and not Path(path).is_file():
        raise ValueError("expected a file with the certificates of the authorities to trust")
    return path


def _database_url(url: SecretStr) -> SecretStr:
    parts = _parts(url.get_secret_value())
    if parts is None or parts.scheme not in {"postgresql", "postgres"} or not set(parse_qs(parts.query)) <= {"sslmode"}:
        raise ValueError(
            "expected an address like postgresql://user:password@host:5432/registration, with at most ?sslmode="
        )
    return url


def _smtp_url(url: SecretStr) -> SecretStr:
    parts = _parts(url.get_secret_value())
    known = parts is not None and parts.scheme in {"smtp", "smtps"} and parts.query in {"", "starttls=required"}
    if parts is None or not known or not parts.hostname:
        raise ValueError("expected an address like smtp://user:password@host:587?starttls=required")
    return url


LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def _public_url(url: str) -> str:
    parts = _parts(url)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("expected an address like https://portal.example.com")
    if parts.path.strip("/") or parts.query:
        raise ValueError("expected an address without a path, like https://portal.example.com")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("expected https:// (http:// is for loopback addresses only)")
    return url.rstrip("/")


def _collector(url: str | None) -> str | None:
    if not url:
        return None
    parts = _parts(url)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("expected a collector's address like http://collector:4318")
    return url


def _comma_separated(text: Any) -> Any:
    return [part.strip() for part in text.split(",") if part.strip()] if isinstance(text, str) else text


def _falling(durations: list[timedelta]) -> list[timedelta]:
    return sorted(set(durations), reverse=True)


def _mail_addresses(addresses: list[str]) -> list[str]:
    try:
        found = list(dict.fromkeys(map(normal_email, addresses)))
    except ValueError:
        found = []
    if not found:
        raise ValueError("expected one email address, or several separated by commas")
    return found


def _link_keys(keys: list[SecretStr]) -> list[SecretStr]:
    if not 1 <= len(keys) <= 2 or any(len(key.get_secret_value()) < 16 for key in keys):
        raise ValueError("expected one key, or two separated by a comma (the first signs), of 16 characters or more")
    return keys


def _session_secret(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < 16:
        raise ValueError("expected 16 characters or more: sessions are signed with it too")
    return secret


PublicUrl = Annotated[str, AfterValidator(_public_url)]


class KafkaSettings(BaseSettings):
    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    kafka_bootstrap_servers: str = Field(min_length=1)
    kafka_security_protocol: str = Field("PLAINTEXT", pattern="^(PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL)$")
    kafka_sasl_mechanism: str = Field("SCRAM-SHA-512", pattern="^(PLAIN|SCRAM-SHA-256|SCRAM-SHA-512)$")
    kafka_sasl_username: str = ""
    kafka_sasl_password: SecretStr = SecretStr("")
    kafka_ssl_cafile: Annotated[str | None, AfterValidator(_existing_file)] = None
    kafka_topic_prefix: str = Field("", pattern=r"^[a-zA-Z0-9._-]*$")

    @model_validator(mode="after")
    def _sasl_has_a_name(self) -> Self:
        if self.kafka_security_protocol.startswith("SASL") and not self.kafka_sasl_username:
            raise ValueError(
                "KAFKA_SASL_USERNAME is missing; expected a name, since KAFKA_SECURITY_PROTOCOL asks for SASL"
            )
        return self


class DatabaseSettings(BaseSettings):
    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    database_url: Annotated[SecretStr, AfterValidator(_database_url)]


class TracesSettings(BaseSettings):
    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    otel_exporter_otlp_endpoint: Annotated[str | None, AfterValidator(_collector)] = None
    """Where traces go, like http://collector:4318; without it there are none."""
    otel_traces_sampler_arg: float = Field(1.0, ge=0, le=1)
    """The part of all registrations that is traced."""


class ServiceSettings(KafkaSettings, DatabaseSettings, TracesSettings):
    log_format: str = Field("console", pattern="^(console|json)$")


class TriesSettings(BaseSettings):
    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    tries_limit: int = Field(30, ge=1)  # bad tries of one client in a period; good ones are not counted
    tries_period: Duration = timedelta(minutes=10)
    trusted_proxies: Annotated[list[IPvAnyNetwork], NoDecode, BeforeValidator(_comma_separated)] = []
    """Networks, separated by commas, whose X-Forwarded-For says where a request comes from."""


class OpenidSettings(BaseSettings):
    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    oidc_issuer: str = Field(pattern="^https?://")


class SignInSettings(OpenidSettings, TriesSettings):
    public_url: PublicUrl
    oidc_client_id: str = Field(min_length=1)
    oidc_client_secret: Annotated[SecretStr, AfterValidator(_session_secret)]
    oidc_partner_claim: str = "partner_id"
    oidc_partner_name_claim: str = "partner_name"
    oidc_roles_claim: str = "roles"


class CooldownSettings(BaseSettings):
    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    decline_cooldown: Duration = timedelta(days=30)
    withdrawal_cooldown: Duration = timedelta(days=7)


class RegistrarSettings(ServiceSettings, CooldownSettings):
    approval_for_current_customers: CurrentCustomers = CurrentCustomers.SKIP
    open_limit: int = Field(100, ge=1)
    withdrawal_limit: int = Field(5, ge=1)


class PurgeSettings(DatabaseSettings, CooldownSettings):
    """The cooldowns as registrar has them: for so long it needs to know who declined and who withdrew."""


class MailSettings(BaseSettings):
    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    smtp_url: Annotated[SecretStr, AfterValidator(_smtp_url)]


class NotifierSettings(ServiceSettings, MailSettings, TriesSettings):
    public_url: PublicUrl
    portal_url: PublicUrl
    approver_url: PublicUrl
    review_mail_to: Annotated[list[str], NoDecode, BeforeValidator(_comma_separated), AfterValidator(_mail_addresses)]
    mail_from: Annotated[str, AfterValidator(_mail_from)]
    link_secret: Annotated[list[SecretStr], NoDecode, BeforeValidator(_comma_separated), AfterValidator(_link_keys)]
    confirmation_valid_for: Duration = timedelta(days=15)
    resend_interval: Duration = timedelta(hours=1)
    reminders_before: Annotated[
        list[Duration], NoDecode, BeforeValidator(_comma_separated), AfterValidator(_falling)
    ] = [timedelta(days=7), timedelta(days=1)]
    resend_limit: int = Field(3, ge=0)
    smtp_connections: int = Field(64, ge=1, le=1000)  # of one instance; half of them while no recipient is slow
    mail_retry_first: Duration = timedelta(minutes=1)
    mail_claim_for: Duration = timedelta(minutes=1)  # when a notifier died while sending, another sends after this


class ApproverSettings(ServiceSettings, SignInSettings):
    approval_for_current_customers: CurrentCustomers = CurrentCustomers.SKIP
    claim_for: Duration = timedelta(hours=4)
    review_within_business_days: int = Field(3, ge=0, le=260)


class PortalSettings(ServiceSettings, SignInSettings):
    pass


S = TypeVar("S", bound=BaseSettings)


def load(kind: type[S]) -> S:
    """The settings of one kind from the environment. Raises SettingsError, a line a setting."""
    try:
        return kind()
    except ValidationError as refused:
        raise SettingsError([_line(error) for error in refused.errors()]) from None


def _line(error: Any) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    if not error["loc"]:
        return message
    name = str(error["loc"][0]).upper()
    if error["type"] == "missing":
        return f"{name} is missing; expected {_EXPECTED.get(name, 'a value')}"
    secret = name.endswith(("SECRET", "PASSWORD", "_URL")) and name not in {"PUBLIC_URL", "PORTAL_URL", "APPROVER_URL"}
    found = "********" if secret else repr(error["input"])
    return f"{name} is {found}; {message[0].lower() + message[1:]}"


_EXPECTED = {
    "KAFKA_BOOTSTRAP_SERVERS": "host:port of one or more brokers, separated by commas",
    "DATABASE_URL": "an address like postgresql://user:password@host:5432/registration",
    "SMTP_URL": "an address like smtp://user:password@host:587?starttls=required",
    "MAIL_FROM": "the sender of all mails, like registration@example.com",
    "PUBLIC_URL": "where people reach this service, like https://portal.example.com",
    "PORTAL_URL": "where partners reach the portal, like https://portal.example.com",
    "APPROVER_URL": "where VNG's staff reach approver, like https://approver.example.com",
    "REVIEW_MAIL_TO": "who is told when a review is due, like reviews@example.com (several separated by commas)",
    "LINK_SECRET": "a random key of 16 characters or more (two, separated by a comma, while changing it)",
    "OIDC_ISSUER": "the issuer's address, like https://id.example.com",
    "OIDC_CLIENT_ID": "the client id that the OpenID provider gave this service",
    "OIDC_CLIENT_SECRET": "the client secret, 16 characters or more",
}
