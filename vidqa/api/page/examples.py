"""The clips that come with vidqa, offered on a page that has no videos yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SUGGESTIONS: Mapping[str, str] = {
    "door.mp4": "person opens door",
    "car.mp4": "blue car drives left",
    "count.mp4": "cat walks right",
}
"""The clips, and something that happens in each."""
_HERE = Path(__file__).resolve()
_PLACES = (_HERE.parent / "examples", _HERE.parents[3] / "examples")
"""Where a wheel has them, and where a checkout has them."""


@dataclass(frozen=True, slots=True)
class Example:
    """One clip that may be tried."""

    name: str
    path: Path
    query: str

    def to_dict(self) -> dict[str, str | int]:
        """``name``, ``bytes``, ``query`` and the ``url`` to read it from."""
        return {
            "name": self.name,
            "bytes": self.path.stat().st_size,
            "query": self.query,
            "url": f"/page/examples/{self.name}",
        }


def find_examples() -> dict[str, Example]:
    """The clips that this installation has, by name; none is a normal answer."""
    found = {}
    for name, query in SUGGESTIONS.items():
        path = next((place / name for place in _PLACES if (place / name).is_file()), None)
        if path is not None:
            found[name] = Example(name=name, path=path, query=query)
    return found
