"""A reply held to a grammar: what may follow, where it may end, and what never comes."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken
from tokenizers import Tokenizer as Backend

from qwen25vl import Tokenizer, generate, load_model
from qwen25vl.errors import GrammarError
from qwen25vl.grammar import Grammar, Vocabulary
from tests.tiny_checkpoint import save_tiny, write_tokenizer

PADDING = 40
"""Rows of the embedding table that no token has."""
NANO = Path(__file__).resolve().parents[2] / "model" / "vidqa_nano" / "weights"
END, TEXT_END = "<|im_end|>", "<|endoftext|>"


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(folder / "tokenizer.json")
    return Tokenizer.from_folder(folder)


@pytest.fixture(scope="module")
def vocabulary(tokenizer: Tokenizer) -> Vocabulary:
    return vocabulary_of(tokenizer)


def stops(tokenizer: Tokenizer) -> list[int]:
    return [tokenizer.id_of(END), tokenizer.id_of(TEXT_END)]


def vocabulary_of(tokenizer: Tokenizer, rows: int | None = None) -> Vocabulary:
    size = rows or tokenizer.size + PADDING
    return Vocabulary(tokenizer, stop_ids=stops(tokenizer), vocab_size=size)


def accepts(grammar: Grammar, ids: Sequence[int]) -> bool:
    """Whether every token was allowed when its turn came."""
    state = grammar.start()
    for token in ids:
        if not state.allowed()[token]:
            return False
        state.accept(token)
    return True


def says(grammar: Grammar, tokenizer: Tokenizer, text: str) -> bool:
    """Whether the reply may be exactly ``text``, ended by either stop token."""
    return all(accepts(grammar, [*tokenizer.encode(text), stop]) for stop in stops(tokenizer))


@pytest.mark.parametrize(
    ("source", "kind", "good", "bad"),
    [
        ('start: "a" DIGIT+\nDIGIT: /[0-9]/', "lark", ["a1", "a12"], ["a", "b1", "1"]),
        (r"\d{2}/[ab]", "regex", ["12/a"], ["1/a", "12/", "12/c"]),
        ('{"type": "array", "items": {"type": "integer"}}', "json_schema",
         ["[]", "[1, 2]", "[\n    1\n]"], ["", "[1.5]", "{}", "[1"]),
        ('{"type": "object"}', "json_schema", ['{"a": [1]}'], ["[1]"]),
    ],
)  # fmt: skip
def test_a_reply_is_what_the_source_says(source, kind, good, bad, vocabulary, tokenizer):
    grammar = Grammar(vocabulary, source, kind)
    assert [text for text in good + bad if says(grammar, tokenizer, text)] == good


def test_a_mask_has_one_place_for_every_row_of_the_embedding_table(vocabulary, tokenizer):
    allowed = Grammar(vocabulary, "[ab]", "regex").start().allowed()
    assert (allowed.dtype, allowed.device.type) == (torch.bool, "cpu")
    assert allowed.shape == (tokenizer.size + PADDING,)
    assert allowed.nonzero()[:, 0].tolist() == sorted(tokenizer.encode("ab"))


@given(seed=st.integers(0, 2**32))
def test_stop_ids_are_allowed_exactly_where_the_text_may_end(vocabulary, tokenizer, seed):
    state, pick, said = Grammar(vocabulary, "(ab|abc)*", "regex").start(), random.Random(seed), ""
    for _ in range(12):
        allowed = state.allowed()
        may_end = not said or said.endswith(("ab", "abc"))
        assert [bool(allowed[stop]) for stop in stops(tokenizer)] == [may_end, may_end]
        token = pick.choice([token for token in tokenizer.encode("abc") if allowed[token]])
        state.accept(token)
        said += tokenizer.decode([token])


def test_control_tokens_and_rows_without_a_token_never_come(vocabulary, tokenizer):
    grammar = Grammar(vocabulary, "(?s:.*)", "regex")
    beyond = grammar.start().allowed()[tokenizer.id_of(TEXT_END) :].nonzero()[:, 0]
    first = tokenizer.id_of(TEXT_END)
    assert sorted((beyond + first).tolist()) == sorted(stops(tokenizer))


def test_replies_from_one_grammar_do_not_disturb_each_other(vocabulary, tokenizer):
    grammar = Grammar(vocabulary, "ab", "regex")
    first, second = grammar.start(), grammar.start()
    first.accept(tokenizer.encode("a")[0])
    assert first.allowed().nonzero()[:, 0].tolist() == tokenizer.encode("b")
    assert second.allowed().nonzero()[:, 0].tolist() == tokenizer.encode("a")


def test_a_token_that_was_not_allowed_is_an_error_that_names_it(vocabulary, tokenizer):
    state = Grammar(vocabulary, "ab", "regex").start()
    wrong = tokenizer.encode("b")[0]
    with pytest.raises(GrammarError, match=f"token {wrong} does not follow"):
        state.accept(wrong)


def test_after_an_error_nothing_is_allowed_in_silence(vocabulary, tokenizer):
    state = Grammar(vocabulary, "ab", "regex").start()
    with pytest.raises(GrammarError):
        state.accept(tokenizer.encode("b")[0])
    with pytest.raises(GrammarError, match="cannot go on"):
        state.allowed()


@pytest.mark.parametrize(
    ("source", "kind", "said"),
    [
        ('start: "a', "lark", "lexer error"),
        ("start: missing", "lark", "missing"),
        ("(", "regex", "unclosed group"),
        ("{", "json_schema", "not JSON"),
        ('{"type": "foo"}', "json_schema", "foo"),
    ],
)
def test_a_source_that_cannot_be_compiled_is_told_with_its_reason(source, kind, said, vocabulary):
    with pytest.raises(GrammarError, match=said):
        Grammar(vocabulary, source, kind)


def test_a_reply_without_a_stop_token_is_refused(tokenizer):
    with pytest.raises(GrammarError, match="no stop ids"):
        Vocabulary(tokenizer, stop_ids=[], vocab_size=tokenizer.size)


@pytest.mark.parametrize(("stop", "rows"), [(9999, 400), (3, 100)])
def test_ids_and_rows_of_another_checkpoint_are_refused(stop, rows, tokenizer):
    with pytest.raises(GrammarError, match=r"the vocabulary: .*vocab"):
        Vocabulary(tokenizer, stop_ids=[stop], vocab_size=rows)


def test_space_between_the_marks_of_json_has_an_end(vocabulary, tokenizer):
    schema = '{"type": "array", "items": {"type": "integer"}}'
    grammar = Grammar(vocabulary, schema, "json_schema")
    assert says(grammar, tokenizer, f"[\n{' ' * 16}1]")
    assert not says(grammar, tokenizer, f"[\n{' ' * 17}1]")
    mine = json.dumps({**json.loads(schema), "x-guidance": {"whitespace_flexible": False}})
    assert not says(Grammar(vocabulary, mine, "json_schema"), tokenizer, "[ 1]")


def test_every_spelling_of_a_text_in_tokens_is_allowed():
    """Also where the text is settled: a tokenizer may have whole phrases as tokens."""
    nano = Tokenizer.from_folder(NANO)
    grammar = Grammar(vocabulary_of(nano), "The given query happens in 3.0", "regex")
    phrase = nano.id_of("The given query happens in ")
    letters = [nano.encode(char)[0] for char in "The given query happens in "]
    assert nano.encode("The given query happens in 3.0")[0] == phrase
    for spelling in ([phrase], letters):
        assert accepts(grammar, [*spelling, *nano.encode("3.0"), nano.id_of(END)])


@pytest.mark.parametrize("name", ["nano", "official"])
def test_every_token_keeps_its_id(name, request):
    """The library numbers added tokens anew unless it is told otherwise."""
    folder = NANO if name == "nano" else request.getfixturevalue("shared") / "qwen2.5-vl-tokenizer"
    tokenizer = Tokenizer.from_folder(folder)
    tokens = vocabulary_of(tokenizer).tokens
    for token in (*range(0, tokenizer.size, 97), *range(tokenizer.size - 30, tokenizer.size)):
        assert tokens.decode_str([token]) == tokenizer.decode([token], skip_special=False)


def test_tags_that_are_one_token_are_words_and_other_controls_are_not(tokenizer):
    """Checkpoints that think have such tokens, and not always marked as what they are."""
    backend = Backend.from_str(tokenizer.to_json())
    backend.add_tokens([AddedToken(name, special=False) for name in ("</think>\n", "<|fim|>")])
    thinking = Tokenizer(backend)
    grammar = Grammar(vocabulary_of(thinking), "(?s:.*)</think>\\nyes", "regex")
    ends = [*thinking.encode("yes"), thinking.id_of(END)]
    assert accepts(grammar, [*thinking.encode("so"), thinking.id_of("</think>\n"), *ends])
    assert not grammar.start().allowed()[thinking.id_of("<|fim|>")]


def test_the_official_tokenizer_has_no_control_token_inside_a_text(shared):
    official = Tokenizer.from_folder(shared / "qwen2.5-vl-tokenizer")
    allowed = Grammar(vocabulary_of(official, 152064), "(?s:.*)", "regex").start().allowed()
    kept = [official.id_of(name) for name in (TEXT_END, END, "<tool_call>", "</tool_call>")]
    assert (allowed[151643:].nonzero()[:, 0] + 151643).tolist() == sorted(kept)


def test_a_held_reply_is_the_most_probable_one_that_is_allowed(vocabulary, tokenizer, tmp_path):
    """Every token is the best of those allowed; log-probabilities are over the whole vocabulary."""
    model = load_model(save_tiny(tmp_path))
    rows = model.config.text.vocab_size
    grammar = Grammar(vocabulary_of(tokenizer, rows), r"[0-9]{2}\.[0-9] - [0-9]{3}", "regex")
    ids = torch.tensor([tokenizer.encode("When does it happen?")])
    positions = torch.arange(ids.shape[1]).expand(3, 1, -1)
    said = generate(
        model,
        model.embed(ids),
        positions,
        max_new_tokens=20,
        stop_ids=stops(tokenizer),
        constraint=grammar.start(),
    )
    assert said.stopped
    assert re.fullmatch(r"[0-9]{2}\.[0-9] - [0-9]{3}", tokenizer.decode(said.ids))
    state, whole = grammar.start(), torch.cat([ids, torch.tensor([said.ids])], dim=1)
    with torch.no_grad():
        places = torch.arange(whole.shape[1]).expand(3, 1, -1)
        scores_SV = model(whole, places)[0].log_softmax(-1)[ids.shape[1] - 1 :]
    for token, logprob, scores_V in zip(said.ids, said.logprobs, scores_SV[:-1], strict=True):
        assert token == int(scores_V.masked_fill(~state.allowed(), -torch.inf).argmax())
        assert logprob == pytest.approx(float(scores_V[token]), abs=1e-4)
        state.accept(token)
