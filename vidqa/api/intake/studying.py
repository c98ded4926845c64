"""Every video that arrived is measured, behind whoever sent it: its facts, or what is wrong.

``arrived -> ready | unreadable | refused``. A few threads wait for confined children, so that no
file is decoded in the process that answers requests. What a process that ended left unmeasured, the
next one finds when it starts. Threads are daemons: an end does not wait for a file that takes long.
"""

from __future__ import annotations

from queue import SimpleQueue
from threading import Lock, Thread

import structlog

from vidqa.api.metrics import Metrics
from vidqa.errors import ServiceError, VideoError
from vidqa.service.library import Library
from vidqa.service.measuring import LASTING, check_length, measure, told
from vidqa.service.records import JsonDict, StoredVideo
from vidqa.video import Media

_log = structlog.get_logger("vidqa.api")
THREADS = 2
_END_S = 2.0


class Studies:
    """The measuring of one process; nothing is measured before :meth:`start`."""

    def __init__(
        self, library: Library, media: Media, metrics: Metrics, *, longest_s: float
    ) -> None:
        self._library, self._media, self._metrics = library, media, metrics
        self._longest_s = longest_s
        self._asked: SimpleQueue[StoredVideo | None] = SimpleQueue()
        self._lock = Lock()
        self._waiting: set[str] = set()
        self._threads: list[Thread] = []
        self._ending = False

    def start(self) -> None:
        """Begin, with what is there unmeasured; raises :class:`ServiceError`."""
        self.resume()
        for number in range(THREADS):
            thread = Thread(target=self._work, name=f"study-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def resume(self) -> None:
        """Take up what nobody has measured yet; raises :class:`ServiceError`."""
        for video in self._library.unmeasured():
            self.soon(video)

    def soon(self, video: StoredVideo) -> None:
        """Measure it, unless that is done or under way; returns at once."""
        if video.state != "arrived":
            return
        with self._lock:
            if self._ending or video.sha256 in self._waiting:
                return
            self._waiting.add(video.sha256)
        self._asked.put(video)

    def close(self) -> None:
        """Measure nothing more; what is under way may end within two seconds, or is left."""
        with self._lock:
            self._ending = True
        for _ in self._threads:
            self._asked.put(None)
        for thread in self._threads:
            thread.join(_END_S)

    def _work(self) -> None:
        while (video := self._asked.get()) is not None and not self._ending:
            self._tried(video)
            with self._lock:
                self._waiting.discard(video.sha256)

    def _tried(self, video: StoredVideo) -> None:
        try:
            self._study(video)
        except ServiceError as err:  # the database is away: it stays as it is until later
            _log.warning("video.not_measured", video_id=video.id, why=str(err))
        except Exception:  # noqa: BLE001  (a bug with one video must not keep all others waiting)
            _log.exception("video.not_measured", video_id=video.id)

    def _study(self, video: StoredVideo) -> None:
        facts = None
        try:
            facts = measure(video.path, self._media)
            check_length(facts, self._longest_s)
        except VideoError as err:
            self._no_good(video, facts, err)
            return
        self._saw(video, "ready")
        self._library.describe(video.sha256, facts=facts)

    def _no_good(self, video: StoredVideo, facts: JsonDict | None, err: VideoError) -> None:
        """Keep what is wrong with the bytes; what is wrong with the system may pass."""
        self._saw(video, err.code)
        if facts is not None:
            error = told(err, video.path)
            self._library.describe(video.sha256, facts=facts, state="refused", error=error)
        elif err.code in LASTING:
            error = told(err, video.path)
            self._library.describe(video.sha256, facts=None, state="unreadable", error=error)

    def _saw(self, video: StoredVideo, outcome: str) -> None:
        self._metrics.saw_study(outcome)
        _log.info("video.measured", video_id=video.id, tenant=video.tenant, outcome=outcome)
