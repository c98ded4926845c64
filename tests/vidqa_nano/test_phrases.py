"""What the world's events are called."""

from __future__ import annotations

from vidqa_nano.phrases import BY_NAME, KINDS, canonical, every_phrase, mirrored, phrase


def test_there_are_many_kinds_each_with_several_phrasings() -> None:
    assert len(KINDS) == len(BY_NAME) == 68
    assert min(len(kind.patterns) for kind in KINDS) >= 3


def test_the_readme_query_is_a_phrase() -> None:
    assert canonical(BY_NAME["person_opens_door"]) == "person opens door"


def test_a_colour_may_be_named_and_an_article_may_lead() -> None:
    kind = BY_NAME["ball_bounces"]
    assert canonical(kind) == "ball bounces"
    assert phrase(kind, 1, colour="red", article=True) == "the red ball is bouncing"


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


def test_every_phrase_is_listed_once_without_holes() -> None:
    lines = every_phrase()
    assert len(lines) == len(set(lines))
    assert not any("{" in line for line in lines)
