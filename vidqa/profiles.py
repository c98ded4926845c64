"""How to talk to each family of checkpoints: its words, its budget, the shape of its replies.

All families share one architecture; what differs is what they were trained on. The wordings are
those the checkpoints were trained or published with: a model fine-tuned on one sentence answers
that sentence best.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from vidqa.budget import Budget
from vidqa.errors import ModelError
from vidqa.reach import Reach

ContentOrder = Literal["video_first", "text_first"]
ReplyFormat = Literal["sentence", "event_sentence", "answer_tag", "answer_tag_many"]
TimeEncoding = Literal["mrope", "text"]
"""How a video's times reach the model: ``mrope`` as position ids of its rows; ``text`` as words
before every row, an image of its own then (TimeLens, arXiv 2512.14698; DATE, 2509.09263)."""
EmbedState = Literal["normed", "before_last_mlp"]
"""Which state of a prompt's last token is a clip's vector: ``normed``, after the final norm, for
checkpoints that were trained so; ``before_last_mlp``, what the last layer's attention leaves, the
best one of untrained checkpoints (FreeRet, arXiv 2509.24621)."""
USUAL_REACH = Reach()
MARKER = "vidqa_profile"
"""Key of ``config.json`` with which any checkpoint may name its profile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Everything that depends on how a checkpoint was trained, and nothing that does not."""

    name: str
    summary: str
    """One line for a person choosing a model."""
    system: str = "You are a helpful assistant."
    ground: str
    """User text with ``{query}``: when does it happen?"""
    ask: str
    """User text with ``{question}``."""
    verify: str
    """User text with ``{query}``, answered by one of ``verify_choices``."""
    verify_choices: tuple[str, str] = ("A", "B")
    """First the reply that means it happens, then the one that means it does not."""
    order: ContentOrder = "video_first"
    """Video first, question last, lets a second question reuse the video's keys and values."""
    reply_format: ReplyFormat
    """What a grounding reply looks like when the model follows its training."""
    budget: Budget
    ground_tokens: int
    """Most new tokens of a grounding reply; enough for the thinking of those that think."""
    ask_tokens: int
    """Most new tokens of an answer."""
    time_encoding: TimeEncoding = "mrope"
    time_text: str = "{seconds:.1f}s"
    """Words before a row under ``text``; ``seconds`` are those of the row's first frame."""
    reach: Reach = USUAL_REACH
    """How much video one look is trusted with, and how longer ones are searched."""
    describe: str
    """User text that asks for all events of a video with their times."""
    describe_tokens: int = 1024
    """Most new tokens of a list of events."""
    embed_video: str
    """User text after a video: the state of the prompt's last token is the video's vector."""
    embed_text: str
    """User text with ``{text}``, for the vector of a text."""
    embed_state: EmbedState = "before_last_mlp"
    rewrite: str = ""
    """User text with ``{question}`` that asks for what a frame with the answer would show, to look
    for such frames; empty where the checkpoint cannot do that."""
    claim: str = "{question} {answer}"
    """What is verified of a span that an answer cites, with ``{question}`` and ``{answer}``."""
    notice: str = ""
    """What a person must know before trusting any answer of this checkpoint; shells show it."""


_ASK = "{question}\nAnswer briefly."
_DESCRIBE = (
    "Localize a series of activity events in the video, output the start and end timestamp for "
    "each event, and describe each event with sentences. Provide the result in json format with "
    "'mm:ss.ff' format for time depiction."
)
_EMBED_VIDEO = (
    "Capture the semantics of this video: its main subject, its setting and the main activity. "
    "Do not use function words, prepositions, or symbols.\nSummarize the above video in one word:"
)
_EMBED_TEXT = (
    "{text}\nCapture the semantics of the sentence above: its main subject, its setting and the "
    "main activity. Do not use function words, prepositions, or symbols.\n"
    "Summarize the above sentence in one word:"
)
_REWRITE = (
    "Question about a video: {question}\nDescribe in one short sentence what a frame that answers "
    "it would show. Answer with the sentence only."
)
_VERIFY = "Does this happen in the video: '{query}'?\nA. Yes\nB. No\nAnswer with the letter only."
_R1_EVENT = (
    'To accurately pinpoint the event "{query}" in the video, '
    "determine the precise time period of the event.\n\n"
    "Output your thought process within the <think> </think> tags, including analysis with either "
)
_R1_ANSWER = (
    " in <timestep> </timestep> tags.\n\n"
    "Then, provide the start and end times (in seconds, precise to two decimal places) in the "
    'format "start time to end time" within the <answer> </answer> tags. '
    'For example: "12.54 to 17.83".'
)
_R1_BUDGET = Budget(video_tokens=3584)

