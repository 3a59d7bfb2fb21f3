"""Goldens for the decoder, made by transformers 5.23 with torch 2.13 on the CPU: tests/goldens/decoder/*.json and rope.json.

Weights follow from a formula that both sides compute (tests/model/decoder/formula_weights.h), so only configurations, logits and
greedy tokens are committed. Run: python tests/goldens/make_decoder.py
"""
import base64
import json
import math
import pathlib
import tempfile

import numpy as np
import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification

HERE = pathlib.Path(__file__).resolve().parent
PROMPT_LENGTHS = (1, 9, 70)
KEPT_POSITIONS = 2
GREEDY_TOKENS = 64
NUMBER = np.uint64


# --- the formula -------------------------------------------------------------------------------------------------------------
def mix(x):
    """The output function of SplitMix64 on an array of 64-bit words."""
    x = (x ^ (x >> NUMBER(30))) * NUMBER(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> NUMBER(27))) * NUMBER(0x94D049BB133111EB)
    return x ^ (x >> NUMBER(31))


def name_hash(name):
    """FNV-1a, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def formula_tensor(name, shape):
    """Multiples of a power of two with at most 7 significant bits (1 + m/128 for norms): exact in bf16, fp16 and fp32."""
    count = math.prod(shape)
    with np.errstate(over="ignore"):
        words = mix(NUMBER(name_hash(name)) + np.arange(1, count + 1, dtype=NUMBER) * NUMBER(0x9E3779B97F4A7C15))
    steps = (words >> NUMBER(57)).astype(np.int64) - 64  # -64 … 63
    if len(shape) == 1 and name.endswith("norm.weight"):
        values = 1 + steps / 128
    elif len(shape) == 1:
        values = (2 * steps + 1) / 512
    else:
        # Uniform in (-1, 1) has variance 1/3: the power of two nearest to sqrt(3 / fan_in) keeps the variance. Sharper logits
        # for the head; the embedding table stays at full scale.
        exponent = 0 if name.endswith("embed_tokens.weight") else round(0.5 * math.log2(3 / shape[1]))
        exponent += 2 if name == "lm_head.weight" else 0
        values = (2 * steps + 1) / 128 * 2.0**exponent
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


def prompt(length):
    with np.errstate(over="ignore"):
        words = mix(NUMBER(name_hash(f"prompt {length}")) + np.arange(1, length + 1, dtype=NUMBER) * NUMBER(0x9E3779B97F4A7C15))
    return [int(word) for word in words % NUMBER(128)]


# --- configurations, some as transformers 4 wrote them --------------------------------------------------------------------------
def base(kind, **changes):
    config = {
        "architectures": [kind.capitalize() + "ForCausalLM"], "model_type": kind, "hidden_act": "silu", "vocab_size": 128,
        "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "tie_word_embeddings": False, "bos_token_id": 1,
        "eos_token_id": None, "pad_token_id": None, "dtype": "float32"}
    if kind == "qwen3":
        config["head_dim"] = 32
    config.update(changes)
    return config


def old(config):
    config["torch_dtype"] = config.pop("dtype")
    return config


DEFAULT = {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 32}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}
V5 = lambda rope, theta: {"rope_parameters": {**rope, "rope_theta": theta}}
V4 = lambda rope, theta: {"rope_scaling": rope, "rope_theta": theta}

MODELS = {
    "llama_default_tied": base("llama", tie_word_embeddings=True, **DEFAULT),
    "llama_linear": old(base("llama", **V4({"type": "linear", "factor": 2.5}, 10000.0))),
    "llama_llama3": old(base("llama", **V4(LLAMA3, 500000.0))),
    "llama_yarn": base("llama", **V5(YARN, 10000.0)),
    "llama_bias": base("llama", attention_bias=True, mlp_bias=True, num_key_value_heads=1, **DEFAULT),
    "llama_head24": base("llama", hidden_size=96, num_key_value_heads=4, **DEFAULT),
    "llama_head80": base("llama", hidden_size=160, num_attention_heads=2, num_key_value_heads=1, **DEFAULT),
    "llama_explicit_head_dim": base("llama", head_dim=24, **DEFAULT),
    "qwen2_default_tied": old(base("qwen2", tie_word_embeddings=True, rope_theta=1000000.0)),
    "qwen2_linear": base("qwen2", **V5({"rope_type": "linear", "factor": 4.0}, 10000.0)),
    "qwen2_llama3": base("qwen2", **V5(LLAMA3, 10000.0)),
    "qwen2_yarn": old(base("qwen2", **V4({**YARN, "attention_factor": 1.25}, 1000000.0))),
    "qwen2_sliding": base("qwen2", num_hidden_layers=3, use_sliding_window=True, sliding_window=8, max_window_layers=1,
                          **DEFAULT),
    "qwen2_head80": base("qwen2", hidden_size=160, num_attention_heads=2, num_key_value_heads=2, **DEFAULT),
    "qwen3_default_tied": base("qwen3", tie_word_embeddings=True, **V5({"rope_type": "default"}, 1000000.0)),
    "qwen3_linear": old(base("qwen3", **V4({"rope_type": "linear", "factor": 2.0}, 10000.0))),
    "qwen3_llama3": base("qwen3", **V5(LLAMA3, 10000.0)),
    "qwen3_yarn": base("qwen3", **V5({**YARN, "beta_fast": 24.0, "beta_slow": 2.0, "truncate": False, "mscale": 1.5,
                                     "mscale_all_dim": 0.5}, 10000.0)),
    "qwen3_bias": base("qwen3", attention_bias=True, **DEFAULT),
    "qwen3_head24": base("qwen3", head_dim=24, num_attention_heads=6, num_key_value_heads=3, **DEFAULT),
    "qwen3_head80": base("qwen3", head_dim=80, num_key_value_heads=1, **DEFAULT),
    "qwen3_sliding": base("qwen3", use_sliding_window=True, sliding_window=5, num_hidden_layers=3,
                          layer_types=["sliding_attention", "full_attention", "sliding_attention"], **DEFAULT),
    "llama_classifier": base("llama", architectures=["LlamaForSequenceClassification"], id2label={"0": "LABEL_0"}, **DEFAULT),
    "qwen2_classifier": base("qwen2", architectures=["Qwen2ForSequenceClassification"], pad_token_id=0, **DEFAULT),
    "qwen3_classifier": base("qwen3", architectures=["Qwen3ForSequenceClassification"],
                             id2label={"0": "a", "1": "b", "2": "c"}, **DEFAULT),
}
GREEDY = ["llama_default_tied", "llama_llama3", "llama_bias", "qwen2_llama3", "qwen2_sliding", "qwen3_default_tied",
          "qwen3_head80", "qwen3_sliding"]


# --- running ----------------------------------------------------------------------------------------------------
def packed(tensor):
    """Little-endian fp32 or bf16 bits, row after row."""
    if tensor.dtype == torch.bfloat16:
        return base64.b64encode(tensor.contiguous().view(torch.int16).numpy().tobytes()).decode()
    return base64.b64encode(tensor.contiguous().float().numpy().astype("<f4").tobytes()).decode()


def load(folder, dtype):
    is_classifier = "Classification" in json.loads((folder / "config.json").read_text())["architectures"][0]
    auto = AutoModelForSequenceClassification if is_classifier else AutoModelForCausalLM
    return auto.from_pretrained(folder, dtype=dtype, attn_implementation="eager").eval(), is_classifier


def state_shapes(folder):
    config = AutoConfig.from_pretrained(folder)
    is_classifier = "Classification" in config.architectures[0]
    auto = AutoModelForSequenceClassification if is_classifier else AutoModelForCausalLM
    with torch.device("meta"):
        state = auto.from_config(config).state_dict()
    return {name: list(value.shape) for name, value in state.items()
            if not (config.tie_word_embeddings and name == "lm_head.weight")}


def make_model(name, config):
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        (folder / "config.json").write_text(json.dumps(config))
        shapes = state_shapes(folder)
        weights = {key: formula_tensor(key, shape) for key, shape in shapes.items()}
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        golden = {"made_by": f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}",
                  "config": config, "tensors": shapes,
                  "weight_sum": sum(float(value.double().sum()) for value in weights.values()), "prompts": []}
        models = {dtype: load(folder, dtype)[0] for dtype in (torch.float32, torch.bfloat16)}
        is_classifier = load(folder, torch.float32)[1]
    exact = models[torch.float32]
    rotary = exact.model.rotary_emb
    window = getattr(exact.config, "sliding_window", None)
    types = getattr(exact.config, "layer_types", None) or ["full_attention"] * config["num_hidden_layers"]
    golden["derived"] = {
        "head_dim": exact.model.layers[0].self_attn.head_dim,
        "sliding_window": [window if kind == "sliding_attention" else 0 for kind in types],
        "inverse_frequencies": packed(rotary.inv_freq), "attention_scale": rotary.attention_scaling,
        "num_labels": exact.num_labels if is_classifier else 0}
    for length in PROMPT_LENGTHS:
        tokens = torch.tensor([prompt(length)])
        entry = {"tokens": tokens[0].tolist()}
        for key, dtype in (("logits_fp32", torch.float32), ("logits_bf16", torch.bfloat16)):
            with torch.no_grad():
                logits = models[dtype](tokens).logits
            # [positions or 1, vocabulary or labels]
            entry[key] = packed(logits if is_classifier else logits[0, -KEPT_POSITIONS:])
        if name in GREEDY:
            entry |= greedy(exact, tokens)
        golden["prompts"].append(entry)
    return golden


def greedy(model, tokens):
    with torch.no_grad():
        out = model.generate(tokens, attention_mask=torch.ones_like(tokens), do_sample=False, max_new_tokens=GREEDY_TOKENS,
                             output_logits=True, return_dict_in_generate=True, eos_token_id=None, pad_token_id=0)
    top = torch.stack(out.logits)[:, 0].topk(2).values
    return {"greedy": out.sequences[0, tokens.shape[1]:].tolist(), "smallest_margin": float((top[:, 0] - top[:, 1]).min())}


def rope_cases():
    """Frequencies for sizes of real models and for corners of each type."""
    ropes = [
        {"rope_type": "default", "rope_theta": 10000.0}, {"rope_type": "default", "rope_theta": 1000000},
        {"rope_type": "default", "rope_theta": 100000.5},
        {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0},
        {"rope_type": "linear", "rope_theta": 500000.0, "factor": 3.7},
        {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
         "original_max_position_embeddings": 8192},
        {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
         "original_max_position_embeddings": 8192},
        {"rope_type": "yarn", "rope_theta": 1000000.0, "factor": 4.0, "original_max_position_embeddings": 32768},
        {"rope_type": "yarn", "rope_theta": 10000.0, "factor": None, "original_max_position_embeddings": 4096},
        {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 40.0, "original_max_position_embeddings": 4096, "mscale": 1.0,
         "mscale_all_dim": 0.8, "beta_fast": 0},
        {"rope_type": "yarn", "rope_theta": 150000.0, "factor": 32.0, "original_max_position_embeddings": 4096,
         "truncate": False},
        {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 0.5, "original_max_position_embeddings": 4096},
        {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 2.0, "original_max_position_embeddings": 4, "beta_slow": 1.0},
    ]
    cases = []
    for rope in ropes:
        for head_dim in (24, 64, 80, 128):
            config = transformers.Qwen3Config(num_hidden_layers=1, hidden_size=64, intermediate_size=8, vocab_size=8,
                                              num_attention_heads=2, num_key_value_heads=2, head_dim=head_dim,
                                              max_position_embeddings=131072, rope_parameters=dict(rope))
            rotary = transformers.models.qwen3.modeling_qwen3.Qwen3RotaryEmbedding(config)
            cases.append({"rope_parameters": rope, "head_dim": head_dim, "max_position_embeddings": 131072,
                          "inverse_frequencies": packed(rotary.inv_freq), "attention_scale": rotary.attention_scaling})
    return cases


def main():
    torch.set_num_threads(1)
    (HERE / "rope.json").write_text(json.dumps(rope_cases(), indent=1) + "\n")
    for name, config in MODELS.items():
        golden = make_model(name, config)
        (HERE / "decoder" / f"{name}.json").write_text(json.dumps(golden) + "\n")
        margins = [entry["smallest_margin"] for entry in golden["prompts"] if "greedy" in entry]
        print(name, "logits", np.abs(np.frombuffer(base64.b64decode(golden["prompts"][-1]["logits_fp32"]), "<f4")).max(),
              "margins", [round(margin, 5) for margin in margins])


if __name__ == "__main__":
    main()
