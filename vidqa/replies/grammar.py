"""Grammars, as Lark text, of the replies that this package reads: what is held to one of them is
never unreadable.

Times are written one way each, so that a reply has one spelling; lists end, so that replies do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from vidqa.profiles import ReplyFormat

TimeStyle = Literal["seconds", "clock", "hours"]
"""``83.5`` or ``83.52``; ``01:23.52``, minutes beyond 59 as ``75:10.00``; ``01:02:03``."""

_TIMES: Mapping[TimeStyle, str] = {
    "seconds": r"/(0|[1-9][0-9]{0,4})\.[0-9]{1,2}/",
    "clock": r"/[0-9]{2,3}:[0-5][0-9]\.[0-9]{2}/",
    "hours": r"/[0-9]{2}:[0-5][0-9]:[0-5][0-9]/",
}
_HUNDREDTHS = r"/(0|[1-9][0-9]{0,4})\.[0-9]{2}/"
_MORE = "{0,31}"
"""Further spans or objects in one list."""
_THINKING = r"""
thinking[lazy]: /(?s:.{0,2400})<\/think>/
"""
"""Free text up to the first closing tag; the opening one may stand in it or in the prompt. The
bound, some 600 tokens of prose, leaves room for the answer within the profiles' 1024."""
_SPANS = f"""
spans: span (", " span){_MORE}
span: TIME " - " TIME
"""
_IN_SECONDS = f"""{_SPANS}
TIME: {_TIMES["seconds"]}
"""
EVENT_SENTENCE = f"""
start: "The event happens in " spans " seconds."
{_IN_SECONDS}"""
"""The reply that TimeLens is trained to give; it has no words for a no."""
_REPLIES: Mapping[ReplyFormat, str] = {
    "sentence": f"""
start: "The given query happens in " spans " seconds." | NO
NO: "The given query does not happen in the video."
{_IN_SECONDS}""",
    "event_sentence": EVENT_SENTENCE,
    "answer_tag": f"""
start: thinking GAP "<answer>" TIME " to " TIME "</answer>"
{_THINKING}
GAP: /[ \\n]{{0,2}}/
TIME: {_HUNDREDTHS}
""",
    "answer_tag_many": f"""
start: thinking GAP "<answer>" span (" " span){_MORE} "</answer>"
span: TIME "-" TIME
{_THINKING}
GAP: /[ \\n]{{0,2}}/
TIME: {_HUNDREDTHS}
""",
}


def reply_grammar(form: ReplyFormat) -> str:
    """Grounding replies of that form, a plain no among them where the form has one."""
    return _REPLIES[form]


def time_grammar(style: TimeStyle) -> str:
    """One time and nothing else."""
    return f"start: TIME\nTIME: {_TIMES[style]}\n"


def spans_grammar(style: TimeStyle) -> str:
    """One span or more, ``start - end`` with commas between them."""
    return f"start: spans\n{_SPANS}TIME: {_TIMES[style]}\n"


EVENTS = f"""
start: "```json\\n" list "\\n```" | list
list: "[" SPACE event ("," SPACE event){_MORE} SPACE "]"
event: "{{" START TIME MIDDLE TIME WORDS TEXT "\\"" SPACE "}}"
START: SPACE "\\"start_time\\": \\""
MIDDLE: "\\"," SPACE "\\"end_time\\": \\""
WORDS: "\\"," SPACE "\\"description\\": \\""
TEXT: /[^"\\\\{{}}<>\\x00-\\x1f]{{1,400}}/
TIME: {_TIMES["clock"]}
SPACE: /\\n? {{0,16}}/
"""
"""Every event of a video with its description, times as ``mm:ss.ff``, as the checkpoints' makers
ask for it; fenced or bare. A description holds no quotes, braces or tags, which would end it."""

BOXES = f"""
start: "```json\\n" list "\\n```" | list
list: "[" SPACE box ("," SPACE box){_MORE} SPACE "]"
box: "{{" KEY EDGE ("," " "? EDGE){{3}} LABEL TEXT "\\"" SPACE "}}"
KEY: SPACE "\\"bbox_2d\\": [" " "?
LABEL: " "? "]," SPACE "\\"label\\": \\""
EDGE: /0|[1-9][0-9]{{0,4}}/
TEXT: /[^"\\\\{{}}<>\\x00-\\x1f]{{1,120}}/
SPACE: /\\n? {{0,16}}/
"""
"""Objects in a picture as ``bbox_2d`` (pixels of the resized picture: left, top, right, bottom) and
``label``; fenced or bare."""
