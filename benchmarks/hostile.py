"""Files that are odd, damaged or hostile, each through the isolated reader: how every one ends.

``python -m benchmarks.hostile --maker make_bad_videos.py [--api] [--quick] [--json] [--seeds N]``

``--maker`` is the program that writes the corpus: it is called with a folder and ``--seed``. Every
file is measured and six of its pictures are read; where ``--against`` names another reader, what
came out is compared with its to the bit. A child that hangs on purpose and URLs into this network
follow. ``--api`` sends the files through a running service instead (:mod:`benchmarks.hostile_api`);
there ``--quick`` is every sixth file of one corpus.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from benchmarks.readers import peak_mb
from vidqa.errors import FetchError, VideoError
from vidqa.fetching import FetchRules, SystemNetwork, fetch
from vidqa.video import FILE_CODES, open_reader, sniff
from vidqa.video.isolated import watch
from vidqa.video.isolated.reader import IsolatedReader

LIMIT_S, BOMB_S, BOMB_MB, GROWN_MB = 30.0, 2.0, 500.0, 50.0
"""What is wanted: of a file, of a bomb, and of this process afterwards."""
_QUICK_STEP = 6
_FILE_ERRORS = frozenset(FILE_CODES) | {"file_is_directory"}
HOSTS = (
    *("127.0.0.1", "127.1", "0", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "10.0.0.1"),
    *("172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "168.63.129.16", "0.0.0.0"),  # noqa: S104
    *("192.0.0.192", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "[::1]", "[::]"),
    *("[::127.0.0.1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::1]", "[fe80::1]"),
    *("[fec0::1]", "[fc00::1]", "[ff02::1]", "[2001:db8::1]", "[2001::1]", "[100::1]"),
)
FORMS = ("http://{}/", "https://{}/", "http://public.example@{}/", "//{}/", "http://{}:22/")


@dataclass(frozen=True, slots=True)
class Ended:
    """How one file ended."""

    path: str
    outcome: str
    """The code of its error, or a digest of pictures and times."""
    code: str | None
    """Of its error; ``None`` for pictures."""
    wall_s: float
    child_mb: float
    """Peak resident memory of its child; 0 where none was needed, or it was gone by then."""

    @property
    def wanted(self) -> bool:
        """Whether this is how a file may end."""
        bomb = Path(self.path).name.startswith("bomb")
        quick = self.wall_s <= (BOMB_S if bomb else LIMIT_S)
        lean = not bomb or self.child_mb <= BOMB_MB
        return quick and lean and (self.code is None or self.code in _FILE_ERRORS)


def main() -> None:
    """Run, then print a summary or one JSON document; exit status 1 where something is not so."""
    options = _options()
    if options.api:
        _through_the_api(options)
    seeds = range(1 if options.quick else options.seeds)
    with tempfile.TemporaryDirectory() as scratch:
        before_mb = resident_mb()
        ended = [each for seed in seeds for each in run_corpus(options.maker, Path(scratch), seed)]
        gc.collect()
        grown_mb = resident_mb() - before_mb
        unlike = [each.path for each in ended if options.against and differs(each, options.against)]
        hang_s = recover_from_a_hang(Path(scratch) / "0" / "base.mp4")
        urls, connections = run_urls(Path(scratch))
    report = {
        "files": len(ended),
        "pictures": sum(each.code is None for each in ended),
        "codes": dict(Counter(each.code for each in ended if each.code)),
        "longest_s": round(max(each.wall_s for each in ended), 2),
        "largest_child_mb": round(max(each.child_mb for each in ended), 1),
        "grown_mb": round(grown_mb, 1),
        "peak_mb": round(peak_mb(), 1),
        "hang_recovered_s": round(hang_s, 1),
        "urls": urls,
        "forbidden_connections": connections,
        "unwanted": [asdict(each) for each in ended if not each.wanted],
        "unlike": unlike,
    }
    print(json.dumps(report, indent=1) if options.json else _told(report))
    good = not (report["unwanted"] or unlike or connections) and grown_mb <= GROWN_MB
    sys.exit(0 if good else 1)


def _through_the_api(options: argparse.Namespace) -> NoReturn:
    from benchmarks import hostile_api  # it needs the tests' way to start a service

    seeds = range(options.first_seed, options.first_seed + (1 if options.quick else options.seeds))
    step = _QUICK_STEP if options.quick else 1
    with tempfile.TemporaryDirectory() as scratch:
        files = (
            path
            for seed in seeds
            for path in [*made_corpus(options.maker, Path(scratch), seed)][::step]
            if path.is_file()  # a folder cannot be uploaded
        )
        report = hostile_api.run_api(files)
    print(json.dumps(report, indent=1) if options.json else hostile_api.told(report))
    sys.exit(0 if hostile_api.is_good(report) else 1)


def run_corpus(maker: Path, into: Path, seed: int) -> Iterator[Ended]:
    """Every file of one seed."""
    return map(run_file, made_corpus(maker, into, seed))


def made_corpus(maker: Path, into: Path, seed: int) -> Iterator[Path]:
    """The files of one seed, made first; tells how far they were taken."""
    folder = into / str(seed)
    line = [sys.executable, str(maker), str(folder), "--seed", str(seed)]
    subprocess.run(line, check=True, capture_output=True)
    rows = (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    for number, row in enumerate(map(json.loads, rows)):
        if number % 50 == 0:
            print(f"seed {seed}: {number} of {len(rows)}", file=sys.stderr, flush=True)
        yield folder / row["name"]


def run_file(path: Path) -> Ended:
    """One file: what comes of it, in what time."""
    began_s = time.perf_counter()
    outcome, code, child_mb = _outcome(path, "isolated")
    wall_s = time.perf_counter() - began_s
    return Ended(str(path), outcome, code, round(wall_s, 3), round(child_mb, 1))


def differs(ended: Ended, reader: str) -> bool:
    """Whether another reader comes to anything else."""
    return _outcome(Path(ended.path), reader)[0] != ended.outcome


def _outcome(path: Path, reader: str) -> tuple[str, str | None, float]:
    try:
        opened = open_reader(path, reader=reader)
    except VideoError as err:
        return err.code, err.code, 0.0
    try:
        asked = np.linspace(0, opened.info.duration_s, 6, endpoint=False).tolist()
        frames = opened.read_frames(asked, (56, 84))
    except VideoError as err:
        return err.code, err.code, _child_mb(opened)
    told = frames.rgb_THWC.tobytes() + frames.pts_T.tobytes()
    digest = hashlib.sha256(told + str(frames.unreadable_from_s).encode()).hexdigest()
    return digest, None, _child_mb(opened)


def _child_mb(opened: object) -> float:
    if not isinstance(opened, IsolatedReader) or opened.child is None:
        return 0.0
    return resident_mb(opened.child, "VmHWM")


def resident_mb(pid: int | str = "self", which: str = "VmRSS") -> float:
    """Resident memory of a process now, or at its peak; 0 where /proc does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(which)), 0.0)


