"""The bytes of an index file in parts: what comes back, and what damage does."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidqa.archive.vectors import parts
from vidqa.archive.vectors.parts import DIGEST, DamagedError, PartWriter, checked_parts

SIZE = 8
"""Of a part, here."""


@pytest.fixture(autouse=True, scope="module")
def _small_parts() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "PART", SIZE)
        yield


def written(chunks: list[bytes]) -> tuple[bytes, bytes]:
    """The body that was written, and the digests of its parts."""
    file = io.BytesIO()
    writer = PartWriter(file)
    for chunk in chunks:
        writer.write(chunk)
    return file.getvalue(), writer.digests()


def read(body: bytes, size: int, digests: bytes, most: int = 5) -> bytes:
    with checked_parts(io.BytesIO(body), size, digests) as reader:
        return b"".join(iter(lambda: reader.read(most), b""))


@given(st.lists(st.binary(max_size=40), max_size=12), st.integers(1, 30))
def test_what_was_written_in_any_pieces_is_read_in_any_pieces(
    chunks: list[bytes], most: int
) -> None:
    body, digests = written(chunks)
    assert body == b"".join(chunks)
    assert len(digests) == DIGEST * -(-len(body) // SIZE)
    assert read(body + b"more", len(body), digests, most) == body


@given(st.binary(min_size=1, max_size=60), st.data())
def test_no_byte_of_a_part_with_a_flipped_bit_is_handed_on(
    body: bytes, data: st.DataObject
) -> None:
    digests = written([body])[1]
    at = data.draw(st.integers(0, len(body) - 1))
    bad = bytearray(body)
    bad[at] ^= 1 << data.draw(st.integers(0, 7))
    handed: list[bytes] = []
    with checked_parts(io.BytesIO(bad), len(bad), digests) as reader, pytest.raises(DamagedError):
        handed.extend(iter(lambda: reader.read(3), b""))
    assert body[:at].startswith(b"".join(handed))


def test_damage_behind_what_was_asked_for_is_noticed_by_the_end() -> None:
    body = bytes(1000)
    digests = written([body])[1]
    with checked_parts(io.BytesIO(body[:-1] + b"1"), 1000, digests) as reader:
        assert reader.read(4) == bytes(4)
        with pytest.raises(DamagedError):
            reader.drain()


@pytest.mark.parametrize("lacking", [b"", b"x" * DIGEST, b"x" * 3 * DIGEST])
def test_as_many_digests_as_there_are_parts_are_needed(lacking: bytes) -> None:
    with pytest.raises(DamagedError):
        read(b"0123456789", 10, lacking)


def test_a_file_that_ends_too_soon_is_damaged() -> None:
    digests = written([b"0123456789"])[1]
    with pytest.raises(DamagedError):
        read(b"012345678", 10, digests)
