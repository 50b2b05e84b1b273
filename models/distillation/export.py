"""From a run's best checkpoint to a Prism's folder: safetensors, and the form CTranslate2 runs.

    data/prism/config.json, model.safetensors, tokenizer.json, prism.json, ...   any engine's
    data/prism/ctranslate2-int8/model.bin, ...                                   ready to serve

The second is derived from the first: serving makes it anew where it does not fit.
"""

import os
import shutil
from pathlib import Path

from ctranslate2.converters import TransformersConverter
from tokenizers import Tokenizer

from catalog.files import new_folder
from models.distillation.student import initial_student, save_student
from models.distillation.training.checkpoints import load_best
from models.distillation.training.config import TrainConfig
from models.prism.engines.conversion import finish
from models.prism.folder import CONFIG, READY, SHORTLIST, WEIGHTS, load_tokenizer


def export(work: Path, config: TrainConfig, base: Path | None, out: Path) -> int:
    """Write the Prism of the best checkpoint as a folder, in fp16; return that checkpoint's step.

    Raises ModelError.
    """
    tokenizer = load_tokenizer(base or work)
    model = initial_student(tokenizer, config.layers, base)
    step = load_best(work, model)
    with new_folder(out, WEIGHTS) as folder:
        save_student(model, tokenizer, folder)
        for name in (SHORTLIST, CONFIG):
            if (work / name).exists():
                shutil.copyfile(work / name, folder / name)
        convert(folder, tokenizer)
    return step


def convert(folder: Path, tokenizer: Tokenizer) -> None:
    """Write the CTranslate2 form of a Prism into its folder, by CTranslate2's own converter.

    "int8" would leave all else in the fp16 of the folder; with "int8_float32" it is in float32, as
    in what serving makes of a bare folder, byte for byte.
    """
    converter = TransformersConverter(os.fspath(folder))
    converter.convert(os.fspath(folder / READY), quantization="int8_float32")
    finish(folder / READY, folder, tokenizer)
