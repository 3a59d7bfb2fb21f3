"""Digests of what the tokenizers library and transformers make of real texts by real tokenizers.

    python make_digests.py TOKENIZERS_DIR SMOLLM2_DIR DATA_DIR OUT_DIR

TOKENIZERS_DIR is what make_tokenizers.py wrote, DATA_DIR holds judgebench/ and llmbar/. OUT_DIR gets digests.json and
nasty.json (texts of our own: every kind of character, long runs, special tokens inside). Texts of the data are not written.
A digest is a sha256: of ids, over the little-endian 32-bit count and ids of each text; of texts, over the count of bytes and
the bytes.
"""
import glob
import hashlib
import json
import pathlib
import random
import struct
import sys
import unicodedata

from tokenizers import Tokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from make_text import POOLS, texts

# Tokenizer, template, beginning of text.
PROMPTS = {"qwen2": ("qwen", "qwen2_like", None), "qwen3": ("qwen", "qwen3_like", None),
           "llama3": ("llama3", "llama3_like", "<|begin_of_text|>"), "llama31": ("llama3", "llama31_like", "<|begin_of_text|>")}
SPECIAL = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|begin_of_text|>", "<think>", "</think>", "<|im_start", "im_end|>"]


def nasty():
    rng = random.Random(11)
    out = texts(SPECIAL, 400)
    out += ["a" * 3000, " " * 3000, "\n" * 2000, "\r\n" * 500, "ab" * 2000 + " ", "\u00e9" * 800, "'\u017f'S's it\u2019s", "😀" * 300,
            "12345678901234567890", "\t \t \n \n", "x\u0301" * 200, "日本語" * 100]
    for _ in range(400):
        out.append("".join(rng.choice(rng.choice(POOLS)) for _ in range(rng.randint(1, 60))))
    for code in range(0x20000):
        # Python 3.11 knows Unicode 14, as the regex engine does; later characters may be cut otherwise.
        character = chr(code)
        if unicodedata.category(character) in ("Cn", "Cs") or code % 61:
            continue
        out.append(f"a{character}b {character}{character}1")
    return out


def add(digest, values):
    digest.update(struct.pack("<i", len(values)))
    digest.update(values if isinstance(values, bytes) else struct.pack(f"<{len(values)}i", *values))


def items(data):
    """(file, list of (question, answer, answer)) of both benchmarks."""
    for path in sorted(glob.glob(f"{data}/judgebench/*.jsonl")):
        with open(path, encoding="utf-8") as f:
            rows = [json.loads(line) for line in f]
        yield path, [(r["question"], r["response_A"], r["response_B"]) for r in rows]
    for path in sorted(glob.glob(f"{data}/llmbar/**/dataset.json", recursive=True)):
        with open(path, encoding="utf-8") as f:
            rows = json.load(f)
        yield path, [(r["input"], r["output_1"], r["output_2"]) for r in rows]


def digest_texts(tokenizer, all_texts):
    digest, tokens = hashlib.sha256(), 0
    for text in all_texts:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        tokens += len(ids)
        add(digest, ids)
    return {"texts": len(all_texts), "tokens": tokens, "ids": digest.hexdigest()}


def digest_prompts(tokenizer, rows, **variables):
    text_digest, id_digest, tokens = hashlib.sha256(), hashlib.sha256(), 0
    for question, a, b in rows:
        chat = [{"role": "system", "content": "You compare two answers."}, {"role": "user", "content": f"{question}\n\n[A]\n{a}\n\n[B]\n{b}"}]
        text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True, **variables)
        ids = tokenizer.apply_chat_template(chat, tokenize=True, add_generation_prompt=True, return_dict=False, **variables)
        add(text_digest, text.encode("utf-8"))
        add(id_digest, ids)
        tokens += len(ids)
    return {"prompts": len(rows), "tokens": tokens, "text": text_digest.hexdigest(), "ids": id_digest.hexdigest()}


def main():
    tokenizers, smollm2, data, out = map(pathlib.Path, sys.argv[1:5])
    files = list(items(data))
    short = {path: str(pathlib.Path(path).relative_to(data)) for path, _ in files}
    folders = {"smollm2": smollm2, **{name: tokenizers / name for name in ("qwen", "qwen36", "llama3", "deepseek")}}
    strange = nasty()
    result = {"texts": {}, "nasty": {}, "prompts": {}}
    for name, folder in folders.items():
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        result["texts"][name] = {short[path]: digest_texts(tokenizer, [t for row in rows for t in row]) for path, rows in files}
        result["nasty"][name] = digest_texts(tokenizer, strange)
    tokenizer = AutoTokenizer.from_pretrained(smollm2)
    result["prompts"]["smollm2"] = {short[path]: digest_prompts(tokenizer, rows) for path, rows in files}
    templates = pathlib.Path(__file__).parent / "templates"
    for name, (folder, template, bos) in PROMPTS.items():
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folders[folder] / "tokenizer.json"), bos_token=bos)
        tokenizer.chat_template = (templates / f"{template}.jinja").read_text()
        result["prompts"][name] = {short[path]: digest_prompts(tokenizer, rows, enable_thinking=False, date_string="26 Jul 2024")
                                   for path, rows in files}
    for name, value in (("digests.json", result), ("nasty.json", strange)):
        with open(out / name, "w", encoding="utf-8") as f:
            json.dump(value, f, ensure_ascii=False, indent=1 if name == "digests.json" else 0)
            f.write("\n")


if __name__ == "__main__":
    main()
