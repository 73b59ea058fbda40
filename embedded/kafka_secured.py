"""Kafka as it is deployed: TLS, a password for everybody (SCRAM), and nothing allowed that no access rule allows.

The broker speaks to its controller by its own certificate. The administrator may do everything; the other users exist
from the first start on and may do nothing until an administrator gives them rights.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ADMINISTRATOR = "admin"
MECHANISM = "SCRAM-SHA-512"
PROPERTIES = """\
listener.security.protocol.map=BROKER:SASL_SSL,CONTROLLER:SSL
sasl.enabled.mechanisms={mechanism}
sasl.mechanism.inter.broker.protocol={mechanism}
listener.name.broker.{listener}.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
username="{administrator}" password="{password}";
listener.name.controller.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={authorities}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{administrator};User:{broker}
"""


@dataclass(frozen=True)
class Secured:
    """`keystore` holds the broker's private key (PKCS 8, not encrypted) and certificate for 127.0.0.1, `authorities`
    who signed it, both as PEM. `broker` is the certificate's subject. `passwords` has ADMINISTRATOR's too."""

    keystore: Path
    authorities: Path
    broker: str
    passwords: Mapping[str, str]

    def properties(self) -> str:
        """Over those of a plain broker: of two lines for one name, the later counts."""
        return PROPERTIES.format(
            mechanism=MECHANISM,
            listener=MECHANISM.lower(),
            administrator=ADMINISTRATOR,
            password=self.passwords[ADMINISTRATOR],
            keystore=self.keystore,
            authorities=self.authorities,
            broker=self.broker,
        )

    def format_arguments(self) -> list[str]:
        """The users are made with the storage."""
        users = [f"{MECHANISM}=[name={name},password={password}]" for name, password in self.passwords.items()]
        return [argument for user in users for argument in ("--add-scram", user)]

    def context(self) -> ssl.SSLContext:
        """For clients."""
        return ssl.create_default_context(cafile=self.authorities)

    def environment(self, user: str) -> dict[str, str]:
        """The settings of a program that signs in as `user`."""
        return {
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": MECHANISM,
            "KAFKA_SASL_USERNAME": user,
            "KAFKA_SASL_PASSWORD": self.passwords[user],
            "KAFKA_SSL_CAFILE": str(self.authorities),
        }