BASE = Profile(
    name="base",
    summary="Qwen2.5-VL Instruct and anything of its architecture that says nothing else",
    ground="Give the query: '{query}', when does the described content occur in the video?",
    ask=_ASK,
    verify=_VERIFY,
    describe=_DESCRIBE,
    embed_video=_EMBED_VIDEO,
    embed_text=_EMBED_TEXT,
    rewrite=_REWRITE,
    reply_format="sentence",
    budget=Budget(),
    ground_tokens=256,
    ask_tokens=256,
)
NANO = Profile(
    name="nano",
    summary="the built-in model: knows only the small drawn world it was trained on",
    ground=BASE.ground,
    ask=_ASK,
    verify=_VERIFY,
    describe="List the events of the video, each with its times.",
    describe_tokens=224,
    embed_video="Describe the video in one word:",
    embed_text="{text}\nSummarise this in one word:",
    embed_state="normed",
    claim="{answer}",
    reply_format="sentence",
    budget=Budget(frames=128, fixed_size=(56, 56)),
    ground_tokens=96,
    ask_tokens=48,
    # Trained on up to 120 s in a prompt, frames at 2 to 0.5 a second (vidqa_nano/rates.py).
    reach=Reach(
        one_pass_s=120.0,
        window_s=32.0,
        glance_s=12.0,
        fps_min=0.5,
        fps_max=2.0,
        skim_fps=1.0,
        skim_gap_s=2.0,
        whole=False,
    ),
    notice=(
        "nano is the built-in demonstration: it knows only its own drawn world. For real footage "
        "name a checkpoint: --model Qwen/Qwen2.5-VL-7B-Instruct, or a folder."
    ),
)
TIME_R1 = Profile(
    name="time-r1",
    summary="Time-R1: reasons, then one span",
    ground=f"{_R1_EVENT}specific time ranges (xx.xx to xx.xx){_R1_ANSWER}",
    ask=_ASK,
    verify=_VERIFY,
    describe=_DESCRIBE,
    embed_video=_EMBED_VIDEO,
    embed_text=_EMBED_TEXT,
    rewrite=_REWRITE,
    reply_format="answer_tag",
    budget=_R1_BUDGET,
    ground_tokens=1024,
    ask_tokens=512,
)
VIDEOCHAT_R1 = Profile(
    name="videochat-r1",
    summary="VideoChat-R1: reasons, then one span; answers with the spans they rest on",
    ground=f"{_R1_EVENT}specific timestamps (xx.xx) or time ranges (xx.xx to xx.xx){_R1_ANSWER}",
    ask=(
        'Answer the question: "{question}" according to the content of the video.\n\n'
        "Output your thought process within the <think> </think> tags.\n\n"
        "Then, provide your answer within the <answer> </answer> tags. At the same time, in the "
        "<glue> </glue> tags, present the precise time periods (in seconds) on which you base "
        "your answer in the format of [(s1, e1), (s2, e2), ...]. "
        "For example: <answer>A</answer><glue>[(5.2, 10.4)]</glue>."
    ),
    verify=_VERIFY,
    describe=_DESCRIBE,
    embed_video=_EMBED_VIDEO,
    embed_text=_EMBED_TEXT,
    rewrite=_REWRITE,
    reply_format="answer_tag",
    budget=_R1_BUDGET,
    ground_tokens=1024,
    ask_tokens=1024,
)
MUSEG = Profile(
    name="museg",
    summary="MUSEG: reasons, then any number of spans",
    ground=(
        "When does the following happen in the video: {query}? "
        "First, output reasoning process in <think> </think> tags. The reasoning process must "
        "REFER TO SPECIFIC TIMESTAMPS TO TELL WHERE YOU GET THE INFORMATION FROM THE VIDEO. "
        "Then summarize your reasoning process above and output selected segments like "
        '"<answer>X.XX-X.XX</answer>", where "X" denotes arabic numbers. If there are multiple '
        'segments, separate them with spaces like "<answer>X.XX-X.XX X.XX-X.XX</answer>". '
        'Your output format should be like "<think>...</think><answer>...</answer>".'
    ),
    ask=(
        "{question} First, output reasoning process in <think> </think> tags. Then summarize "
        "your reasoning process above and output your answer within <answer> </answer> tags."
    ),
    verify=_VERIFY,
    describe=_DESCRIBE,
    embed_video=_EMBED_VIDEO,
    embed_text=_EMBED_TEXT,
    rewrite=_REWRITE,
    reply_format="answer_tag_many",
    budget=_R1_BUDGET,
    ground_tokens=1024,
    ask_tokens=1024,
)

