from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidqa.pipeline.retrieval.wording import kind_of, statement_of


@pytest.mark.parametrize(
    ("question", "kind", "statement"),
    [
        ("How often does a dog bark?", "count", "a dog bark"),
        ("How many times was the door opened in the videos?", "count", "the door opened"),
        ("When did the lamp turn on?", "when", "the lamp turn on"),
        ("Is there a fire?", "whether", "fire"),
        ("Does a person in red wave", "whether", "a person in red wave"),
        ("What colour is the car?", "open", "What colour is the car"),
        ("Doesn't the dog bark?", "whether", "the dog bark"),
        ("Island life?", "open", "Island life"),
    ],
)
def test_what_is_asked_for(question: str, kind: str, statement: str) -> None:
    assert (kind_of(question), statement_of(question)) == (kind, statement)


@given(st.text(min_size=1).filter(str.strip))
def test_a_statement_always_has_words(question: str) -> None:
    assert statement_of(question).strip()
