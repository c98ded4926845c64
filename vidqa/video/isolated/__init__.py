"""Decoding behind walls: every file in a confined child process of its own."""

from vidqa.video.isolated.reader import IsolatedReader
from vidqa.video.isolated.stream import IsolatedStream

__all__ = ["IsolatedReader", "IsolatedStream"]
