"""Ends what a client library has left running, however the library takes it.

aiokafka's own close waits for tasks that may wait for a broker for ever, and swallows a cancellation here and there:
a timeout around it leaves tasks behind that keep memory, a place in the group, and the process from ending. Here all
tasks are known that were started in one `Background`, directly or by one another, and all are cancelled until they have
ended.
"""

import asyncio
import time
from collections.abc import Coroutine, Generator
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

import structlog

from shared.messaging.faults import in_words

T = TypeVar("T")

CLOSING = 2.0  # seconds for a client to close by itself: to send what it has, to leave its group
ENDING = 3.0  # seconds to end what is left then
AGAIN = 0.1  # seconds between two cancellations

log = structlog.get_logger()


class Background:
    """The tasks of one client."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """`work` as a task. It and what it starts belong here."""
        loop = asyncio.get_running_loop()
        loop.set_task_factory(_start)
        context = copy_context()
        context.run(_background.set, self)
        return loop.create_task(work, context=context)

    def add(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # what a client does not look at is no news of ours

    async def close(self, closing: Coroutine[Any, Any, object]) -> None:
        """Runs `closing`, and ends whatever is left, `closing` too. Never raises for what they do."""
        task = self.start(closing)
        try:
            await asyncio.wait({task}, timeout=CLOSING)
        finally:  # who is cancelled meanwhile only has no time for the first part
            await self._end()
        if task.done() and not task.cancelled() and (error := task.exception()):
            log.info("a client did not close in order", why=in_words(error))

    async def _end(self) -> None:
        until = time.monotonic() + ENDING
        while self._tasks and time.monotonic() < until:
            left = set(self._tasks)
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=AGAIN)
        if self._tasks:
            log.error("a client's tasks do not end", tasks=sorted(str(task.get_coro()) for task in self._tasks))


_background: ContextVar[Background | None] = ContextVar("background", default=None)


def _start(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T] | Generator[Any, None, T], /, **options: Any
) -> asyncio.Task[T]:
    """As the event loop does by itself, but for telling whose task it is."""
    task = asyncio.Task(work, loop=loop, **options)
    context = options.get("context")
    background = context.get(_background) if context is not None else _background.get()
    if background is not None:
        background.add(task)
    return task
