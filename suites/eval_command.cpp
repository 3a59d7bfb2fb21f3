#include <memory>

#include "suites/benchmarks/item.h"
#include "suites/commands.h"
#include "suites/eval.h"

namespace grm {

void add_eval_command(Program& program) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App* command = add_command(
      program, "eval", "Judge the items of suites and score the judge",
      "grm eval --judge HuggingFaceTB/SmolLM2-135M-Instruct --suite judgebench,llmbar --data DIR --limit 16 --out runs/smollm2",
      [options] { return run_eval(*options); });
  JudgeOptions& judging = options->judging;
  command->add_option("--judge", options->judge,
                      "Model folder, Hub id with optional @REVISION, replay:FILE or baseline:first|second|longer|shorter|random")
      ->required();
  command->add_option("--suite", options->suite, "Suites, separated by commas: " + known_suites())->required();
  command->add_option("--out", options->out, "Run folder; the same command goes on with it")->required();
  command->add_option("--data", options->data, "Folder of the suites' data (default: from the Hub)");
  command->add_option("--limit", options->limit, "Only the first N items of a seeded shuffle of each suite; 0: all")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--order", options->order, "Show answers in both orders, in one drawn by seed, or as given")
      ->check(CLI::IsMember({"both", "seeded", "given"}));
  command->add_option("--samples", options->samples, "Judgements of each prompt; the majority counts")
      ->check(CLI::Range(1, 1000));
  command->add_option("--mechanism", options->mechanism, "Force how the rationale begins")
      ->check(CLI::IsMember({"auto", "breadth", "depth", "raw"}));
  command->add_option("--prompt", options->prompt, "Prompt template instead of the built-in one (suites/README.md)");
  command->add_option("--seed", options->seed, "Seed of all that is drawn");
  command->add_option("--max-new", judging.decoding.max_new, "Most new tokens of a judgement")->check(CLI::Range(1, 1 << 24));
  command->add_option("--temperature", judging.decoding.temperature, "0: greedy")->check(CLI::Range(0.0, 100.0));
  command->add_option("--top-p", judging.decoding.top_p, "Sample from the smallest set of tokens with this probability")
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--top-k", judging.decoding.top_k, "Sample from this many tokens; 0: all")->check(CLI::NonNegativeNumber);
  command->add_option("--stop", judging.decoding.stop, "End a judgement behind this text (may be given several times)");
  command->add_option("--dtype", judging.dtype, "Numbers the model computes with")->check(CLI::IsMember({"auto", "bfloat16", "float32", "bf16", "fp32"}));
  command->add_option("--threads", judging.threads, "Threads that compute; 0: all cores")->check(CLI::Range(0, 4096));
  command->add_option("--batch", judging.batch, "Most judgements at once; 0: chosen by the engine. Changes no result")->check(CLI::Range(0, 512));
  command->add_option("--kv-memory", judging.kv_memory, "Bytes for the key-value cache; 0: a quarter of what is free. Changes no result")
      ->check(CLI::NonNegativeNumber)->transform(CLI::AsSizeValue(false));
  command->add_flag("--offline", judging.offline, "Use only what the Hub cache holds");
  command->add_flag("--strict", options->strict, "Exit code 1 when the run is INVALID");
}

}  // namespace grm
