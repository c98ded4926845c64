"""The numbered log of a generation: one entry for each vector that came or went.

Numbers are taken from the generation's own row, which stays locked until the transaction ends:
they rise in the order of commits, without gaps, also where several write at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select, update

from vidqa.archive.tables import changes, clips, generations, vectors
from vidqa.database import batches


def log_changes(db: Connection, generation_id: int, clip_ids: Sequence[int], sign: int) -> None:
    """Number the clips whose vectors come (``sign`` 1) or go (-1) in this transaction."""
    if not clip_ids:
        return
    row = generations.c
    last_seq = db.execute(
        update(generations)
        .where(row.id == generation_id)
        .values(last_seq=row.last_seq + len(clip_ids), vectors=row.vectors + sign * len(clip_ids))
        .returning(row.last_seq)
    ).scalar_one()
    first = last_seq - len(clip_ids) + 1
    db.execute(
        insert(changes),
        [
            {"generation_id": generation_id, "seq": first + i, "clip_id": clip_id}
            for i, clip_id in enumerate(clip_ids)
        ],
    )


def drop_vectors(db: Connection, video_id: int) -> int:
    """Delete a video's vectors of every generation, each logged; how many there were."""
    dropped = 0
    of_video = select(clips.c.id).where(clips.c.video_id == video_id)
    # In one order everywhere, so that two who delete never wait for each other in a circle.
    for generation_id in db.execute(
        select(generations.c.id).order_by(generations.c.id).with_for_update()
    ).scalars():
        mine = (vectors.c.generation_id == generation_id) & vectors.c.clip_id.in_(of_video)
        asked = select(vectors.c.clip_id).where(mine).order_by(vectors.c.clip_id)
        gone = list(db.execute(asked).scalars())
        for some in batches(gone, 500):
            db.execute(
                delete(vectors).where(
                    vectors.c.generation_id == generation_id, vectors.c.clip_id.in_(some)
                )
            )
        log_changes(db, generation_id, gone, -1)
        dropped += len(gone)
    return dropped
