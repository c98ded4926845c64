from __future__ import annotations

import pytest

from tests.vidqa.archive.store.drawn import a_clip, a_generation, a_line, claimed, entered, indexed
from vidqa.archive.records import Held
from vidqa.archive.store import Store
from vidqa.errors import ArchiveError, ClaimLost


def test_a_claimed_video_is_refused_to_others_until_it_is_released(store: Store) -> None:
    video = entered(store)
    claim = claimed(store, video, "first")
    refused = store.claim(video.id, "second", 60)
    assert isinstance(refused, Held)
    assert refused.holder == "first"
    assert 50 < refused.left_s <= 60
    store.release(claim)
    assert claimed(store, video, "second").fence == claim.fence + 1


def test_a_claim_that_ran_out_goes_to_the_next(store: Store) -> None:
    video = entered(store)
    claimed(store, video, "killed", lease_s=0)
    assert claimed(store, video, "next").fence == 2


def test_a_late_holder_can_write_until_somebody_else_claims(store: Store) -> None:
    video, generation = entered(store), a_generation(store)
    late = claimed(store, video, "late", lease_s=0)
    assert store.add_clips(late, generation.id, [a_clip(0)]) == 1
    claimed(store, video, "next")
    with pytest.raises(ClaimLost, match="video 1 is no longer claimed by late"):
        store.add_clips(late, generation.id, [a_clip(1)])
    assert store.clips_done(video.id, generation.id) == {0}


def test_every_write_of_a_lost_claim_is_refused(store: Store) -> None:
    video, generation = entered(store), a_generation(store)
    lost = claimed(store, video, "lost", lease_s=0)
    claimed(store, video, "next")
    for write in (
        lambda: store.renew(lost, 60),
        lambda: store.release(lost),
        lambda: store.fail(lost, "why"),
        lambda: store.finish(lost, generation.id),
        lambda: store.add_clips(lost, generation.id, []),
        lambda: store.add_lines(lost, [a_line(0, "x")]),
    ):
        with pytest.raises(ClaimLost):
            write()
    assert store.video(video.id).state == "indexing"


def test_renewing_lengthens_the_lease(store: Store) -> None:
    video = entered(store)
    claim = claimed(store, video, lease_s=0)
    store.renew(claim, 60)
    assert isinstance(store.claim(video.id, "other", 60), Held)


def test_a_failed_video_keeps_its_reason_until_it_is_claimed_again(store: Store) -> None:
    video = entered(store)
    store.fail(claimed(store, video), "no frame can be decoded")
    failed = store.video(video.id)
    assert (failed.state, failed.reason) == ("failed", "no frame can be decoded")
    claimed(store, video)
    again = store.video(video.id)
    assert (again.state, again.reason) == ("indexing", None)


def test_a_ready_video_stays_ready_while_it_is_embedded_anew(store: Store) -> None:
    video = indexed(store)
    claimed(store, video)
    assert store.video(video.id).state == "ready"


def test_a_deleted_video_takes_its_claim_along(store: Store) -> None:
    video = entered(store)
    claim = claimed(store, video)
    store.delete_video(video.id)
    with pytest.raises(ClaimLost, match="it was deleted"):
        store.renew(claim, 60)
    with pytest.raises(ArchiveError, match=f"no video {video.id}"):
        store.claim(video.id, "other", 60)


@pytest.mark.parametrize("lease_s", [-1.0, float("nan"), float("inf")])
def test_an_impossible_lease_is_refused(store: Store, lease_s: float) -> None:
    with pytest.raises(ArchiveError, match="a lease of"):
        store.claim(entered(store).id, "me", lease_s)
