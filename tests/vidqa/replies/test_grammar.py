"""What a grammar accepts, the parser reads: replies drawn from the grammars themselves."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen25vl import Tokenizer
from qwen25vl.grammar import Grammar, Vocabulary
from tests.tiny_checkpoint import write_tokenizer
from vidqa.profiles import PROFILES
from vidqa.replies import format_spans, parse_spans
from vidqa.replies.grammar import (
    BOXES,
    EVENT_SENTENCE,
    EVENTS,
    reply_grammar,
    spans_grammar,
    time_grammar,
)
from vidqa.replies.times import find_times
from vidqa.timeline import Span

ALWAYS = Span(0.0, 1e7)
FORMS = sorted({profile.reply_format for profile in PROFILES.values()})
STYLES = ("seconds", "clock", "hours")
NUMBER = re.compile(r"[0-9:.]+[0-9]")


class Speaker:
    """Says anything a grammar allows, one byte at a time."""

    def __init__(self, folder: Path) -> None:
        ids = write_tokenizer(folder / "tokenizer.json")
        self.tokenizer, self.stop = Tokenizer.from_folder(folder), ids["<|im_end|>"]
        self.vocabulary = Vocabulary(
            self.tokenizer, stop_ids=[self.stop], vocab_size=self.tokenizer.size
        )

    def grammar(self, source: str) -> Grammar:
        return Grammar(self.vocabulary, source)

    def draw(self, grammar: Grammar, pick: random.Random) -> str:
        """A whole reply: every byte drawn evenly among the allowed ones, an end when it may."""
        state, said = grammar.start(), []
        while True:
            allowed = state.allowed().nonzero()[:, 0].tolist()
            token = self.stop if self.stop in allowed else pick.choice(allowed)
            if token == self.stop:
                return self.tokenizer.decode(said)
            state.accept(token)
            said.append(token)

    def says(self, grammar: Grammar, text: str) -> bool:
        state = grammar.start()
        for token in [*self.tokenizer.encode(text), self.stop]:
            if not state.allowed()[token]:
                return False
            state.accept(token)
        return True


@pytest.fixture(scope="module")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Speaker:
    return Speaker(tmp_path_factory.mktemp("speaker"))


def spans_written(text: str) -> tuple[Span, ...]:
    """The numbers of a text in pairs, by a reading much simpler than the parser's."""
    seconds = [time.seconds for number in NUMBER.findall(text) for time in find_times(number)]
    pairs = zip(seconds[::2], seconds[1::2], strict=True)
    spans = (Span(min(pair), max(pair)) for pair in pairs)
    return tuple(dict.fromkeys(span for span in spans if span.length_s > 0))


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=25)  # a reply with thinking is thousands of tokens of one byte
@given(seed=st.integers(0, 2**32))
def test_every_reply_a_profile_is_held_to_is_read_whole(speaker, form, seed):
    reply = speaker.draw(speaker.grammar(reply_grammar(form)), random.Random(seed))
    parsed = parse_spans(reply, window=ALWAYS)
    assert parsed.spans == spans_written(reply.rpartition("</think>")[2])
    assert parsed.parse_kind in ("range", "answer", "absent", "outside")
    assert (parsed.parse_kind == "absent") == reply.endswith("not happen in the video.")


@pytest.mark.parametrize("style", STYLES)
@given(seed=st.integers(0, 2**32))
def test_every_list_of_spans_is_read_whole(speaker, style, seed):
    reply = speaker.draw(speaker.grammar(spans_grammar(style)), random.Random(seed))
    assert parse_spans(reply, window=ALWAYS).spans == spans_written(reply)


@given(seed=st.integers(0, 2**32))
def test_every_sentence_about_the_event_is_read_whole(speaker, seed):
    reply = speaker.draw(speaker.grammar(EVENT_SENTENCE), random.Random(seed))
    assert parse_spans(reply, window=ALWAYS).spans == spans_written(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "The event happens in 0.0 - 5.0 seconds.",
        "The event happens in 3.0 - 7.5, 10.0 - 12.5 seconds.",
    ],
)
def test_the_published_sentences_about_the_event_are_accepted(speaker, reply):
    assert speaker.says(speaker.grammar(EVENT_SENTENCE), reply)


