"""Text to token ids and back, and the chat format rendered straight to ids.

Markup inside text is text: a question that spells ``<|im_end|>`` or ``<|video_pad|>`` is tokenised
as those characters and can neither end a turn nor stand for a frame. Control tokens come from the
renderer only, by name, so a checkpoint may number them as it likes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from tokenizers import Tokenizer as Backend

from qwen25vl.config import ModelConfig
from qwen25vl.errors import TokenizerError

DEFAULT_SYSTEM = "You are a helpful assistant."
_CHECK = "use the tokenizer.json that belongs to the checkpoint"


class Vision(NamedTuple):
    """A video or image inside a message: the tokens it will take."""

    kind: Literal["video", "image"]
    tokens: int


class Message(NamedTuple):
    """One turn; its content is text and vision in the order the model shall see them."""

    role: str
    content: Sequence[str | Vision]


class Tokenizer:
    """A checkpoint's tokenizer.json."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.im_start = self.id_of("<|im_start|>")
        self.im_end = self.id_of("<|im_end|>")
        self.vision_start = self.id_of("<|vision_start|>")
        self.vision_end = self.id_of("<|vision_end|>")
        self.video_pad = self.id_of("<|video_pad|>")
        self.image_pad = self.id_of("<|image_pad|>")
        self._backend.encode_special_tokens = True
        # Files saved after training may carry its length limit: it would cut questions silently.
        self._backend.no_truncation()
        self._backend.no_padding()

    @classmethod
    def from_folder(cls, folder: str | Path) -> Tokenizer:
        """Read ``folder/tokenizer.json``; raises TokenizerError."""
        path = Path(folder) / "tokenizer.json"
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as err:
            raise TokenizerError(f"{path}: {err}", next_step=_CHECK) from err
        try:
            backend = Backend.from_str(text)
        except Exception as err:  # the library raises bare Exception
            raise TokenizerError(f"{path}: {err}", next_step=_CHECK) from err
        return cls(backend)

    @property
    def size(self) -> int:
        """Number of known tokens, added ones included."""
        return self._backend.get_vocab_size(with_added_tokens=True)

    def id_of(self, token: str) -> int:
        """Id of a token by its exact name; raises TokenizerError when there is none."""
        found = self._backend.token_to_id(token)
        if found is None:
            raise TokenizerError(f"tokenizer.json has no token {token!r}", next_step=_CHECK)
        return found

    def encode(self, text: str) -> list[int]:
        """Ids of plain text; nothing is added, markup is not interpreted."""
        return self._backend.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Sequence[int], *, skip_special: bool = True) -> str:
        return self._backend.decode(list(ids), skip_special_tokens=skip_special)

    def to_json(self) -> str:
        """The text of tokenizer.json, for libraries that read it themselves."""
        return self._backend.to_str()

    def check(self, config: ModelConfig) -> None:
        """Raise TokenizerError unless config.json gives the vision tokens the same ids."""
        pairs = {
            "image_token_id": (config.image_token_id, self.image_pad),
            "video_token_id": (config.video_token_id, self.video_pad),
            "vision_start_token_id": (config.vision_start_token_id, self.vision_start),
            "vision_end_token_id": (config.vision_end_token_id, self.vision_end),
        }
        for name, (stated, found) in pairs.items():
            if stated != found:
                message = f"{name} is {stated} in config.json and {found} in tokenizer.json"
                raise TokenizerError(message, next_step=_CHECK)
        if self.size > config.text.vocab_size:
            message = f"{self.size} tokens for {config.text.vocab_size} embeddings"
            raise TokenizerError(message, next_step=_CHECK)

    def render_chat(self, messages: Sequence[Message], *, reply: bool = True) -> list[int]:
        """Ids of a conversation, vision pads already as many as the vision tokens.

        The default system turn comes first unless the conversation has its own. ``reply`` ends with
        the opening of the assistant's turn, ready to generate.
        """
        if not messages or messages[0].role != "system":
            messages = [Message("system", [DEFAULT_SYSTEM]), *messages]
        ids: list[int] = []
        for message in messages:
            ids += [self.im_start, *self._turn(message), self.im_end, *self.encode("\n")]
        return [*ids, self.im_start, *self.encode("assistant\n")] if reply else ids

    def _turn(self, message: Message) -> list[int]:
        """Role and content; neighbouring pieces of text are tokenised as one string."""
        ids: list[int] = []
        text = f"{message.role}\n"
        for item in message.content:
            if isinstance(item, str):
                text += item
                continue
            ids += [*self.encode(text), *self._vision(item)]
            text = ""
        return ids + self.encode(text)

    def _vision(self, item: Vision) -> list[int]:
        pads = {"video": self.video_pad, "image": self.image_pad}
        return [self.vision_start, *[pads[item.kind]] * item.tokens, self.vision_end]
