"""Group commit: changes that wait at the same time share one transaction, and one sync of the disk.

A commit that survives a power cut costs a sync, milliseconds each; a hundred a second are then all
that one by one can be had. One thread takes whatever waits, makes one transaction of it, and tells
each caller what became of its own part.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Generic, TypeVar

_Item = TypeVar("_Item")
_Outcome = TypeVar("_Outcome")
_MANY = 128
"""Most changes in one transaction: who came first should not wait for a crowd."""


class GroupCommit(Generic[_Item, _Outcome]):
    """Hands changes to ``commit``, several at a time, in the order in which they came.

    ``commit`` gets a run of changes, makes them in one transaction, and gives for each its outcome
    or the exception that is its own. An exception that it raises is that of all of them; a run of
    several is then tried one by one, so that one bad change harms no other.
    """

    def __init__(
        self, commit: Callable[[Sequence[_Item]], Sequence[_Outcome | Exception]], name: str
    ) -> None:
        self._commit, self._name = commit, name
        self._lock = threading.Lock()
        self._start()

    def _start(self) -> None:
        self._waiting: SimpleQueue[tuple[_Item, Future[_Outcome]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._pid, self._closed = os.getpid(), False

    def put(self, item: _Item) -> Future[_Outcome]:
        """Have it committed; the future has what became of it, once that is durable."""
        future: Future[_Outcome] = Future()
        with self._lock:
            if self._pid != os.getpid():  # forked: the thread stayed with the parent
                self._start()
            if self._closed:
                raise RuntimeError("changes were handed over after the end")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._waiting.put((item, future))
        return future

    def close(self) -> None:
        """Commit what waits, then end."""
        with self._lock:
            thread, self._closed = self._thread, True
            if thread is None or self._pid != os.getpid():
                return
            self._waiting.put(None)
        thread.join()

    def _run(self) -> None:
        going = True
        while going:
            first = self._waiting.get()
            if first is None:
                return
            taken = [first]
            while len(taken) < _MANY and not self._waiting.empty():
                more = self._waiting.get()
                if more is None:
                    going = False
                    break
                taken.append(more)
            self._settle(taken)

    def _settle(self, taken: Sequence[tuple[_Item, Future[_Outcome]]]) -> None:
        try:
            outcomes: Sequence[_Outcome | Exception] = self._commit([item for item, _ in taken])
        except Exception as err:  # noqa: BLE001  (it is the callers' to handle)
            if len(taken) > 1:
                for one in taken:
                    self._settle([one])
                return
            outcomes = [err]
        for (_, future), outcome in zip(taken, outcomes, strict=True):
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
