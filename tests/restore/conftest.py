"""The fixtures of integration tests: real servers, topics and a database of the test's own."""

from tests.integration.conftest import partitions, processes, producer, publish, world

__all__ = ["partitions", "processes", "producer", "publish", "world"]
