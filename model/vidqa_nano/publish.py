"""Writes a checkpoint folder: the official layout, with the marker that names nano's profile.

What was found out about earlier weights in the folder goes: ``python -m vidqa_nano.familiar`` and
``python -m vidqa_nano.evaluate --write`` find it out again.
"""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Tokenizer

from qwen25vl import Qwen25VL, save_model
from vidqa.checkpoints import FIGURES_FILE
from vidqa.familiar import FAMILIAR_FILE
from vidqa_nano.config import generation_config, nano_config


def publish(model: Qwen25VL, tokenizer: Tokenizer, folder: Path) -> None:
    """Weights, config, generation config and tokenizer into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for found in (FAMILIAR_FILE, FIGURES_FILE):
        (folder / found).unlink(missing_ok=True)
    stop = generation_config(tokenizer)["eos_token_id"]
    save_model(model, folder, stop_ids=stop)
    tokenizer.save(str(folder / "tokenizer.json"))
    for name, value in (
        ("config.json", nano_config(tokenizer)),
        ("generation_config.json", generation_config(tokenizer)),
    ):
        (folder / name).write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
