"""Pictures are told by their bytes and read as displayed: upright, on white, 8 bits of RGB."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vidqa.errors import VideoError
from vidqa.video import Limits, is_still, probe_still, read_still

RED, WHITE = (255, 0, 0), (255, 255, 255)


def save(folder: Path, image: Image.Image, name: str = "p.png", **options: object) -> Path:
    path = folder / name
    image.save(path, **options)  # type: ignore[arg-type]
    return path


def corner_marked(size: tuple[int, int] = (24, 16)) -> Image.Image:
    """White with the top left eighth red."""
    image = Image.new("RGB", size, WHITE)
    image.paste(RED, (0, 0, 8, 8))
    return image


@pytest.mark.parametrize(
    ("ending", "kind"),
    [
        ("png", "PNG"),
        ("jpg", "JPEG"),
        ("webp", "WEBP"),
        ("gif", "GIF"),
        ("bmp", "BMP"),
        ("tiff", "TIFF"),
    ],
)
def test_the_format_is_told_by_the_bytes_whatever_the_name(
    ending: str, kind: str, tmp_path: Path
) -> None:
    path = save(tmp_path, corner_marked(), f"p.{ending}").rename(tmp_path / "p.mp4")
    still = read_still(path)
    assert (is_still(path), still.info.format, still.rgb_HWC.shape) == (True, kind, (16, 24, 3))
    assert np.abs(still.rgb_HWC[4, 4].astype(int) - RED).max() < 12


@pytest.mark.parametrize(
    ("turn", "corner"),
    [
        (1, (0, 0)),
        (2, (0, -1)),
        (3, (-1, -1)),
        (4, (-1, 0)),
        (5, (0, 0)),
        (6, (0, -1)),
        (7, (-1, -1)),
        (8, (-1, 0)),
    ],
)
def test_the_exif_orientation_is_applied(
    turn: int, corner: tuple[int, int], tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    still = read_still(save(tmp_path, corner_marked(), exif=exif))
    assert still.rgb_HWC.shape == ((16, 24, 3) if turn < 5 else (24, 16, 3))
    assert (still.info.height, still.info.width) == still.rgb_HWC.shape[:2]
    reds = {c for c in [(0, 0), (0, -1), (-1, -1), (-1, 0)] if tuple(still.rgb_HWC[c]) == RED}
    assert reds == {corner}


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_what_is_transparent_is_white(mode: str, tmp_path: Path) -> None:
    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0)).convert(mode)
    path = save(tmp_path, clear, "p.tiff" if mode == "PA" else "p.png")
    assert (read_still(path).rgb_HWC == 255).all()


def test_a_transparent_colour_of_a_palette_is_white(tmp_path: Path) -> None:
    image = corner_marked().quantize(4)
    red = image.getpixel((0, 0))
    path = save(tmp_path, image, transparency=red)
    assert (read_still(path).rgb_HWC == 255).all()


def test_half_transparent_is_half_the_way_to_white(tmp_path: Path) -> None:
    path = save(tmp_path, Image.new("RGBA", (4, 4), (0, 0, 0, 51)))
    assert (read_still(path).rgb_HWC == 204).all()


def test_sixteen_bits_of_grey_are_scaled_not_clipped(tmp_path: Path) -> None:
    levels = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    path = save(tmp_path, Image.fromarray(levels))
    assert read_still(path).rgb_HWC[0, :, 0].tolist() == [0, 1, 128, 255]


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr"])
def test_every_mode_becomes_rgb(mode: str, tmp_path: Path) -> None:
    image = Image.new("RGB", (8, 8), WHITE).convert(mode)
    name = "p.jpg" if mode in ("CMYK", "YCbCr") else "p.png"
    assert (read_still(save(tmp_path, image, name)).rgb_HWC == 255).all()


def test_numbers_without_a_stated_white_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path, Image.fromarray(np.full((4, 4), 0.5, np.float32)), "p.tiff")
    with pytest.raises(VideoError, match="no stated black and white"):
        read_still(path)


def test_a_gif_of_several_pictures_is_a_film_and_one_of_one_is_not(tmp_path: Path) -> None:
    more = [Image.new("RGB", (9, 8), RED)]
    films = save(tmp_path, corner_marked((9, 8)), "a.gif", save_all=True, append_images=more)
    assert not is_still(films)
    assert is_still(save(tmp_path, corner_marked(), "b.gif"))


def test_an_animated_webp_is_its_first_picture_and_says_how_many(tmp_path: Path) -> None:
    first, more = Image.new("RGB", (8, 8), WHITE), [Image.new("RGB", (8, 8), RED)]
    path = save(tmp_path, first, "a.webp", save_all=True, append_images=more, lossless=True)
    still = read_still(path)
    assert (is_still(path), still.info.pictures) == (True, 2)
    assert (still.rgb_HWC == 255).all()


def test_a_text_is_no_picture_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "p.png"
    path.write_text("hello")
    assert not is_still(path)
    with pytest.raises(VideoError, match="not a picture"):
        read_still(path)


def test_heic_is_told_by_name(tmp_path: Path) -> None:
    path = tmp_path / "p.heic"
    path.write_bytes(struct.pack(">I4s4s", 24, b"ftyp", b"heic") + bytes(64))
    with pytest.raises(VideoError, match="heic pictures cannot be read"):
        is_still(path)


@pytest.mark.parametrize("name", ["p.png", "p.jpg", "p.webp", "p.gif", "p.tiff", "p.bmp"])
def test_a_truncated_picture_is_an_error_not_a_grey_half(name: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = save(tmp_path, Image.fromarray(noise), name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(VideoError, match="cut short or damaged"):
        read_still(path)


@pytest.mark.parametrize("size", [(10_000, 10), (8000, 8000), (60_000, 60_000)])
def test_a_bomb_is_refused_by_its_header_alone(size: tuple[int, int], tmp_path: Path) -> None:
    head = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    chunk = (
        struct.pack(">I", len(head))
        + b"IHDR"
        + head
        + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    )
    path = tmp_path / "bomb.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + bytes(4))
    with pytest.raises(VideoError) as caught:
        probe_still(path)
    assert caught.value.code == "frame_too_large"


@pytest.mark.parametrize("size", [(60, 4), (30, 30)])
def test_the_limits_that_were_given_are_the_ones_told(
    size: tuple[int, int], tmp_path: Path
) -> None:
    path = save(tmp_path, Image.new("L", size))
    with pytest.raises(VideoError, match="more than 50 a side or 800 in all"):
        read_still(path, limits=Limits(frame_side=50, frame_pixels=800))


def test_one_pixel_is_a_picture(tmp_path: Path) -> None:
    still = read_still(save(tmp_path, Image.new("RGB", (1, 1), RED)))
    assert still.rgb_HWC.tolist() == [[[255, 0, 0]]]
    assert (still.resized(56, 56) == RED).all()


@given(
    kind=st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"]),
    hits=st.lists(st.tuples(st.integers(8, 4000), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_damage_anywhere_is_a_picture_or_an_error_of_ours(
    kind: str, hits: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    buffer = io.BytesIO()
    corner_marked().save(buffer, kind)
    data = bytearray(buffer.getvalue())
    for at, value in hits:
        data[8 + at % (len(data) - 8)] = value
    path = tmp_path_factory.mktemp("damaged") / "p"
    path.write_bytes(data)
    try:
        rgb_HWC = read_still(path).rgb_HWC
    except VideoError as err:
        assert err.next_step  # noqa: PT017
    else:
        assert rgb_HWC.ndim == 3