TIMELENS = Profile(
    name="timelens",
    summary="TimeLens-7B: reads the time of every row as text, then one span",
    ground=(
        "You are given a video with multiple frames. The numbers before each video frame indicate "
        "its sampling timestamp (in seconds). Please find the visual event described by the "
        "sentence '{query}', determining its starting and ending times. The format should be: "
        "'The event happens in <start time> - <end time> seconds'."
    ),
    ask=_ASK,
    verify=_VERIFY,
    describe=_DESCRIBE,
    embed_video=_EMBED_VIDEO,
    embed_text=_EMBED_TEXT,
    rewrite=_REWRITE,
    reply_format="event_sentence",
    budget=Budget(frames=448, video_tokens=14_336, fps=2.0, row_tokens_min=64),
    ground_tokens=512,
    ask_tokens=256,
    # Others write "10.2s", "10.2" or "10.2s: "; the checkpoint's own processor was not read.
    time_encoding="text",
)
MIMO_VL = Profile(
    name="mimo-vl",
    summary="MiMo-VL: thinks, then answers as the base does",
    ground=BASE.ground,
    ask=_ASK,
    verify=_VERIFY,
    describe=_DESCRIBE,
    embed_video=_EMBED_VIDEO,
    embed_text=_EMBED_TEXT,
    rewrite=_REWRITE,
    reply_format="sentence",
    budget=Budget(),
    ground_tokens=2048,
    ask_tokens=2048,
)

PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (BASE, NANO, TIME_R1, VIDEOCHAT_R1, MUSEG, TIMELENS, MIMO_VL)
}
"""Every profile by its name."""

_BY_NAME = (
    (re.compile(r"time-?r1"), TIME_R1),
    (re.compile(r"video-?chat-?r1"), VIDEOCHAT_R1),
    (re.compile(r"museg"), MUSEG),
    (re.compile(r"time-?lens-?7b"), TIMELENS),
    (re.compile(r"mimo-?vl"), MIMO_VL),
)
_MIMO_SHAPE = (4096, 36)
"""Width and layers of MiMo-VL's decoder, which no other checkpoint of this architecture has."""


def profile_for(name: str, config: Mapping[str, object]) -> Profile:
    """The profile a checkpoint names in its config, else its name or shape tells, else the base.

    ``name`` is a folder's or a repository's; the name the config was saved under counts as well.
    Raises :class:`ModelError` when the config names a profile that does not exist.
    """
    marked = config.get(MARKER)
    if marked is None:
        known_as = f"{name} {config.get('_name_or_path', '')}".lower().replace("_", "-")
        named = (profile for word, profile in _BY_NAME if word.search(known_as))
        return next(named, MIMO_VL if _shape(config) == _MIMO_SHAPE else BASE)
    if isinstance(marked, str) and marked in PROFILES:
        return PROFILES[marked]
    raise ModelError(
        f"{name}: config.json names the profile {marked!r}, which does not exist",
        code="profile_unknown",
        next_step=f"Set {MARKER} to one of {', '.join(PROFILES)}, or remove it.",
    )


def _shape(config: Mapping[str, object]) -> tuple[object, object]:
    """Width and layers of the decoder, in a flat or a nested config."""
    nested = config.get("text_config")
    text = nested if isinstance(nested, Mapping) else config
    return text.get("hidden_size"), text.get("num_hidden_layers")
