"""The page's files and commands with our addresses and secrets in them, and nothing else changed."""

import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from embedded.kafka_secured import ADMINISTRATOR
from shared.topics import SERVICES
from tests.cluster import page
from tests.cluster.node import HOST
from tests.cluster.outside import DATABASE, KAFKA, MAIL, Outside, password
from tests.deploy.chart import EXAMPLE, RENDERED

FRONTS = {"notifier": 8001, "portal": 8002, "approver": 8003}
"""Ports of HOST at which people reach them, by https."""
AUTHORITIES = "/etc/registration/kafka/ca.crt"  # in a pod
[IMAGE] = set(re.findall(r'^ +image: "(\S+)"$', RENDERED.read_text(encoding="utf-8"), re.MULTILINE))
NEXT = f"{IMAGE.rpartition(':')[0]}:next"
ADDRESSES = {
    "kafka-0.example.com:9093,kafka-1.example.com:9093,kafka-2.example.com:9093": f"{HOST}:{KAFKA}",
    "kafka.example.com:9093": f"{HOST}:{KAFKA}",
    "postgres.example.com": HOST,
    "https://id.example.com": f"https://{HOST}",
    "https://confirm.example.com": f"https://{HOST}:{FRONTS['notifier']}",
    "https://partners.example.com": f"https://{HOST}:{FRONTS['portal']}",
    "https://approve.example.com": f"https://{HOST}:{FRONTS['approver']}",
}


def moved(text: str) -> str:
    for there, here in ADDRESSES.items():
        text = text.replace(there, here)
    return text


def values() -> dict[str, Any]:
    """One broker has one replica of everything, and the authority that vouches for it vouches for OpenID too."""
    made: dict[str, Any] = yaml.safe_load(moved(EXAMPLE.read_text(encoding="utf-8")))
    made["kafka"]["replication"] = 1
    return made | {"settings": {"SSL_CERT_FILE": AUTHORITIES}}


def two_instances_each() -> dict[str, Any]:
    """Nobody here is KEDA, and this machine is small."""
    little = {"resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}}
    changed = {"autoscaling": {"enabled": False}, "services": dict.fromkeys(SERVICES, little)}
    return values() | changed


def manifests(image: str = IMAGE) -> str:
    """The same for who uses no Helm."""
    text = moved(RENDERED.read_text(encoding="utf-8")).replace(f'"{IMAGE}"', f'"{image}"')
    text = text.replace('"--replication","3"', '"--replication","1"')
    return text.replace("  LOG_FORMAT: json\n", f"  LOG_FORMAT: json\n  SSL_CERT_FILE: {AUTHORITIES}\n")


def write_files(place: Path, there: Outside) -> None:
    for name, text in page.FILES.items():
        owned = moved(text).replace("PASSWORD-OF-OWNER", urlsplit(there.owner).password or "")
        file = place / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(owned + f"KAFKA_SSL_CAFILE={there.authorities}\n", encoding="utf-8")
    (place / "ca.crt").write_bytes(there.authorities.read_bytes())
    (place / "ours.yaml").write_text(yaml.safe_dump(values()), encoding="utf-8")
    (place / "registration.yaml").write_text(manifests(), encoding="utf-8")


def filled(line: str, owner: str) -> str:
    """With our secrets in place of the page's dots; `owner` is the database's address as its owner."""
    named = re.search(r" secret generic (\S+)", line)
    known = _secrets(owner).get(named[1], {}) if named else {}

    def literal(found: re.Match[str]) -> str:
        value = known[found["key"]]
        assert value.startswith(found["start"]), line
        return f"--from-literal={found['key']}={shlex.quote(value)}"

    return re.sub(r"--from-literal=(?P<key>[\w-]+)=(?P<start>\S*)…", literal, line)


def _secrets(owner: str) -> dict[str, dict[str, str]]:
    at = f"{HOST}:{DATABASE}/registration"
    logins = {it: f"postgresql://{it}:DATABASE-PASSWORD-OF-{it.upper()}@{at}" for it in SERVICES}
    return {
        "registration-kafka": {it: password(it) for it in (ADMINISTRATOR, *SERVICES)},
        "registration-database": {"migrate": owner, **logins},
        "registration-mail": {"url": f"smtp://{HOST}:{MAIL}"},
        "registration-links": {"secret": "a-key-for-links-of-a-trial"},
        "registration-openid": {"client-secret": "a-secret-of-a-trial"},
    }
