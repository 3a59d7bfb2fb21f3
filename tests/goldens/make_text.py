"""Goldens of model/text by the tokenizers library: small tokenizers, each with one component or setting, and what the
library makes of nasty texts.

    python make_text.py OUT.json

OUT.json: {models: […], tokenizers: [{name, tokenizer, model, cases: [{text, ids, special, decoded, skipped}]}]}; `model` is an index,
`special` is left out where it equals `ids`, `decoded` where it equals `text`, `skipped` where it equals what was decoded.
"""
import copy
import json
import random
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

SENTENCES = [
    "The quick brown fox jumps over the lazy dog, doesn't it?", "She said: 'we'll see what they've done in 2024.'",
    "Numbers 1234567 and 3.14159; words, words and more words.", "def f(x):\n    return x ** 2  # square\n",
    "Ünïcödé text: 日本語 and emoji 😀 with combining e\u0301.", "    indented    by    spaces\t\tand tabs\r\n",
]
SPECIAL = [("<s>", {}), ("</s>", {}), ("<|x|>", {}), ("<|x|><|y|>", {})]
POOLS = ["abcdehilostw", " \t\n\r\u00a0\u3000\u2028\u0085", "0123456789\u0663\u2167\u00b2", "'sStTrReEvVmMlLdD\u017f\u2019",
         "\u00e4\u00c5\u0301\u0308e\u0323\u212b\ufb01\u2460\u0130\u03a3", "日本語한가", "😀👨\u200d👩🏽🇩🇪\ufe0f", "!@#$<>|/.,;:?-_~\"\u00bf\u3002",
         "\u0000\u007f\ufffd\ufeff\ue000\U0010ffff"]


def texts(words, count=60):
    rng = random.Random(7)
    out = ["", " ", "a", "hello world", "  two  spaces  ", "it's we'll THEY'VE \u2019s '\u017f", "x<s>y </s> z", "<|x|><|y|><|x|>",
           "a <mask> b", "a\n<mask>\tb<mask>", "word wordy word's sword word", "N\u00e4chste A\u030angstr\u00f6m \ufb01n \u2460",
           "1234567 12 3", "a" * 200, " " * 100, "\r\n\r\n", "ab" * 60 + "!", "<0x41> <0xE6>"] + SENTENCES
    for _ in range(count):
        text = ""
        for _ in range(rng.randint(1, 8)):
            pool = rng.choice(POOLS + [None])
            text += rng.choice(words) if pool is None else "".join(rng.choice(pool) for _ in range(rng.choice([1, 2, 3, 7])))
        out.append(text)
    return out


def added(tokens, first):
    """Entries of added_tokens; ids go on from `first`."""
    out = []
    for i, (content, flags) in enumerate(tokens):
        entry = {"id": first + i, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
                 "normalized": False, "special": True}
        entry.update(flags)
        out.append(entry)
    return out


def byte_level_base():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=360, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False)
    tokenizer.train_from_iterator(SENTENCES * 3, trainer)
    base = json.loads(tokenizer.to_str())
    base["added_tokens"] = added(SPECIAL, len(base["model"]["vocab"]))
    return base


def character_base(**model):
    """BPE over characters, as SentencePiece conversions have it."""
    vocab = {}
    for token in ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)] + list("\u2581abcdefghijklmnopqrstuvwxyz123日") + [
            "\u2581t", "he", "\u2581the", "in", "er", "an", "\u2581a", "ll", "ab", "abab", "<unk>a"]:
        vocab[token] = len(vocab)
    merges = [["\u2581", "t"], ["h", "e"], ["\u2581t", "he"], ["i", "n"], ["e", "r"], ["a", "n"], ["\u2581", "a"], ["l", "l"],
              ["a", "b"], ["ab", "ab"]]
    base = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": None,
            "post_processor": None, "decoder": None,
            "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                      "vocab": vocab, "merges": merges}}
    base["model"].update(model)
    base["added_tokens"] = added([("<unk>", {}), ("<s>", {}), ("</s>", {})], 0)
    return base


def word_level():
    words = ["<unk>", "hello", "world", "word", "a", "The", "fox", "it", "'", ",", "12", "the", "s"]
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added([("<unk>", {})], 0), "normalizer": None,
            "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None, "decoder": None,
            "model": {"type": "WordLevel", "vocab": {w: i for i, w in enumerate(words)}, "unk_token": "<unk>"}}


