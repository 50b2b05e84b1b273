"""A BART folder as CTranslate2 describes a model, from safetensors alone: serving needs no torch.

CTranslate2's own converter loads a model with transformers and torch; this one reads the weights
with numpy. It is for folders that bring no CTranslate2 form, and makes the same of them.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from models.prism.engines.protocol import ModelError, reading
from models.prism.folder import WEIGHTS

_ACTIVATIONS = {"gelu": "GELU", "relu": "RELU"}
"""BART's names, and CTranslate2's."""
_POSITION_OFFSET = 2  # BART's positions begin after two rows of padding
_Weights = Mapping[str, NDArray[np.float32]]


def specification(folder: Path, tokenizer: Tokenizer) -> Any:
    """Return a folder's model as a `TransformerSpec`.

    Raises ModelError for what is no BART, or none that CTranslate2 runs.
    """
    try:
        return _specification(folder, tokenizer)
    except KeyError as error:
        raise ModelError(f"{folder} lacks {error} of a BART") from None


def _specification(folder: Path, tokenizer: Tokenizer) -> Any:
    # Imported here: it loads torch where there is one, which takes two seconds of every start.
    from ctranslate2.specs import common_spec, transformer_spec  # noqa: PLC0415

    with reading(folder / "config.json"):
        config = json.loads((folder / "config.json").read_text("utf-8"))
    if config.get("model_type") != "bart":
        raise ModelError(f"{folder} holds a {config.get('model_type')!r} model, not a BART")
    activation = config["activation_function"]
    if activation not in _ACTIVATIONS:
        raise ModelError(
            f"{folder} has the activation_function {activation!r}, which is not one of "
            f"{', '.join(_ACTIVATIONS)}: serve it with torch"
        )
    weights = load_weights(folder)
    heads = config["encoder_attention_heads"]
    if heads < 1 or weights["model.shared.weight"].shape[1] % heads:
        raise ModelError(f"{folder} has {heads} encoder_attention_heads, which do not fit")
    for side in ("encoder", "decoder"):  # before as many layers as config.json names take memory
        last = f"model.{side}.layers.{config[f'{side}_layers'] - 1}.fc1.weight"
        if last not in weights:
            raise KeyError(last)
    spec = transformer_spec.TransformerSpec.from_config(
        (config["encoder_layers"], config["decoder_layers"]),
        heads,
        pre_norm=False,
        activation=common_spec.Activation[_ACTIVATIONS[activation]],
        layernorm_embedding=True,
    )
    scale = math.sqrt(config["d_model"]) if config.get("scale_embedding") else 1.0
    shared = weights["model.shared.weight"]
    for part, side in ((spec.encoder, "encoder"), (spec.decoder, "decoder")):
        part.scale_embeddings = scale
        embeddings = part.embeddings[0] if isinstance(part.embeddings, list) else part.embeddings
        embeddings.weight = shared
        positions = weights[f"model.{side}.embed_positions.weight"]
        part.position_encodings.encodings = positions[_POSITION_OFFSET:]
        _norm(part.layernorm_embedding, weights, f"model.{side}.layernorm_embedding")
        for n, layer in enumerate(part.layer):
            _layer(layer, weights, f"model.{side}.layers.{n}", decoder=side == "decoder")
    spec.decoder.projection.weight = shared
    bias = weights.get("final_logits_bias")
    if bias is not None and bias.any():
        spec.decoder.projection.bias = bias.squeeze()

    special = {name: _token(tokenizer, config, name) for name in ("bos", "eos", "decoder_start")}
    spec.config.bos_token, spec.config.eos_token = special["bos"], special["eos"]
    spec.config.decoder_start_token = special["decoder_start"]
    vocabulary = [tokenizer.id_to_token(n) or f"<unused{n}>" for n in range(len(shared))]
    spec.register_source_vocabulary(vocabulary)
    spec.register_target_vocabulary(vocabulary)
    return spec


def load_weights(folder: Path) -> dict[str, NDArray[np.float32]]:
    """Return a folder's weights in float32, by their names in `BartForConditionalGeneration`."""
    found = {}
    with reading(folder / WEIGHTS):
        stored = load_file(folder / WEIGHTS)
    for name, value in stored.items():
        # The hub's facebook/bart-base was saved as a plain BartModel, without the prefix.
        bare = name.startswith(("encoder.", "decoder.", "shared."))
        found[f"model.{name}" if bare else name] = value.astype(np.float32)
    if "model.shared.weight" not in found:
        # The tied embeddings are stored once, under any of their names.
        tied = ("lm_head.weight", "model.encoder.embed_tokens.weight",
                "model.decoder.embed_tokens.weight")  # fmt: skip
        embeddings = [found[name] for name in tied if name in found]
        if not embeddings:
            raise ModelError(f"{folder / WEIGHTS} holds no embeddings of a BART")
        found["model.shared.weight"] = embeddings[0]
    return found


def _token(tokenizer: Tokenizer, config: Mapping[str, Any], name: str) -> str:
    default = {"bos": 0, "eos": 2, "decoder_start": 2}[name]
    token = tokenizer.id_to_token(config.get(f"{name}_token_id", default))
    if token is None:
        raise ModelError(f"config.json names a {name}_token_id that the tokenizer lacks")
    return str(token)


def _layer(layer: Any, weights: _Weights, name: str, *, decoder: bool) -> None:
    own = f"{name}.self_attn"
    _fused(layer.self_attention.linear[0], weights, [f"{own}.{p}_proj" for p in "qkv"])
    _linear(layer.self_attention.linear[-1], weights, f"{own}.out_proj")
    _norm(layer.self_attention.layer_norm, weights, f"{own}_layer_norm")
    if decoder:
        cross = f"{name}.encoder_attn"
        _fused(layer.attention.linear[0], weights, [f"{cross}.q_proj"])
        _fused(layer.attention.linear[1], weights, [f"{cross}.k_proj", f"{cross}.v_proj"])
        _linear(layer.attention.linear[-1], weights, f"{cross}.out_proj")
        _norm(layer.attention.layer_norm, weights, f"{cross}_layer_norm")
    _linear(layer.ffn.linear_0, weights, f"{name}.fc1")
    _linear(layer.ffn.linear_1, weights, f"{name}.fc2")
    _norm(layer.ffn.layer_norm, weights, f"{name}.final_layer_norm")


def _linear(spec: Any, weights: _Weights, name: str) -> None:
    _fused(spec, weights, [name])


def _fused(spec: Any, weights: _Weights, names: list[str]) -> None:
    spec.weight = np.concatenate([weights[f"{name}.weight"] for name in names])
    spec.bias = np.concatenate([weights[f"{name}.bias"] for name in names])


def _norm(spec: Any, weights: _Weights, name: str) -> None:
    spec.gamma = weights[f"{name}.weight"]
    spec.beta = weights[f"{name}.bias"]
