"""One reading of one file by one contender, in a process of its own, measured from inside.

``python -m benchmarks.readers CONTENDER JOB.json OUT.npy`` prints one JSON line. Imports come
before the clock starts; measured is what a user's call costs, from the path to resized pixels.
Axes: T frames, H rows, W columns, C colours.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
CHILDREN: list[Any] = []
"""Readers whose children's work counts as ours."""
Read = Callable[[], Any]
"""Pixels, (T, H, W, 3) as an array or (T, 3, H, W) as a tensor; None from who keeps none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to read; the same for every contender."""

    path: str
    indices: list[int]
    """Frame numbers in presentation order, for contenders that count."""
    seconds: list[float]
    """Times of the same frames, for contenders that tell the time."""
    height: int
    width: int

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width


def vidqa_exact(threads: int) -> Callable[[Job], Read]:
    def prepare(job: Job) -> Read:
        from vidqa.video import pyav_reader, read_frames  # noqa: F401 (else imported on first use)

        return lambda: read_frames(job.path, job.seconds, job.size, threads=threads).rgb_THWC

    return prepare


def vidqa_isolated(threads: int) -> Callable[[Job], Read]:
    """The same in a confined child; the fork server stands, as in any process that reads often."""

    def prepare(job: Job) -> Read:
        from vidqa.video.isolated import IsolatedReader
        from vidqa.video.isolated.forking import SERVERS
        from vidqa.video.limits import DEFAULT_LIMITS

        SERVERS.get()

        def read() -> Any:
            reader = IsolatedReader(Path(job.path), threads, limits=DEFAULT_LIMITS)
            CHILDREN.append(reader)
            return reader.read_frames(job.seconds, job.size).rgb_THWC

        return read

    return prepare


def vidqa_keyframes(job: Job) -> Read:
    from vidqa.video import pyav_reader, read_keyframes  # noqa: F401 (else imported on first use)

    return lambda: read_keyframes(job.path, job.seconds, job.size, threads=1).rgb_THWC


def qwen(backend: str) -> Callable[[Job], Read]:
    """``qwen_vl_utils.fetch_video`` as its users call it, told the frames and the size."""

    def prepare(job: Job) -> Read:
        from benchmarks.peers import allow_torchvision

        os.environ["FORCE_QWENVL_VIDEO_READER"] = backend
        allow_torchvision()
        _import_backend(backend)
        from qwen_vl_utils.vision_process import fetch_video

        wanted = {
            "video": job.path,
            "nframes": len(job.indices),
            "resized_height": job.height,
            "resized_width": job.width,
        }

        def read() -> Any:
            answer: Any = fetch_video(wanted, return_video_metadata=True)
            video_TCHW, facts = answer
            if [int(i) for i in facts["frames_indices"]] != job.indices:
                raise SystemExit("qwen_vl_utils read other frames than it was asked to")
            return video_TCHW

        return read

    return prepare


def decord_then_torch(job: Job) -> Read:
    import decord
    import torch  # noqa: F401 (its import is no part of the reading)

    def read() -> Any:
        reader = decord.VideoReader(job.path, num_threads=1)
        return _resized(reader.get_batch(job.indices).asnumpy(), job)

    return read


def torchcodec_then_torch(job: Job) -> Read:
    from torchcodec.decoders import VideoDecoder

    def read() -> Any:
        decoder = VideoDecoder(job.path, dimension_order="NHWC", num_ffmpeg_threads=1)
        return _resized(decoder.get_frames_at(job.indices).data.numpy(), job)

    return read


def pyav_in_order(job: Job) -> Read:
    """Every frame decoded, the wanted ones scaled by swscale: the simple exact reader."""
    import av

    def read() -> Pixels:
        wanted, kept = set(job.indices), []
        with av.open(job.path) as container:
            container.streams.video[0].codec_context.thread_count = 1
            for number, frame in enumerate(container.decode(video=0)):
                if number in wanted:
                    small = frame.reformat(job.width, job.height, "rgb24", interpolation="BICUBIC")
                    kept.append(small.to_ndarray())
        return np.stack(kept)

    return read


def decode_only(job: Job) -> Read:
    """libavcodec itself: every frame decoded, nothing converted, nothing kept."""
    import av

    def read() -> None:
        with av.open(job.path) as container:
            container.streams.video[0].codec_context.thread_count = 1
            for _ in container.decode(video=0):
                pass

    return read


CONTENDERS: dict[str, Callable[[Job], Read]] = {
    "vidqa, 2 threads": vidqa_exact(2),
    "vidqa, 1 thread": vidqa_exact(1),
    "vidqa isolated, 2 threads": vidqa_isolated(2),
    "vidqa isolated, 1 thread": vidqa_isolated(1),
    "vidqa key frames": vidqa_keyframes,
    "qwen-vl-utils (decord)": qwen("decord"),
    "qwen-vl-utils (torchcodec)": qwen("torchcodec"),
    "decord, then torch": decord_then_torch,
    "torchcodec, then torch": torchcodec_then_torch,
    "PyAV in order": pyav_in_order,
    "libavcodec, decode only": decode_only,
}


def measure(name: str, job: Job, keep: Path) -> dict[str, object]:
    """CPU and wall seconds of the call, and the peak resident memory of the whole process."""
    read = CONTENDERS[name](job)
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    pixels = read()
    figures: dict[str, object] = {
        "wall_s": time.perf_counter() - wall_s,
        "cpu_s": time.process_time() - cpu_s + sum(_cpu_s(each.child) for each in CHILDREN),
        "peak_mb": peak_mb() + sum(peak_mb(each.child) for each in CHILDREN),
    }
    if pixels is not None:
        np.save(keep, _pixels(pixels))
    return figures


def _cpu_s(pid: int) -> float:
    """Processor seconds of another process so far (proc(5): utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mb(pid: int | str = "self") -> float:
    """Largest resident memory of a process so far, by default of this one.

    On Linux ``ru_maxrss`` starts at what the parent had when it forked; VmHWM starts anew.
    """
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _import_backend(backend: str) -> None:
    """Outside the clock, and loudly: qwen_vl_utils falls back without a word when it fails."""
    if backend == "torchcodec":
        import torchcodec.decoders  # noqa: F401
    else:
        import decord  # noqa: F401


def _pixels(read: Any) -> Pixels:
    if isinstance(read, np.ndarray):
        return read
    pixels: Pixels = read.byte().permute(0, 2, 3, 1).contiguous().numpy()
    return pixels


def _resized(rgb_THWC: Pixels, job: Job) -> Any:
    """As fetch_video does it: antialiased bicubic in float, rounded back to whole numbers."""
    import torch

    video_TCHW = torch.from_numpy(rgb_THWC).permute(0, 3, 1, 2)
    small = torch.nn.functional.interpolate(
        video_TCHW.float(), job.size, mode="bicubic", antialias=True
    )
    return small.round().clamp(0, 255)


def main() -> None:
    """One contender, one job, one line of JSON."""
    name, job_file, keep = sys.argv[1:4]
    job = Job(**json.loads(Path(job_file).read_text(encoding="utf-8")))
    print(json.dumps(measure(name, job, Path(keep))))


if __name__ == "__main__":
    main()
