"""Loading costs little more memory than the network it leaves behind, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from qwen25vl import Qwen25VL, save_model

PROBE = """
import json, sys, torch
from pathlib import Path
from qwen25vl import load_model

def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name + ":"))

torch.zeros(1).to(torch.bfloat16)
before = status("VmRSS")
model = load_model(sys.argv[1], dtype=getattr(torch, sys.argv[2]))
kept = sum(p.nbytes for p in model.parameters())
print(json.dumps({"kept": kept, "added": status("VmHWM") - before}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, make_config) -> Path:
    """About 220 MB in bfloat16, no tensor of it larger than 6 MB."""
    config = make_config(heads=8, kv_heads=8, head_dim=128)
    text = replace(config.text, num_hidden_layers=8, intermediate_size=3072, vocab_size=2048)
    torch.manual_seed(0)
    model = Qwen25VL(replace(config, text=text)).to(torch.bfloat16)
    made = tmp_path_factory.mktemp("memory")
    save_model(model, made, stop_ids=[3], shard_bytes=100 << 20)
    return made


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="memory is read from /proc")
@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_the_most_memory_while_loading_is_within_a_fifth_of_the_weights(folder, dtype):
    command = [sys.executable, "-c", PROBE, str(folder), dtype]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    assert seen["kept"] > (150 << 20)
    assert 0.9 * seen["kept"] < seen["added"] < 1.2 * seen["kept"], seen
