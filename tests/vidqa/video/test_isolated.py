"""The isolated reader: what it withstands, and that it leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vidqa.errors import VideoError
from vidqa.video import FILE_CODES, Wish, is_still, media, open_reader, read_still, study_film
from vidqa.video.isolated import confine, landlock, seccomp, watch
from vidqa.video.isolated.cell import Cell
from vidqa.video.isolated.filmwire import film_message, film_of
from vidqa.video.isolated.forking import SERVERS
from vidqa.video.isolated.reader import IsolatedReader
from vidqa.video.isolated.watch import Watch
from vidqa.video.isolated.wire import Broken, Message, receive, send
from vidqa.video.limits import DEFAULT_LIMITS

Clip = Callable[[str], Path]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc and limits")


@pytest.fixture
def film(clip: Clip) -> Path:
    return clip("b_frames.mp4")


@pytest.fixture
def reader(film: Path) -> Iterator[IsolatedReader]:
    made = IsolatedReader(film, 2, limits=DEFAULT_LIMITS)
    yield made
    made.close()


def same_as_pyav(reader: IsolatedReader, film: Path) -> bool:
    asked = [0.0, 0.4, 1.2]
    ours = reader.read_frames(asked, (28, 56)).rgb_THWC
    return bool((ours == open_reader(film).read_frames(asked, (28, 56)).rgb_THWC).all())


def soon(true: Callable[[], bool], within_s: float = 20.0) -> bool:
    ends = time.monotonic() + within_s
    while not true() and time.monotonic() < ends:
        time.sleep(0.02)
    return true()


def names_in(folder: str) -> set[str]:
    return {path.name for path in Path(folder).iterdir()}


def runs(pid: int) -> bool:
    """Whether it lives: a zombie, which nobody of ours reaps, does not."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return text.rsplit(")", 1)[1].split()[0] != "Z"


# --- what it withstands -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGKILL"])
def test_a_child_that_crashes_is_an_error_of_one_read_and_the_next_is_right(
    reader: IsolatedReader, film: Path, name: str
) -> None:
    with pytest.raises(VideoError, match=name) as caught:
        _read_while(reader, signal.Signals[name])
    assert caught.value.code == "decoder_crashed"
    assert same_as_pyav(reader, film)


def test_a_child_out_of_processor_time_is_told_as_a_limit(reader: IsolatedReader) -> None:
    with pytest.raises(VideoError) as caught:
        _read_while(reader, signal.SIGXCPU)
    assert caught.value.code == "decoder_limit"


def _read_while(reader: IsolatedReader, sent: signal.Signals) -> None:
    """Read from a child that is stopped, so that the signal comes in the middle of it."""
    child = reader.child
    assert child is not None
    os.kill(child, signal.SIGSTOP)

    def strike() -> None:
        os.kill(child, sent)
        os.kill(child, signal.SIGCONT)

    timer = threading.Timer(0.1, strike)
    timer.start()
    try:
        reader.read_frames([0.0], (28, 28))
    finally:
        timer.join()