def variants():
    base = byte_level_base()

    def make(name, **parts):
        tokenizer = copy.deepcopy(base)
        model = parts.pop("model", {})
        tokenizer.update(parts)
        tokenizer["model"].update(model)
        return name, tokenizer

    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    first = len(base["model"]["vocab"])

    def pre(*steps):
        return {"type": "Sequence", "pretokenizers": [*steps, byte_level]}

    def split(pattern, behavior, invert=False):
        return {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}

    yield make("byte level")
    yield make("merges as strings", model={"merges": [" ".join(m) for m in base["model"]["merges"]]})
    yield make("ignore_merges", model={"ignore_merges": True})
    yield make("prefix space", pre_tokenizer={**byte_level, "add_prefix_space": True, "use_regex": True})
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        yield make("split regex " + behavior, pre_tokenizer=pre(split({"Regex": r"\s|[aeiou]"}, behavior)))
        yield make("split regex inverted " + behavior, pre_tokenizer=pre(split({"Regex": r"\s|[aeiou]"}, behavior, True)))
    yield make("split string", pre_tokenizer=pre(split({"String": "ab"}, "MergedWithPrevious")))
    yield make("split empty matches", pre_tokenizer=pre(split({"Regex": "a*"}, "Isolated")))
    yield make("byte level before split", pre_tokenizer={"type": "Sequence", "pretokenizers": [
        byte_level, split({"Regex": "\u0120"}, "MergedWithNext")]})
    yield make("digits", pre_tokenizer=pre({"type": "Digits", "individual_digits": True}))
    yield make("digits together", pre_tokenizer=pre({"type": "Digits", "individual_digits": False}))
    yield make("whitespace", pre_tokenizer=pre({"type": "Whitespace"}))
    yield make("whitespace split", pre_tokenizer=pre({"type": "WhitespaceSplit"}))
    yield make("punctuation", pre_tokenizer=pre({"type": "Punctuation", "behavior": "MergedWithNext"}))
    for kind in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase"):
        yield make(kind, normalizer={"type": kind})
    yield make("strip left", normalizer={"type": "Strip", "strip_left": True, "strip_right": False})
    yield make("strip", normalizer={"type": "Strip", "strip_left": True, "strip_right": True})
    yield make("prepend and replace", normalizer={"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": "\u2581"}, {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"},
        {"type": "Replace", "pattern": {"Regex": "[0-9]+"}, "content": "#"}]})
    yield make("added tokens", normalizer={"type": "Lowercase"}, added_tokens=added([
        ("<s>", {}), ("<mask>", {"lstrip": True}), ("</s>", {"rstrip": True}), ("word", {"single_word": True, "special": False}),
        ("HELLO", {"normalized": True, "special": False}), ("<|x|>", {"lstrip": True, "rstrip": True}), ("<|x|><|y|>", {}),
        ("\u1e9e", {"normalized": True, "special": False})], first))
    yield make("template", post_processor={"type": "Sequence", "processors": [
        {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True},
        {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                                                  {"SpecialToken": {"id": "</s>", "type_id": 0}}],
         "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
         "special_tokens": {"<s>": {"id": "<s>", "ids": [first], "tokens": ["<s>"]},
                            "</s>": {"id": "</s>", "ids": [first + 1, first + 2], "tokens": ["</s>", "<|x|>"]}}}]})
    yield make("no decoder", decoder=None)
    sentence_piece = {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
    normalizer = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
                                                     {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]}
    for name, model in (("byte fallback", {"byte_fallback": True}), ("unknown", {}), ("unknown fused", {"fuse_unk": True}),
                        ("unknown dropped", {"unk_token": None})):
        yield "characters, " + name, {**character_base(**model), "normalizer": normalizer, "decoder": sentence_piece}
    suffix = character_base()
    suffix["model"]["end_of_word_suffix"] = "</w>"
    suffix["model"]["vocab"].update({"d</w>": 400, "word</w>": 401, "wor": 402, "or": 403, "w</w>": 404})
    suffix["model"]["merges"] = [["o", "r"], ["w", "or"], ["wor", "d</w>"]]
    yield "end of word suffix", {**suffix, "pre_tokenizer": {"type": "WhitespaceSplit"}}
    prefix = character_base()
    prefix["model"]["continuing_subword_prefix"] = "##"
    prefix["model"]["vocab"].update({"##o": 400, "##r": 401, "##d": 402, "wo": 403, "##rd": 404, "word": 405})
    prefix["model"]["merges"] = [["w", "##o"], ["##r", "##d"], ["wo", "##rd"]]
    yield "continuing prefix", {**prefix, "pre_tokenizer": {"type": "WhitespaceSplit"}}
    yield "word level", word_level()


def main():
    models_seen = []
    out = []
    for name, description in variants():
        tokenizer = Tokenizer.from_str(json.dumps(description))
        cases = []
        for text in texts(["<s>", "</s>", "<mask>", "<|x|>", "word", "HELLO", "hello", "ab"]):
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            special = tokenizer.encode(text).ids
            decoded = tokenizer.decode(ids, skip_special_tokens=False)
            skipped = tokenizer.decode(ids)
            case = {"text": text, "ids": ids}
            case.update({"special": special} if special != ids else {})
            case.update({"decoded": decoded} if decoded != text else {})
            case.update({"skipped": skipped} if skipped != decoded else {})
            cases.append(case)
        model = description.pop("model")
        if model not in models_seen:
            models_seen.append(model)
        out.append({"name": name, "tokenizer": description, "model": models_seen.index(model), "cases": cases})
    with open(sys.argv[1], "w", encoding="utf-8") as f:
        json.dump({"models": models_seen, "tokenizers": out}, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
