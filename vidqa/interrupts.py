"""How work that runs for minutes is ended from another thread, without ending its process.

Whoever computes or decodes asks :func:`check` often: before a layer of the network, a packet of a
file. It costs nothing until somebody asked for an end, and then raises :class:`Interrupted` there.
It also counts, so that whoever watches can tell slow work from work that hangs. One switch for the
whole process: only a worker, which does one job at a time, throws it.
"""

from __future__ import annotations


class Interrupted(BaseException):
    """The work is to end here; as a ``KeyboardInterrupt``, it is nobody's to handle on the way."""


class _Switch:
    __slots__ = ("asked", "checks")

    def __init__(self) -> None:
        self.asked, self.checks = False, 0


_switch = _Switch()


def check(*, moved: bool = True) -> None:
    """Raise :class:`Interrupted` where an end was asked for; else count, where work ``moved``."""
    _switch.checks += moved
    if _switch.asked:
        raise Interrupted


def ask() -> None:
    """End what runs at its next :func:`check`, and whatever else checks until :func:`withdraw`."""
    _switch.asked = True


def withdraw() -> None:
    """Let work go on again."""
    _switch.asked = False


def checks() -> int:
    """How often was checked so far; work that hangs leaves it where it is."""
    return _switch.checks
