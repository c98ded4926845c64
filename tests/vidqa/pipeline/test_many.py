"""Many questions get what each gets alone, in order, for one look."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scripted_engine import context_saying
from tests.vidqa.pipeline.test_seen import context
from vidqa.checkpoints import find_checkpoint
from vidqa.engine import Engine, Sampling, open_engine
from vidqa.errors import QueryError, VideoError
from vidqa.pipeline.ask import ask, ask_many
from vidqa.pipeline.context import Manner
from vidqa.pipeline.ground import ground, ground_many
from vidqa.prefixes import PrefixMemory

WORDS = ("a dog", "the door opens slowly", "x", "a dog")


@pytest.fixture(scope="module")
def engine(tiny_folder: Path) -> Engine:
    checkpoint = find_checkpoint(str(tiny_folder))
    return open_engine(checkpoint, device="cpu", prefixes=PrefixMemory(1 << 30))


def plain(result: object) -> dict[str, object]:
    told = result.to_dict()  # type: ignore[attr-defined]
    return {k: v for k, v in told.items() if k not in ("cache", "timings")}


def test_each_query_gets_what_it_gets_alone(engine: Engine, clip: Path) -> None:
    ctx = context(engine, None)
    together = ground_many(clip, WORDS, ctx)
    assert [plain(each) for each in together] == [plain(ground(clip, q, ctx)) for q in WORDS]


@pytest.mark.parametrize(
    "manner",
    [
        Manner(max_tokens=7),
        Manner(max_tokens=7, system="Be brief."),
        Manner(max_tokens=7, sampling=Sampling(temperature=1.0, seed=3)),
        Manner(max_tokens=7, stop=("e", "a")),
    ],
)
def test_each_question_gets_what_it_gets_alone(engine: Engine, clip: Path, manner: Manner) -> None:
    ctx = context(engine, None)
    together = ask_many(clip, WORDS, ctx, manner=manner)
    alone = [ask(clip, q, ctx, manner=manner) for q in WORDS]
    assert [plain(each) for each in together] == [plain(each) for each in alone]


def test_a_strict_query_is_held_to_the_format_each_for_itself(engine: Engine, clip: Path) -> None:
    ctx = context(engine, None)
    together = ground_many(clip, WORDS[:2], ctx, strict=True)
    alone = [ground(clip, q, ctx, strict=True) for q in WORDS[:2]]
    assert [plain(each) for each in together] == [plain(each) for each in alone]


def test_the_first_is_told_the_cost_of_the_look_and_the_others_find_it(
    tiny_folder: Path, clip: Path, tmp_path: Path
) -> None:
    checkpoint = find_checkpoint(str(tiny_folder))
    engine = open_engine(checkpoint, device="cpu", prefixes=PrefixMemory(1 << 30))
    told = [each.provenance for each in ground_many(clip, WORDS, context(engine, tmp_path))]
    assert [each.cache for each in told] == [
        {"features": "miss", "prefix": "miss"},
        *[{"features": "hit", "prefix": "hit"}] * 3,
    ]
    assert {"decode_s", "vision_s", "text_s"} <= set(told[0].timings)
    assert [set(each.timings) for each in told[1:]] == [{"text_s"}] * 3
    assert len({each.timings["text_s"] for each in told}) == 1


def test_more_than_a_batch_holds_are_spoken_in_several(
    engine: Engine, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx, sizes, real = context(engine, None), [], engine.replies
    whole = ask_many(clip, WORDS, ctx, manner=Manner(max_tokens=5))

    def counted(chats: list[object], *args: object, **options: object) -> object:
        sizes.append(len(chats))
        return real(chats, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "replies", counted)
    monkeypatch.setattr("vidqa.pipeline.many.BATCH", 3)
    parts = ask_many(clip, WORDS, ctx, manner=Manner(max_tokens=5))
    assert sizes == [3, 1]
    assert [plain(each) for each in parts] == [plain(each) for each in whole]


def test_nothing_asked_and_a_blank_query_are_query_errors_before_any_look(clip: Path) -> None:
    ctx, scripted = context_saying("no")
    for queries in ([], ["a", " "]):
        with pytest.raises(QueryError):
            ground_many(clip, queries, ctx)
    assert scripted.frames_seen == []


def test_an_image_cannot_be_grounded_many_times(tmp_path: Path) -> None:
    from PIL import Image

    picture = tmp_path / "p.png"
    Image.new("RGB", (56, 56)).save(picture)
    ctx, _ = context_saying("no")
    with pytest.raises(VideoError, match="no time"):
        ground_many(picture, ["a", "b"], ctx)
