"""The socket that is listened on, bound before anything else is started."""

from __future__ import annotations

import errno
import os
import socket

from vidqa.errors import ServiceError

_BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises :class:`ServiceError`: ``port_in_use``, ``port_refused``, ``host_unavailable``.
    """
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )
    except (socket.gaierror, UnicodeError) as err:
        raise _unavailable(host, str(err)) from err
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere it would let a second service take the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as err:
        listener.close()
        raise _refused(host, port, err) from err
    return listener


def url_of(listener: socket.socket, host: str) -> str:
    """Where a user finds it: the port that was taken, a name that can be opened."""
    port = listener.getsockname()[1]
    name = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _refused(host: str, port: int, err: OSError) -> ServiceError:
    if err.errno == errno.EADDRINUSE:
        return ServiceError(
            f"port {port} of {host} is in use",
            code="port_in_use",
            next_step="Give another with --port, or --port 0 for a free one; or end the program"
            " that has it.",
        )
    if err.errno in (errno.EACCES, errno.EPERM):
        return ServiceError(
            f"port {port} of {host} may not be listened on",
            code="port_refused",
            next_step="Give a port above 1023 with --port.",
        )
    return _unavailable(host, os.strerror(err.errno) if err.errno else str(err))


def _unavailable(host: str, why: str) -> ServiceError:
    return ServiceError(
        f"{host!r} is no address of this machine: {why}",
        code="host_unavailable",
        next_step="Give --host 127.0.0.1, or an address that this machine has.",
    )
