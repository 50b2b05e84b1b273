"""A Prism's folder: what is in it, shared by every engine and by training.

It has BART's own layout: `config.json`, `model.safetensors`, `tokenizer.json`. Of a model that was
trained here it also has

- `prism.json` (`PrismConfig`): the form it has learnt, and how long its prompts and texts may be;
- `shortlist.json`, for a small vocabulary of its own: the tokens that labels add to their prompts,
  and those of well-known categories. A text needs no others but those of its prompt, so that an
  engine need not weigh the whole vocabulary at every step (in machine translation a vocabulary
  shortlist: Jean et al. 2015, arXiv 1412.2007, section 3).
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from tokenizers import Tokenizer

from models.faithfulness import Policy
from models.prism.engines.protocol import ModelError, reading
from models.prism.forms.protocol import FormName
from models.prism.hashes import files_hash

WEIGHTS, SHORTLIST, CONFIG = "model.safetensors", "shortlist.json", "prism.json"
READY = "ctranslate2-int8"
"""The folder with the form that CTranslate2 runs, where a Prism brings one."""
_Tokens = TypeAdapter(list[str])


class PrismConfig(BaseModel):
    """What a Prism has learnt to read and to write."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    form: FormName = Field("references", description="How Facts become prompts, and texts labels.")
    policy: Policy = Field("strict", description="What the labels passed that it learnt from.")
    max_prompt: int = Field(256, ge=16, le=1024, description="Longest prompt, in tokens.")
    max_text: int = Field(128, ge=16, le=512, description="Longest text, in tokens.")


def load_config(folder: Path) -> PrismConfig:
    """Return what a folder's model has learnt; of one without a `prism.json`, the defaults.

    Raises ModelError.
    """
    file = folder / CONFIG
    with reading(file):
        return (
            PrismConfig.model_validate_json(file.read_bytes()) if file.is_file() else PrismConfig()
        )


def load_tokenizer(folder: Path) -> Tokenizer:
    """Return a folder's tokenizer, to which the special tokens inside a title are plain text.

    Raises ModelError.
    """
    file = folder / "tokenizer.json"
    if not file.is_file():
        raise ModelError(f"{folder} has no tokenizer.json: it is no folder of a BART model")
    with reading(file):
        tokenizer = Tokenizer.from_file(str(file))
    tokenizer.encode_special_tokens = True
    return tokenizer


def weights_hash(folder: Path) -> str:
    """Return a short hash of all that decides what a model writes: its files, named above."""
    files = [folder / name for name in (WEIGHTS, "tokenizer.json", "config.json")]
    for file in files:
        if not file.is_file():
            raise ModelError(f"{folder} has no {file.name}: it is no folder of a BART model")
    files += [folder / name for name in (SHORTLIST, CONFIG) if (folder / name).is_file()]
    return files_hash(files)


def shortlist(folder: Path) -> list[str] | None:
    """Return the tokens that a folder's model may add to its prompts; None allows all.

    Raises ModelError.
    """
    file = folder / SHORTLIST
    with reading(file):
        return _Tokens.validate_json(file.read_bytes()) if file.is_file() else None
