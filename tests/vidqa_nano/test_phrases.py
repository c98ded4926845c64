"""What the world's events are called."""

from __future__ import annotations

from vidqa_nano.phrases import (
    BY_NAME,
    COLOURS_OF,
    KINDS,
    NOVEL_PAIRS,
    canonical,
    every_phrase,
    mirrored,
    phrase,
    question,
)


def test_there_are_many_kinds_each_with_several_phrasings() -> None:
    assert len(KINDS) == len(BY_NAME) == 68
    assert {len(kind.patterns) for kind in KINDS} <= {3, 4, 5, 6}


def test_the_readme_query_is_a_phrase() -> None:
    assert canonical(BY_NAME["person_opens_door"]) == "person opens door"


def test_a_colour_may_be_named_and_an_article_may_lead() -> None:
    kind = BY_NAME["ball_bounces"]
    assert canonical(kind) == "ball bounces"
    assert phrase(kind, 1, colour="red", article=True) == "the red ball is bouncing"


def test_a_person_is_named_by_the_shirt_and_a_number_by_its_value() -> None:
    waves = BY_NAME["person_waves"]
    assert canonical(waves, "red") == "person in red waves"
    texts = {phrase(waves, i, colour="blue") for i in range(len(waves.patterns))}
    assert "the person in the blue shirt is waving" in texts
    assert question(waves, "blue") == "a person in blue wave"
    assert canonical(BY_NAME["number_appears"], "7") == "number 7 appears"
    assert question(BY_NAME["number_appears"]) == "a number appear"


def test_every_phrasing_of_a_coloured_kind_says_the_colour_when_asked_to() -> None:
    for kind in KINDS:
        for colour in COLOURS_OF.get(kind.actor, ()):
            for i in range(len(kind.patterns)):
                assert colour in phrase(kind, i, colour=colour).split()
            assert colour in question(kind, colour).split()


def test_no_phrase_stands_for_two_kinds() -> None:
    owners: dict[str, set[str]] = {}
    for kind in KINDS:
        for i in range(len(kind.patterns)):
            owners.setdefault(phrase(kind, i), set()).add(kind.name)
    assert [text for text, names in owners.items() if len(names) > 1] == []


def test_a_mirror_swaps_left_and_right_and_nothing_else() -> None:
    assert mirrored(BY_NAME["dog_runs_left"]).name == "dog_runs_right"
    assert mirrored(BY_NAME["person_opens_door"]).name == "person_opens_door"
    assert all(mirrored(mirrored(kind)) is kind for kind in KINDS)


def test_novel_pairs_are_pairs_of_the_world_and_stay_novel_in_a_mirror() -> None:
    assert len(NOVEL_PAIRS) == 11
    for name, colour in NOVEL_PAIRS:
        assert colour in COLOURS_OF[BY_NAME[name].actor]
        assert (mirrored(BY_NAME[name]).name, colour) in NOVEL_PAIRS


def test_every_phrase_is_listed_once_without_holes() -> None:
    lines = every_phrase()
    assert len(lines) == len(set(lines))
    assert not any("{" in line for line in lines)
