"""The ready instances of each service as those know them who send people there: a second after Kubernetes."""

import json
import random
import subprocess
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from typing import Any

from shared.topics import SERVICES

LATE = 1.0  # seconds
PORT = 8000
PAUSE = 0.03  # between two requests to a service
WATCH = ["kubectl", "get", "--raw", "/apis/discovery.k8s.io/v1/namespaces/registration/endpointslices?watch=1"]


class Endpoints:
    """Made by `endpoints`."""

    def __init__(self) -> None:
        self._told: deque[tuple[float, dict[str, Any]]] = deque()
        self._slices: dict[str, dict[str, Any]] = {}
        self._learning = threading.Lock()

    def take(self, event: dict[str, Any]) -> None:
        self._told.append((time.monotonic() + LATE, event))

    def one(self, service: str) -> tuple[str, int]:
        """Raises IndexError where none is known."""
        with self._learning:
            self._learn()
            slices = list(self._slices.values())
        ready = [
            it["addresses"][0]
            for slice_ in slices
            if slice_ and slice_["metadata"]["labels"]["kubernetes.io/service-name"] == f"registration-{service}"
            for it in slice_.get("endpoints") or []
            if it["conditions"].get("ready")
        ]
        return random.choice(ready), PORT

    def _learn(self) -> None:
        while self._told and self._told[0][0] <= time.monotonic():
            _known_at, event = self._told.popleft()
            slice_ = event["object"]
            self._slices[slice_["metadata"]["name"]] = {} if event["type"] == "DELETED" else slice_


@contextmanager
def endpoints(environment: Mapping[str, str]) -> Iterator[Endpoints]:
    made = Endpoints()
    with subprocess.Popen(WATCH, env=environment, stdout=subprocess.PIPE, text=True) as watching:

        def follow() -> None:
            assert watching.stdout is not None
            for line in watching.stdout:
                made.take(json.loads(line))

        following = threading.Thread(target=follow, name="endpoints")
        following.start()
        try:
            yield made
        finally:
            watching.kill()
            following.join()


@contextmanager
def asked(known: Endpoints) -> Iterator[Counter[tuple[str, str]]]:
    """While it lasts, a request after the other to each service, each by a connection of its own. Yields how many had
    which answer, by service."""
    answers: Counter[tuple[str, str]] = Counter()
    ended = threading.Event()

    def ask(service: str) -> None:
        while not ended.wait(PAUSE):
            answers[service, _answer(known, service)] += 1

    asking = [threading.Thread(target=ask, args=[it], name=f"asks {it}") for it in SERVICES]
    for it in asking:
        it.start()
    try:
        yield answers
    finally:
        ended.set()
        for it in asking:
            it.join()


def _answer(known: Endpoints, service: str) -> str:
    try:
        connection = HTTPConnection(*known.one(service), timeout=5)
        try:
            connection.request("GET", "/livez")
            return str(connection.getresponse().status)
        finally:
            connection.close()
    except IndexError:
        return "no instance is known"
    except (OSError, HTTPException) as error:
        return type(error).__name__
