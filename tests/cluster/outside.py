"""What the page wants beside Kubernetes, at HOST and at the ports that the chart allows: Kafka as it is deployed,
PostgreSQL, a mail server, and an OpenID provider by https.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from embedded import process, report_to_stderr
from embedded.kafka import Place, kafka
from embedded.kafka_secured import ADMINISTRATOR, Secured
from embedded.mailbox import Mailbox, mailbox
from embedded.postgres import postgres
from shared.topics import SERVICES
from tests.cluster.node import HOST
from tests.cluster.ways import Ways, fixed
from tests.privilege.certificates import BROKER, make_certificates

KAFKA, CONTROLLER, DATABASE, MAIL, OPENID = 9093, 9094, 5432, 587, 443
LISTENERS = f"""\
listeners=BROKER://0.0.0.0:{KAFKA},CONTROLLER://127.0.0.1:{CONTROLLER}
advertised.listeners=BROKER://{HOST}:{KAFKA}
"""


@dataclass(frozen=True)
class Outside:
    """`certificate` is HOST's, with its key; `authorities` vouch for it."""

    owner: str
    mailbox: Mailbox
    certificate: Path
    authorities: Path


def password(user: str) -> str:
    """At Kafka, as the page spells it."""
    return f"PASSWORD-OF-{user.upper()}"


@contextmanager
def outside(folder: Path, ways: Ways) -> Iterator[Outside]:
    folder.mkdir()
    certificate, authorities = make_certificates(folder, HOST)
    users = {it: password(it) for it in (ADMINISTRATOR, *SERVICES, "accounts")}
    secured = Secured(certificate, authorities, BROKER, users)
    place = Place(port=KAFKA, controller_port=CONTROLLER, properties=LISTENERS)
    people = [sys.executable, "-W", "ignore", "-m", "tests.cluster.openid", str(certificate), HOST, str(OPENID)]
    with ExitStack() as stack:
        stack.callback(process.start(people, log_path=folder / "openid.log").stop)
        stack.enter_context(kafka(folder / "kafka", report_to_stderr, disposable=True, secured=secured, place=place))
        database = stack.enter_context(postgres(folder / "postgres", disposable=True))
        box = stack.enter_context(mailbox())
        ways.lead(DATABASE, fixed("127.0.0.1", database.port))
        ways.lead(MAIL, fixed("127.0.0.1", urlsplit(box.smtp_url).port or 0))
        yield Outside(re.sub(r"@[\d.:]+/", f"@{HOST}:{DATABASE}/", database.url), box, certificate, authorities)