@pytest.mark.parametrize("style", STYLES)
@given(seed=st.integers(0, 2**32))
def test_every_time_is_read_as_one(speaker, style, seed):
    reply = speaker.draw(speaker.grammar(time_grammar(style)), random.Random(seed))
    assert len(find_times(reply)) == 1


@given(seed=st.integers(0, 2**32))
def test_every_list_of_events_is_json_and_its_spans_are_read(speaker, seed):
    reply = speaker.draw(speaker.grammar(EVENTS), random.Random(seed))
    events = json.loads(reply.removeprefix("```json").removesuffix("```"))
    wanted = spans_written(" ".join(f"{one['start_time']} {one['end_time']}" for one in events))
    assert parse_spans(reply, window=ALWAYS).spans == wanted


@given(seed=st.integers(0, 2**32))
def test_every_list_of_boxes_is_json_with_four_edges_and_a_label(speaker, seed):
    reply = speaker.draw(speaker.grammar(BOXES), random.Random(seed))
    for box in json.loads(reply.removeprefix("```json").removesuffix("```")):
        assert [type(edge) for edge in box["bbox_2d"]] == [int] * 4
        assert (set(box), type(box["label"])) == ({"bbox_2d", "label"}, str)


@pytest.mark.parametrize(
    ("form", "reply"),
    [
        ("sentence", format_spans([])),
        ("sentence", format_spans([(64.0, 72.0)])),
        ("sentence", format_spans([(3.0, 7.5), (10.0, 12.5)])),
        ("sentence", "The given query happens in 3.25 - 7.5 seconds."),
        ("answer_tag", "<think>maybe 1.0 to 2.0</think><answer>12.54 to 17.83</answer>"),
        (
            "answer_tag",
            "<think>\n<timestep>1.00 to 2.00</timestep>\n</think>\n<answer>12.54 to 17.83</answer>",
        ),
        ("answer_tag", "it stood in the prompt</think>\n\n<answer>0.00 to 17.83</answer>"),
        ("answer_tag_many", "<think>...</think><answer>3.00-7.50</answer>"),
        ("answer_tag_many", "<think>...</think><answer>3.00-7.50 10.00-12.50</answer>"),
    ],
)
def test_replies_as_the_checkpoints_write_them_are_accepted(speaker, form, reply):
    assert speaker.says(speaker.grammar(reply_grammar(form)), reply)


@pytest.mark.parametrize(
    ("form", "reply"),
    [
        ("sentence", "The given query happens in 64 to 72."),
        ("sentence", "The given query happens in 64.0 - 72.0 seconds. It"),
        ("sentence", "I cannot tell."),
        ("answer_tag", "<answer>12.54 to 17.83</answer>"),
        ("answer_tag", "<think></think><answer>12.54 to 17.83 20.00 to 21.00</answer>"),
        ("answer_tag_many", "<think></think><answer></answer>"),
    ],
)
def test_other_words_are_not(speaker, form, reply):
    assert not speaker.says(speaker.grammar(reply_grammar(form)), reply)


EVENT = {"start_time": "00:00.00", "end_time": "75:21.80", "description": "Eine Tür geht auf."}
BOX = {"bbox_2d": [0, 7, 120, 1008], "label": "small cake"}


@pytest.mark.parametrize(("source", "item"), [(EVENTS, EVENT), (BOXES, BOX)])
@pytest.mark.parametrize("indent", [None, 4])
@pytest.mark.parametrize("fenced", [False, True])
def test_json_is_accepted_flat_or_indented_fenced_or_bare(speaker, source, item, indent, fenced):
    text = json.dumps([item, item], indent=indent, ensure_ascii=False)
    if source == BOXES and indent:
        text = re.sub(r"\[\s+(\d+),\s+(\d+),\s+(\d+),\s+(\d+)\s+\]", r"[\1, \2, \3, \4]", text)
    text = f"```json\n{text}\n```" if fenced else text
    assert speaker.says(speaker.grammar(source), text)


def test_thinking_without_an_end_is_ended_for_the_answer_to_fit(speaker):
    state, ids = speaker.grammar(reply_grammar("answer_tag")).start(), speaker.tokenizer.encode
    for token in ids("<think>" + "a" * 2393):
        state.accept(token)
    assert state.allowed().nonzero()[:, 0].tolist() == ids("<")
