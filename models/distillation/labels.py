"""Labels: what a Prism learns from, as Parquet, and what its folder will say of it.

A folder of `labels-00000.parquet`, ... with the columns `prompt` and `text` (what a model reads and
is to write, in the form of the labels) and `facts` (JSON); and `prism.json`, which a Prism that
learns them gets.
"""

from pathlib import Path

import pyarrow as pa

from catalog.facts import Facts
from catalog.files import write_whole
from models.faithfulness import Policy
from models.prism.folder import CONFIG, PrismConfig
from models.prism.forms.choice import form_named
from models.prism.forms.protocol import PROMPT_VERSION, FormName

SCHEMA = pa.schema([("prompt", pa.string()), ("text", pa.string()), ("facts", pa.string())])
LABELS_VERSION = "1"
"""Raised whenever other Facts are made up of those given, or other labels kept."""
VERSIONS = f"{LABELS_VERSION} {PROMPT_VERSION}"
_LONGEST_PROMPT: dict[FormName, int] = {"references": 256, "titles": 512, "verbatim": 512}


def config_of(form: FormName, policy: Policy) -> PrismConfig:
    """Return what a Prism has learnt from labels of this form that passed this policy."""
    return PrismConfig(form=form, policy=policy, max_prompt=_LONGEST_PROMPT[form])


def write_config(folder: Path, config: PrismConfig) -> None:
    """Write `prism.json` beside labels, or into the folder of a Prism."""
    write_whole(folder / CONFIG, config.model_dump_json(indent=2) + "\n")


def label_row(text: str, facts: Facts, form: FormName) -> dict[str, str] | None:
    """Return a text as a row of `SCHEMA`; None where the form cannot say it."""
    made = form_named(form)
    target = made.target(text, facts)
    if target is None:
        return None
    prompt = next(made.prompts(facts))
    return {"prompt": prompt, "text": target, "facts": facts.model_dump_json()}
