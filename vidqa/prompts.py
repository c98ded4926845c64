"""A question and a profile in, the conversation to send out. The user's text is data throughout."""

from __future__ import annotations

from vidqa.chat import Chat, Text, Turn, Video
from vidqa.errors import QueryError
from vidqa.profiles import BASE, Profile

__all__ = [
    "Chat",
    "Text",
    "Turn",
    "Video",
    "ask_prompt",
    "ask_text",
    "claim_text",
    "describe_prompt",
    "embed_text_prompt",
    "embed_video_prompt",
    "ground_prompt",
    "ground_text",
    "require_words",
    "rewrite_prompt",
    "verify_prompt",
    "verify_text",
]


def ground_prompt(query: str, profile: Profile) -> Chat:
    """When does ``query`` happen? Raises :class:`QueryError` on a blank query."""
    return _chat(ground_text(query, profile), profile)


def ask_prompt(question: str, profile: Profile, *, system: str | None = None) -> Chat:
    """``question``, to be answered in words; ``system`` stands in for the profile's own.

    Raises :class:`QueryError` on a blank question.
    """
    return _chat(ask_text(question, profile), profile, system)


def verify_prompt(query: str, profile: Profile) -> Chat:
    """Does ``query`` happen at all? The reply is one of ``profile.verify_choices``.

    Raises :class:`QueryError` on a blank query.
    """
    return _chat(verify_text(query, profile), profile)


def describe_prompt(profile: Profile) -> Chat:
    """What happens, and when?"""
    return _chat(profile.describe, profile)


def embed_video_prompt(profile: Profile) -> Chat:
    """A video in one word: the state of the last token is its vector."""
    return _chat(profile.embed_video, profile)


def embed_text_prompt(text: str, profile: Profile) -> Chat:
    """A text in one word, to be compared with videos; raises :class:`QueryError` on a blank one."""
    words = Text(profile.embed_text.replace("{text}", _one_line(text)))
    return Chat((Turn("system", (Text(profile.system),)), Turn("user", (words,))))


def rewrite_prompt(question: str, profile: Profile) -> Chat:
    """What would a frame that answers ``question`` show? Text alone, for profiles that ask it."""
    words = Text(profile.rewrite.replace("{question}", _one_line(question)))
    return Chat((Turn("system", (Text(profile.system),)), Turn("user", (words,))))


def claim_text(question: str, answer: str, profile: Profile = BASE) -> str:
    """What an answer says happens, as a query to be verified."""
    told = profile.claim.replace("{question}", _one_line(question))
    return told.replace("{answer}", _one_line(answer))


def ground_text(query: str, profile: Profile = BASE) -> str:
    """The user's words in :func:`ground_prompt`."""
    return profile.ground.replace("{query}", _one_line(query))


def ask_text(question: str, profile: Profile = BASE) -> str:
    """The user's words in :func:`ask_prompt`; line breaks in the question stay."""
    return profile.ask.replace("{question}", _as_data(require_words(question.strip())))


def verify_text(query: str, profile: Profile = BASE) -> str:
    """The user's words in :func:`verify_prompt`."""
    return profile.verify.replace("{query}", _one_line(query))


def _chat(text: str, profile: Profile, system: str | None = None) -> Chat:
    video, words = Video(), Text(text)
    content = (video, words) if profile.order == "video_first" else (words, video)
    rules = profile.system if system is None else _as_data(system)
    return Chat((Turn("system", (Text(rules),)), Turn("user", content)))


def _one_line(query: str) -> str:
    """Checkpoints saw queries on one line, without the space around them."""
    return _as_data(require_words(" ".join(query.split())))


def require_words(text: str) -> str:
    """``text`` itself; raises :class:`QueryError` on a blank one."""
    if not text.strip():
        raise QueryError(
            "the query is empty",
            code="query_empty",
            next_step="Say in a few words what to look for: 'person opens door'.",
        )
    return text


def _as_data(text: str) -> str:
    """Text that cannot be read as control tokens: ``<|im_end|>`` would end the user's turn.

    Half characters, which a command line may hand over, become ``?``: no tokenizer reads them.
    """
    return text.encode("utf-8", "replace").decode("utf-8").replace("<|", "< |")
