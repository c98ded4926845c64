"""The fork server: a small process with the decoders loaded, which makes a child for each file.

``python -I -c START PATHS FD``: it has no secrets (its environment is a few names), no torch, one
thread, and never touches a file that it was not told to; only its children do, confined. It ends
when the socket to its parent does, and its children with it.
"""

from __future__ import annotations

import codecs
import importlib
import os
import pkgutil
import signal
import socket
import sys
from contextlib import suppress

import numpy as np

from vidqa.video.isolated.wire import Broken, Json, Message, close_all, receive, send

_NOT_FOR_FILES = frozenset({"av.__main__", "PIL.__main__", "PIL.ImageTk", "PIL.ImageQt"})


def main(handle: int) -> None:
    """Serve forks until the parent is gone."""
    control = socket.socket(fileno=handle)
    try:
        _preload()
    except ImportError as err:
        send(control, {"failed": str(err)})
        return
    for each in (signal.SIGINT, signal.SIGTERM):  # whoever may end it closes its socket
        signal.signal(each, signal.SIG_IGN)
    send(control, {"ready": True})
    with suppress(Broken):
        while True:
            message = receive(control, files=True)
            try:
                answer = _obey(message, control)
            finally:
                close_all(message.files)
            send(control, answer)


def _preload() -> None:
    """Import what children come to use, once for all of them.

    PyAV, Pillow and numpy import parts of themselves when a file first needs them.
    """
    import av
    import numpy.ma  # noqa: F401  (by numpy.unique)
    import PIL
    from PIL import Image

    import vidqa.video.isolated.child  # noqa: F401

    for package in (av, PIL):
        for part in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if part.name not in _NOT_FOR_FILES:
                with suppress(ImportError):
                    importlib.import_module(part.name)
    for name in ("latin-1", "ascii", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1252"):
        codecs.lookup(name)
    Image.init()
    np.matmul(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32))  # BLAS looks at the machine


def _obey(message: Message, control: socket.socket) -> Json:
    order = message.head
    if order["do"] == "reap":
        _, status = os.waitpid(order["pid"], 0)
        return {"status": status}
    server = os.getpid()
    child = os.fork()
    if child:
        return {"pid": child}
    # From here on, in the child: nothing returns.
    status = 70
    try:
        control.close()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        from vidqa.video.isolated.child import serve

        status = serve(order, message.files, server)
    except BaseException:  # noqa: BLE001  (the parent sees the end, and that it was no good one)
        status = 71
    finally:
        os._exit(status)


if __name__ == "__main__":
    main(int(sys.argv[1]))
