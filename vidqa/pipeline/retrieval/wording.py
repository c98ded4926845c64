"""What kind of question it is, and what it asks for said as something that happens. Pure.

English alone, by the question's first words: any other question is an open one, and is put to the
model as it stands.
"""

from __future__ import annotations

import re
from typing import Literal

QuestionKind = Literal["count", "whether", "when", "open"]

_AUXILIARY = (
    r"(?:do|does|did|is|are|was|were|has|have|had|will|would|can|could)(?:n['’]?t)?(?:\s+not)?"
)
_WORDS: dict[QuestionKind, str] = {
    "count": rf"(?:how\s+often|how\s+many\s+times)(?:\s+{_AUXILIARY})?",
    "when": rf"(?:when|at\s+what\s+time)\s+{_AUXILIARY}",
    "whether": _AUXILIARY,
}
_HEADS: list[tuple[QuestionKind, re.Pattern[str]]] = [
    (kind, re.compile(rf"^\s*{words}\b[\s,]*", re.IGNORECASE)) for kind, words in _WORDS.items()
]
_THERE = re.compile(r"^there\s+(?:be\s+)?(?:(?:an?|any|the)\s+)?", re.IGNORECASE)
_TAIL = re.compile(
    r"\s*(?:\b(?:ever\s+)?(?:in|on)\s+(?:the|these|any|my|all)\s+(?:videos?|archive|footage))?"
    r"[\s?.!]*$",
    re.IGNORECASE,
)


def kind_of(question: str) -> QuestionKind:
    """What is asked for: how often, whether or when something happens, or anything else."""
    for kind, head in _HEADS:
        if head.match(question):
            return kind
    return "open"


def statement_of(question: str) -> str:
    """The question as what happens if its answer is yes: ``How often does a dog bark?`` gives ``a
    dog bark``. Grammar is left as it falls; an open question only loses its mark."""
    head = next((head for _, head in _HEADS if head.match(question)), None)
    told = head.sub("", question, count=1) if head else question.strip()
    told = _TAIL.sub("", _THERE.sub("", told))
    return told or question.strip()