def recover_from_a_hang(film: Path) -> float:
    """Stop a child for good while it is asked: seconds until the error; the next read must work."""
    sniff(film)
    opened = open_reader(film, reader="isolated")
    if not isinstance(opened, IsolatedReader) or opened.child is None:
        raise SystemExit("there is no child to stop")
    os.kill(opened.child, signal.SIGSTOP)
    began_s = time.perf_counter()
    try:
        opened.read_frames([0.0], (28, 28))
    except VideoError as err:
        if err.code != "decoder_timeout":
            raise
    took_s = time.perf_counter() - began_s
    if not len(opened.read_frames([0.0], (28, 28))):
        raise SystemExit("no frame after a hang")
    if took_s > watch.STALL_S + 10:
        raise SystemExit(f"a hang cost {took_s:.0f} s")
    return took_s


class _Counting(SystemNetwork):
    """The system's network, which counts what it is asked to connect to, and connects nothing."""

    def __init__(self) -> None:
        self.count = 0

    def connect(self, address: str, port: int, timeout_s: float) -> Any:
        self.count += 1
        raise ConnectionRefusedError


def run_urls(into: Path) -> tuple[int, int]:
    """URLs into this network, as directly as can be: how many, and how many connections."""
    network, rules = _Counting(), FetchRules(allowed_domains=("*",), connect_s=2)
    urls: Sequence[str] = [form.format(host) for host in HOSTS for form in FORMS]
    for url in urls:
        try:
            fetch(url, into, rules, network=network)
        except FetchError:
            continue
        raise SystemExit(f"{url} was fetched")
    return len(urls), network.count


def _told(report: dict[str, Any]) -> str:
    lines = [f"{name.replace('_', ' '):24}{value}" for name, value in report.items()]
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--maker", type=Path, required=True, help="the program of the corpus")
    parser.add_argument("--seeds", type=int, default=4, help="how many corpora (4)")
    parser.add_argument("--against", choices=["pyav"], help="compare to the bit with this reader")
    parser.add_argument("--first-seed", type=int, default=0, help="the first of them, with --api")
    parser.add_argument("--api", action="store_true", help="through a running service")
    parser.add_argument("--quick", action="store_true", help="one seed")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    return parser.parse_args()


if __name__ == "__main__":
    main()
