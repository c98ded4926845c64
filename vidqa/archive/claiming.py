"""Who may write what is learnt of a video: a lease that runs out, and a fence that outlives it.

Two may ingest one folder at once: each video is claimed before it is read. A holder that was
killed stops renewing, and its claim runs out; one that was only slow wakes up with an old fence,
and what it writes is refused. The clock is the database's.
"""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from vidqa.archive.part import Part, no_video
from vidqa.archive.records import Claim, Held
from vidqa.archive.tables import claims, videos
from vidqa.database import now_ms
from vidqa.errors import ArchiveError, ClaimLost


class Claims(Part):
    """Claims of videos, and how they end."""

    __slots__ = ()

    def claim(self, video_id: int, holder: str, lease_s: float) -> Claim | Held:
        """Ask to be the only one who writes for this video during ``lease_s``.

        A video that failed is being indexed again. Raises :class:`ArchiveError` where there is no
        such video.
        """
        with self._db.writing() as db:
            fence = db.execute(
                update(claims)
                .where(claims.c.video_id == video_id, claims.c.until_ms <= now_ms())
                .values(fence=claims.c.fence + 1, holder=holder, until_ms=now_ms() + _ms(lease_s))
                .returning(claims.c.fence)
            ).scalar_one_or_none()
            if fence is None:
                return self._held(db, video_id)
            _set_state(db, video_id, "indexing", None, only_if="failed")
            return Claim(video_id=video_id, holder=holder, fence=fence)

    def renew(self, claim: Claim, lease_s: float) -> None:
        """Hold on to it for ``lease_s`` from now; raises :class:`ClaimLost`."""
        with self._db.writing() as db:
            hold(db, claim)
            _leave(db, claim, lease_s)

    def release(self, claim: Claim) -> None:
        """Let somebody else go on with the video; raises :class:`ClaimLost`."""
        with self._db.writing() as db:
            hold(db, claim)
            _leave(db, claim, 0)

    def fail(self, claim: Claim, reason: str) -> None:
        """Release it; the video could not be indexed, for a reason that a person can read."""
        with self._db.writing() as db:
            hold(db, claim)
            _set_state(db, claim.video_id, "failed", reason)
            _leave(db, claim, 0)

    def _held(self, db: Connection, video_id: int) -> Held:
        left_ms = (claims.c.until_ms - now_ms()).label("left_ms")
        asked = select(claims.c.holder, left_ms).where(claims.c.video_id == video_id)
        row = db.execute(asked).one_or_none()
        if row is None:
            raise no_video(video_id)
        return Held(video_id=video_id, holder=row.holder, left_s=max(row.left_ms, 0) / 1000)


def hold(db: Connection, claim: Claim) -> None:
    """Keep others from claiming the video until this transaction ends.

    A lease that ran out is still good where nobody else has claimed since. Raises
    :class:`ClaimLost` where somebody has, or where the video was deleted.
    """
    asked = select(claims.c.fence).where(claims.c.video_id == claim.video_id)
    fence = db.execute(asked.with_for_update()).scalar_one_or_none()
    if fence != claim.fence:
        raise ClaimLost(
            f"video {claim.video_id} is no longer claimed by {claim.holder}: "
            + ("it was deleted" if fence is None else "its lease ran out, and others go on"),
            code="claim_lost",
            next_step="Leave the video to whoever holds it now.",
        )


def settle(db: Connection, claim: Claim) -> None:
    """Release a held claim; everything of the video is there."""
    _set_state(db, claim.video_id, "ready", None)
    _leave(db, claim, 0)


def _leave(db: Connection, claim: Claim, lease_s: float) -> None:
    db.execute(
        update(claims)
        .where(claims.c.video_id == claim.video_id)
        .values(until_ms=now_ms() + _ms(lease_s))
    )


def _set_state(
    db: Connection, video_id: int, state: str, reason: str | None, only_if: str | None = None
) -> None:
    change = update(videos).where(videos.c.id == video_id)
    if only_if is not None:
        change = change.where(videos.c.state == only_if)
    db.execute(change.values(state=state, reason=reason))


def _ms(lease_s: float) -> int:
    if not 0 <= lease_s < 86_400 * 365:  # also where it is not a number
        raise ArchiveError(
            f"a lease of {lease_s} s",
            code="claim_lease",
            next_step="Give seconds, from 0 to a year.",
        )
    return round(lease_s * 1000)
