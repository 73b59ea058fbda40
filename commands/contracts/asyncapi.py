"""The AsyncAPI 3 document of the whole system, from the table of topics: who writes what, who reads it, and how a
record looks on the wire. Schemas are files beside it. Pure.
"""

from collections.abc import Iterator
from typing import Any

from commands.contracts.schemas import meaning
from shared.events import Event
from shared.topics import OUTSIDE, TOPICS, Topic

Object = dict[str, Any]

BINDING = "0.5.0"
"""The version of AsyncAPI's Kafka bindings."""
DESCRIPTION = """\
A cloud provider sells through partners. A partner registers a customer, the customer confirms by email, the provider
approves. Four services tell each other so by these events.

Each topic holds one event and has one writer, so access rules decide who may say what. A record is a CloudEvent 1.0 in
Kafka's binary mode: the value is the event as JSON in UTF-8, headers describe it, the key keeps the records of one
registration (of one account) in order. The value alone says everything that correctness needs: a producer that sends no
headers is understood. A record may come twice, with the same `ce_id`; topics may be read out of order against each
other; neither changes an outcome. Topics may have a prefix, the same for all.

Within v1 no field is renamed, removed or retyped, and none that others must send is added. Fields may be added: ignore
what you do not know.
"""
HEADERS: dict[str, Object] = {
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_id": {"type": "string", "description": "The event's own id: a record that comes again has the same."},
    "ce_source": {"type": "string", "description": "Who wrote it, for example /registrar."},
    "ce_type": {"type": "string", "description": "The event's name. Another one than the topic's is refused."},
    "ce_time": {"type": "string", "format": "date-time"},
    "ce_subject": {"type": "string", "description": "The key once more."},
    "content-type": {"type": "string", "const": "application/json"},
    "traceparent": {"type": "string", "description": "W3C Trace Context, where there is a trace."},
}


def document() -> Object:
    """The whole document; `$ref`s into `./schemas` lead to the files of schemas.py."""
    kinds = dict.fromkeys(topic.event for topic in TOPICS)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Registration of a partner's customer", "version": "v1", "description": DESCRIPTION},
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": dict(operation for topic in TOPICS for operation in _operations(topic)),
        "components": {
            "messages": {kind.type(): _message(kind) for kind in kinds},
            "schemas": {"headers": _headers()},
        },
    }


def _channel(topic: Topic) -> Object:
    readers = list(topic.readers)
    return {
        "address": topic.name,
        "title": topic.event.type(),
        "description": f"Written by {topic.writer}; read by {', '.join(readers) or 'operators'}.{_deleting(topic)}",
        "messages": {topic.event.type(): {"$ref": f"#/components/messages/{topic.event.type()}"}},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": _configuration(topic),
                "bindingVersion": BINDING,
            }
        },
        "x-written-by": topic.writer,
        "x-read-by": readers,
    }


def _deleting(topic: Topic) -> str:
    return " A record without a value deletes what has its key." if topic.compacted else ""


def _configuration(topic: Topic) -> Object:
    """As the bindings want it: policies as a list, times as numbers."""
    config = topic.config()
    numbers = {name: int(value) for name, value in config.items() if name.endswith(".ms")}
    return config | numbers | {"cleanup.policy": config["cleanup.policy"].split(",")}


def _operations(topic: Topic) -> Iterator[tuple[str, Object]]:
    """What the four services do; what is outside of them does as the channel says."""
    writers = () if topic.writer == OUTSIDE else (topic.writer,)
    for action, verb, services in (("send", "sends", writers), ("receive", "receives", topic.readers)):
        for service in services:
            yield f"{service}.{verb}.{topic.name}", _operation(action, service, topic)


def _operation(action: str, service: str, topic: Topic) -> Object:
    group = {"groupId": {"type": "string", "const": service}} if action == "receive" else {}
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{topic.event.type()}"}],
        "tags": [{"name": service}],
        "bindings": {"kafka": group | {"bindingVersion": BINDING}},
    }


def _message(kind: type[Event]) -> Object:
    key = {"type": "string", "description": f"The value's {kind.key_field}, as its service writes it."}
    return {
        "name": kind.type(),
        "title": kind.type(),
        "summary": meaning(kind),
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/headers"},
        "payload": {"$ref": f"./schemas/{kind.type()}.json"},
        "bindings": {"kafka": {"key": key, "bindingVersion": BINDING}},
        "x-key-field": kind.key_field,
    }


def _headers() -> Object:
    return {
        "type": "object",
        "description": "Every service sets all of them, traceparent where there is a trace. Others may leave them out.",
        "properties": HEADERS,
    }