def test_a_child_that_stands_still_is_ended_and_the_next_read_is_right(
    reader: IsolatedReader, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = reader.child
    assert child is not None
    os.kill(child, signal.SIGSTOP)
    with monkeypatch.context() as patch:
        patch.setattr(watch, "STALL_S", 0.3)
        with pytest.raises(VideoError, match="stood still") as caught:
            reader.read_frames([0.0], (28, 28))
    assert caught.value.code == "decoder_timeout"
    assert same_as_pyav(reader, film)
    assert reader.child != child


def test_an_order_that_takes_too_long_is_ended(
    reader: IsolatedReader, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reader.child is not None
    os.kill(reader.child, signal.SIGSTOP)
    with monkeypatch.context() as patch:
        patch.setattr("vidqa.video.isolated.reader.wall_s", lambda _: 0.2)
        with pytest.raises(VideoError, match="was not over") as caught:
            reader.read_frames([0.0], (28, 28))
    assert caught.value.code == "decoder_timeout"
    assert same_as_pyav(reader, film)


def test_a_stream_whose_child_is_killed_ends_in_an_error(film: Path) -> None:
    decoding = media("isolated")
    known = decoding.study(film)
    wish = Wish(seconds_T=[k / 25 for k in range(40)], size=(28, 28))
    with decoding.stream(known, wish) as stream:
        pictures = iter(stream)
        next(pictures)
        os.kill(stream._cell.pid, signal.SIGKILL)  # type: ignore[attr-defined]
        with pytest.raises(VideoError) as caught:
            list(pictures)
    assert caught.value.code == "decoder_crashed"


@LINUX
def test_a_film_that_needs_more_memory_than_allowed_is_told_as_a_limit(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confine, "BASE_BYTES", 64 << 20)  # less than Python itself needs
    with pytest.raises(VideoError) as caught:
        open_reader(film, reader="isolated").read_frames([0.0], (2000, 2000))
    assert caught.value.code in ("decoder_limit", "decoder_crashed")


def test_a_fork_server_that_dies_is_replaced(film: Path) -> None:
    reader = IsolatedReader(film, 1, limits=DEFAULT_LIMITS)
    SERVERS.get()._process.kill()
    assert soon(lambda: not SERVERS._server.alive)  # type: ignore[union-attr]
    assert soon(lambda: not runs(reader.child or 0) or sys.platform != "linux")
    assert same_as_pyav(reader, film)


def test_a_child_without_orders_ends_and_another_takes_its_place(
    reader: IsolatedReader, film: Path
) -> None:
    """What a child does after a minute without orders, done at once."""
    first, seat = reader.child, reader._cell._seat
    assert seat is not None
    seat.channel.shutdown(socket.SHUT_WR)
    assert soon(seat.hung_up)
    assert same_as_pyav(reader, film)
    assert reader.child != first


# --- what it leaves behind --------------------------------------------------------------------


@LINUX
def test_nothing_outlives_a_parent_that_is_killed(film: Path) -> None:
    code = (
        "import sys, time\nfrom vidqa.video import open_reader\n"
        "from vidqa.video.isolated.forking import SERVERS\n"
        f"r = open_reader({str(film)!r}, reader='isolated'); r.read_frames([0.0], (28, 28))\n"
        "print(r.child, SERVERS.get()._process.pid, flush=True); time.sleep(600)"
    )
    before = names_in("/dev/shm")  # noqa: S108
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2
        assert all(map(runs, pids))
        parent.kill()
    assert soon(lambda: not any(map(runs, pids)))
    assert names_in("/dev/shm") <= before  # noqa: S108


@LINUX
def test_readers_that_come_and_go_leave_no_descriptors_and_no_children(film: Path) -> None:
    def used() -> int:
        return len(names_in("/proc/self/fd"))

    children = set()
    for k in range(6):
        reader: Any = open_reader(film, reader="isolated")
        reader.read_frames([0.0], (28, 28))
        children.add(reader.child)
        del reader
        if k == 0:
            before = used()
    assert used() <= before
    assert soon(lambda: not any(map(runs, children)))


def test_frames_stay_when_their_reader_is_gone(film: Path) -> None:
    frames = open_reader(film, reader="isolated").read_frames([0.0, 0.4], (28, 28))
    again = open_reader(film).read_frames([0.0, 0.4], (28, 28))
    np.testing.assert_array_equal(frames.rgb_THWC, again.rgb_THWC)
    frames.rgb_THWC[0] = 0  # and are the caller's own


def test_a_process_that_was_forked_has_a_reader_of_its_own(film: Path) -> None:
    """As in a pool of workers that forks after something was read."""
    reader = IsolatedReader(film, 1, limits=DEFAULT_LIMITS)
    code = 1
    child = os.fork()
    if not child:
        try:
            code = 0 if same_as_pyav(reader, film) else 2
            reader.close()
            SERVERS.close()
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert same_as_pyav(reader, film)


# --- the walls --------------------------------------------------------------------------------

TRIALS = """
import os, resource, signal, socket, sys, threading
import av, numpy, PIL, vidqa
from vidqa.video.isolated.confine import confine
mine, other = sys.argv[1:]
walls = confine(mine, parent=os.getppid())
def possible(act):
    try: act()
    except OSError: return False
    except ValueError: return False
    return True
assert possible(lambda: open(mine, "rb").read(1))
threading.Thread(target=int).start()
tries = {
    "landlock": [lambda: open(other), lambda: open("/etc/passwd"), lambda: os.listdir("/")],
    "seccomp": [
        lambda: socket.socket(), lambda: socket.socketpair(), os.fork,
        lambda: os.execv("/bin/true", ["true"]), lambda: os.kill(os.getppid(), 0),
        lambda: os.unlink(other), lambda: os.chmod(mine, 0o777), lambda: os.rename(mine, other),
        lambda: os.open(mine, os.O_RDWR), lambda: os.memfd_create("x"),
        lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40)),
        lambda: os.posix_spawn("/bin/true", ["true"], {}),
    ],
    "limits": [lambda: open(mine + ".new", "w").write("x") and 1 / 0],
}
for wall in walls:
    for number, act in enumerate(tries[wall]):
        assert not possible(act), (wall, number)
print(*walls)
os.abort()
"""


@LINUX
def test_behind_the_walls_there_is_one_file_and_nothing_else(film: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("somebody's")
    done = subprocess.run(
        [sys.executable, "-c", TRIALS, str(film), str(other)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGABRT, done.stderr
    expected = ["limits", *["landlock"] * (landlock.version() > 0)]
    assert done.stdout.split() == [*expected, *["seccomp"] * seccomp.available()]


@LINUX
def test_a_child_knows_no_secret_of_its_parent(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SERVERS.close()
    monkeypatch.setenv("VIDQA_WEBHOOK_SECRET", "hush")
    reader = IsolatedReader(film, 1, limits=DEFAULT_LIMITS)
    for pid in (reader.child, SERVERS.get()._process.pid):
        assert b"hush" not in Path(f"/proc/{pid}/environ").read_bytes()
        assert b"torch" not in Path(f"/proc/{pid}/maps").read_bytes()


# --- what a child that was taken over may say -------------------------------------------------


def test_a_film_is_the_same_behind_the_wire(clip: Clip) -> None:
    for name in ("b_frames.mp4", "vfr.mp4", "offset.mp4"):
        known = study_film(clip(name))
        again = film_of(_sent(*film_message(known)), known.path, known.limits)
        assert replace(again, index=known.index, clock=known.clock) == known
        for part in ("index", "clock"):
            for field in getattr(known, part).__slots__:
                ours, theirs = (getattr(getattr(each, part), field) for each in (known, again))
                np.testing.assert_array_equal(ours, theirs)


def _sent(head: Any, blobs: Any) -> Message:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send(ours, head, blobs)
        return receive(theirs)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_what_no_film_is_like_is_broken_and_never_another_error(
    data: st.DataObject, clip: Clip
) -> None:
    known = study_film(clip("one_frame.mp4"))
    head, arrays = film_message(known)
    blobs = [bytearray(each.tobytes()) for each in arrays]
    if data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(head)))
        changed = data.draw(JSON)
        value = head[key]
        if isinstance(value, list) and value and data.draw(st.booleans()):
            value = list(value)
            value[data.draw(st.integers(0, len(value) - 1))] = changed
            changed = value
        head = {**head, key: changed}
    else:
        at = data.draw(st.integers(0, len(blobs) - 1))
        blobs[at] = bytearray(data.draw(st.binary(max_size=64)))
    try:
        film = film_of(Message(head, blobs), known.path, known.limits)
    except Broken:
        return
    assert film.clock.duration_s > 0
    assert 0 < film.size[0] <= known.limits.frame_side


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\xff\xff\xff\xff",
        b"\x02\x00\x00\x00[]",
        b"\x03\x00\x00\x00NaN",
        b'\x11\x00\x00\x00{"blobs":[99e99]}',
        b'\x0e\x00\x00\x00{"blobs":[-1]}',
        b'\x1a\x00\x00\x00{"blobs":[99999999999999]}',
        b"\x05\x00\x00\x00{}",
    ],
)
def test_what_is_no_message_is_broken(said: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(said)
        ours.shutdown(socket.SHUT_WR)
        with pytest.raises(Broken):
            receive(theirs)


@pytest.mark.parametrize(
    "told",
    [
        {"error": {"code": "made_up", "message": "x", "next_step": "y"}},
        {"error": 3},
        {"error": {"code": ["a"], "message": "x", "next_step": "y"}},
    ],
)
def test_an_error_of_no_known_code_is_a_crash(film: Path, told: Any) -> None:
    mine = Cell(film, DEFAULT_LIMITS)
    mine._seated()
    assert mine._seat is not None
    ours, theirs = socket.socketpair()
    mine._seat.channel.close()
    mine._seat.channel = ours
    with theirs:
        send(theirs, told)
        with pytest.raises(VideoError) as caught:
            mine.hear(Watch(5))
    assert caught.value.code == "decoder_crashed"


def test_there_are_twelve_codes_for_what_is_wrong_with_a_file() -> None:
    assert len(FILE_CODES) == 12
    assert all(told.endswith(".") for told in FILE_CODES.values())


# --- pictures ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.gif", "a.bmp", "a.tiff", "a.avif"])
def test_pictures_are_those_that_pillow_reads_here(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    rgb = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(rgb).save(path)
    ours, theirs = media("isolated").read_still(path), read_still(path)
    assert ours.info == theirs.info == media("isolated").probe_still(path)
    np.testing.assert_array_equal(ours.rgb_HWC, theirs.rgb_HWC)


def test_a_damaged_picture_is_refused_as_it_is_here(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (400, 400)).save(path)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(VideoError) as caught:
        media("isolated").read_still(path)
    assert caught.value.code == "undecodable"


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_gif_of_several_pictures_is_a_film(tmp_path: Path, count: int) -> None:
    path = tmp_path / "a.gif"
    first, *more = (Image.new("P", (20, 20), k) for k in range(count))
    first.save(path, save_all=True, append_images=more, duration=50)
    with Image.open(path) as image:
        assert is_still(path) is not getattr(image, "is_animated", False)
    path.write_bytes(path.read_bytes()[:20])
    assert is_still(path)
