"""One service as a process that dies at a point, in place of `registration serve`:

    python -m tests.torture.victim SERVICE PORT

The service is put together by its own `create_app` and runs as it does in production. `CRASH` says where it dies,
`DEFECT` which defect it has, `MEMBER` its name in its consumer group: a member that comes back under its name gets its
partitions at once, in place of waiting until the dead one is given up.
"""

import os
import sys
from typing import Any

from aiokafka import AIOKafkaConsumer

from commands.serve import SETTINGS, create, run
from shared import interpreter
from shared.observability import configure_logging
from shared.settings import load
from tests.torture.edges import watch
from tests.torture.planted import DEFECTS
from tests.torture.points import Crash, Fuse


def _be_member(name: str) -> None:
    made = AIOKafkaConsumer.__init__

    def init(consumer: AIOKafkaConsumer, *topics: str, **options: Any) -> None:
        made(consumer, *topics, **{**options, "group_instance_id": name})

    AIOKafkaConsumer.__init__ = init


def main(name: str, port: int) -> None:
    interpreter.load_quickly()
    settings = load(SETTINGS[name])
    configure_logging(settings.log_format)
    if member := os.environ.get("MEMBER"):
        _be_member(member)
    if defect := os.environ.get("DEFECT"):
        DEFECTS[defect]()
    service = create(name, settings)
    watch(service, Fuse(Crash.of(os.environ)).reach)
    interpreter.run(run(service, "127.0.0.1", port))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
