"""A Celery worker's first process, started by :mod:`vidqa_workers.crew`.

It never imports torch, so that what it forks may use a card; jobs run in its children. It ends,
with all of them, when whoever started it is gone.
"""

from __future__ import annotations

import os
import signal
import sys

from vidqa.jobs.launching import told
from vidqa.jobs.orphans import die_with_parent, when_closed


def main() -> None:
    """Serve one queue until told to stop."""
    die_with_parent()
    settings, line = told(sys.stdin.buffer)
    when_closed(sys.stdin.buffer, _end_all)
    # To the whole group: children finish, or put back, what they run. This process runs nothing.
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    # SIGTERM then starts Celery's soft shutdown; billiard reads it when it is imported.
    os.environ["REMAP_SIGTERM"] = "SIGQUIT"
    from vidqa_workers.app import direct_queue, make_app, queue_name
    from vidqa_workers.process import Post, prepare

    post = Post(
        node=line["node"], queue=line["queue"], broker=line["broker"], session=line["session"]
    )
    app = make_app(post.broker, settings, direct=direct_queue(post.queue, post.node))
    prepare(app, settings, post)
    app.worker_main(
        [
            "--quiet",
            "worker",
            "--pool=prefork",
            "--without-mingle",  # a second saved; gossip and remote control are what must stay on
            f"--concurrency={line['processes']}",
            f"--queues={queue_name(post.queue)},{direct_queue(post.queue, post.node)}",
            f"--hostname={post.node}@%h",
            f"--loglevel={settings.log_level}",
        ]
    )


def _end_all() -> None:
    os.killpg(os.getpgrp(), signal.SIGKILL)
