"""Registers two customers with plain kafka-python: `python request.py BOOTSTRAP_SERVERS TOPIC`.

TOPIC is registration-requested.v1, after the prefix where one is set. Prints the ids once all is acknowledged.
"""

import json
import sys
from datetime import UTC, datetime
from uuid import uuid4

from kafka import KafkaProducer

CUSTOMERS = {"an.nguyen@example.com": "Công ty An Nguyễn", "binh.tran@example.com": "Bình Trần, Hà Nội"}


def request(customer_email: str, common_name: str) -> dict[str, str]:
    return {
        # Chosen once and kept with the order: sent again under the same id, it is the same request. A UUIDv7, where
        # your language has one, costs the least to store.
        "registration_id": str(uuid4()),
        # From the session of whoever is signed in, never from the form: who writes this topic is believed.
        "partner_id": "p-1",
        "partner_name": "Saigon Cloud",
        "requested_by": "lan@saigon-cloud.example",
        "requester_locale": "vi",
        "customer_email": customer_email,
        "common_name": common_name,
        "requested_at": datetime.now(UTC).isoformat(),
    }


def main(bootstrap_servers: str, topic: str) -> None:
    producer = KafkaProducer(
        bootstrap_servers=bootstrap_servers,
        acks="all",  # written by every replica before it counts as sent
        enable_idempotence=True,  # the client's own retries write nothing twice and keep the order
    )
    events = [request(email, name) for email, name in CUSTOMERS.items()]
    sent = [
        producer.send(
            topic,
            key=event["registration_id"].encode(),  # what is said of one registration stays in order
            value=json.dumps(event, ensure_ascii=False).encode(),
            # CloudEvents' headers may be left out; with them, whoever looks at the topic sees what it is.
            headers=[
                ("ce_specversion", b"1.0"),
                ("ce_id", str(uuid4()).encode()),
                ("ce_source", b"/portal"),
                ("ce_type", b"RegistrationRequested"),
                ("content-type", b"application/json"),
            ],
        )
        for event in events
    ]
    for event, acknowledgement in zip(events, sent, strict=True):
        acknowledgement.get(timeout=30)  # raises where Kafka refused it: then send the same event again
        print(event["registration_id"])
    producer.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
