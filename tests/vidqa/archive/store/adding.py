"""A process of its own that adds clips to an archive: ``adding.py PLACE NAME COUNT [pause]``.

Prints a line when each batch of one clip was committed.
"""

from __future__ import annotations

import sys
import time

from tests.vidqa.archive.store.drawn import a_clip, a_generation, claimed, entered
from vidqa.archive.store import open_store

if __name__ == "__main__":
    place, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    pause_s = float(sys.argv[4]) if len(sys.argv) > 4 else 0.0
    with open_store(place) as store:
        generation = a_generation(store)
        claim = claimed(store, entered(store, name), holder=name, lease_s=0.2)
        for number in range(count):
            store.add_clips(claim, generation.id, [a_clip(number)])
            print(number, flush=True)
            time.sleep(pause_s)
        store.finish(claim, generation.id)
