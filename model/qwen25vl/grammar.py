"""A grammar in; at every step of a reply, the tokens with which it can still keep to it, out.

The automaton over bytes and its match with a tokenizer's tokens are llguidance's, which vLLM and
llama.cpp use too. What it adds here: control tokens (``<|...|>``) and rows of the embedding table
without a token are never allowed, stop ids exactly where the grammar may end.
Axes: V rows of the embedding table.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer, regex_to_lark
from tokenizers.pre_tokenizers import ByteLevel
from torch import Tensor

from qwen25vl.errors import GrammarError
from qwen25vl.tokenizer import Tokenizer

Kind = Literal["lark", "regex", "json_schema"]
"""Lark as llguidance extends it (``%json`` puts a schema inside a rule), a regular expression in
the syntax of Rust's regex crate, or a JSON schema as text."""
_WHITESPACE = r"\n? {0,16}"
"""Between the marks of JSON: without a bound, a reply may indent until its length limit."""
_EVERY_SPELLING = '%llguidance {"no_forcing": true}\n'
"""Where the text is settled, the library allows one spelling in tokens only; a model may have been
trained on another, as with whole phrases for tokens."""
_CONTROL = re.compile(r"<\|.*\|>")


class Vocabulary:
    """A checkpoint's tokens in the form grammars need; made once: about a second for 152,064 rows.

    For the byte-level vocabularies of this architecture. Raises GrammarError without stop ids, for
    one that is no token, or for fewer rows than tokens.
    """

    def __init__(self, tokenizer: Tokenizer, *, stop_ids: Sequence[int], vocab_size: int) -> None:
        if not stop_ids:
            raise GrammarError("no stop ids", next_step="pass those of generation_config.json")
        try:
            self.tokens = LLTokenizer(
                _plain_and_control(tokenizer.to_json()),
                n_vocab=vocab_size,
                eos_token=list(stop_ids),
            )
        except ValueError as err:
            step = "pass the stop ids and the vocab_size of the tokenizer's own checkpoint"
            raise GrammarError(f"the vocabulary: {err}", next_step=step) from err


class Grammar:
    """One grammar compiled for one vocabulary; any number of replies may start from it."""

    def __init__(self, vocabulary: Vocabulary, source: str, kind: Kind = "lark") -> None:
        """Raises GrammarError, with the library's words, for a source that cannot be compiled."""
        compiled = LLMatcher.grammar_from_lark(_lark(source, kind))
        wrong, messages = LLMatcher.validate_grammar_with_warnings(compiled, vocabulary.tokens)
        if wrong:
            step = f"correct the {kind} source as the documentation of llguidance has it"
            raise GrammarError(f"{kind}: {messages[0].strip()}", next_step=step)
        self._first = LLMatcher(vocabulary.tokens, compiled, log_level=0)

    def start(self) -> Derivation:
        """The state before the first token of a reply."""
        return Derivation(self._first.deep_copy())


class Derivation:
    """How far one reply has come: a ``Constraint`` for ``generate``. Lives on the host."""

    def __init__(self, matcher: LLMatcher) -> None:
        self._matcher = matcher

    def allowed(self) -> Tensor:
        """Tokens that may follow, bool (V,); stop ids among them when the reply may end here.

        Raises GrammarError where the library gave up (a grammar beyond its limits).
        """
        bias = self._matcher.compute_logit_bias()  # a byte per row: 0, or 200 where allowed
        if self._matcher.is_error():
            raise self._error("the grammar cannot go on")
        return torch.from_numpy(np.frombuffer(bias, dtype=np.uint8) != 0)

    def accept(self, token: int) -> None:
        """Tell the token that was taken. Raises GrammarError when it was not allowed."""
        if not self._matcher.consume_token(token):
            raise self._error(f"token {token} does not follow")

    def _error(self, what: str) -> GrammarError:
        reason = self._matcher.get_error().partition("\n")[0]
        return GrammarError(f"{what}: {reason}", next_step="take only tokens that are allowed")


def _lark(source: str, kind: Kind) -> str:
    """Any source as one Lark text; in JSON, space is bounded unless the schema says otherwise."""
    if kind == "lark":
        return _EVERY_SPELLING + source
    if kind == "regex":
        return f"{_EVERY_SPELLING}start: /{regex_to_lark(source, use_ascii='')}/"
    try:
        schema = json.loads(source)
    except ValueError as err:
        raise GrammarError(f"the schema is not JSON: {err}", next_step="pass it as text") from err
    if isinstance(schema, dict):
        schema = {"x-guidance": {"whitespace_pattern": _WHITESPACE}, **schema}
    return f"{_EVERY_SPELLING}start: %json {json.dumps(schema)}"


def _plain_and_control(tokenizer_json: str) -> str:
    """tokenizer.json with its added tokens told apart the way a reply needs it.

    Control tokens become special: the official file leaves some, as ``<|fim_prefix|>``, plain. The
    others become words like any: the library would take ``<think>`` for a control token.
    """
    raw: dict[str, Any] = json.loads(tokenizer_json)
    added: list[dict[str, Any]] = raw["added_tokens"]
    control = [one for one in added if one["special"] or _CONTROL.fullmatch(one["content"])]
    words = {_byte_letters(one["content"]): one["id"] for one in added if one not in control}
    raw["added_tokens"] = [{**one, "special": True} for one in control]
    # An added token gets the id of its namesake in the vocabulary, else the next free one.
    raw["model"]["vocab"] |= words | {one["content"]: one["id"] for one in control}
    return json.dumps(raw)


def _byte_letters(text: str) -> str:
    """A text as a byte-level vocabulary spells it, a letter for every byte."""
    (letters, _), *_ = ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(text)
    return letters
