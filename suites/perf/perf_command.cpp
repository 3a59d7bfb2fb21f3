#include "suites/perf/perf_command.h"

#include <fmt/format.h>

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/error.h"
#include "suites/perf/engine_benchmark.h"

namespace grm {
namespace {

struct PerfOptions {
  std::string suite = "engine";
  std::string model, prompts;
  std::int64_t new_tokens = 128;
  std::string dtype = "bfloat16";
  int threads = 0;
  bool json = false;
};

std::vector<std::vector<std::int32_t>> read_prompts(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw UserError(path + ": cannot be read; --prompts takes a JSON file, a list of lists of token ids");
  try {
    const auto prompts = nlohmann::json::parse(file).get<std::vector<std::vector<std::int32_t>>>();
    if (prompts.empty()) throw UserError(path + ": no prompts in it");
    return prompts;
  } catch (const nlohmann::json::exception& error) {
    throw UserError(path + ": not a list of lists of token ids: " + error.what());
  }
}

nlohmann::ordered_json to_json(const EngineSpeed& speed, const LoadedEngine& loaded) {
  const ComputeFacts facts = compute_facts();
  return {{"schema", {{"name", "grm.perf"}, {"version", 1}}},
          {"suite", "engine"},
          {"prompts", speed.prompts},
          {"prompt_tokens", speed.prompt_tokens},
          {"new_tokens", speed.new_tokens},
          {"dtype", loaded.facts.dtype},
          {"threads", loaded.engine->threads()},
          {"kernels", facts.kernels},
          {"libtorch", facts.libtorch},
          {"batch_invariant", true},
          {"judgements_per_minute", speed.judgements_per_minute()},
          {"prefill_tokens_per_second", speed.prefill_tokens_per_second()},
          {"decode_tokens_per_second", speed.decode_tokens_per_second()},
          {"seconds", {{"first_token", speed.first_seconds}, {"all", speed.all_seconds}}}};
}

int run_perf(const PerfOptions& options) {
  const auto prompts = read_prompts(options.prompts);
  EngineOptions engine_options;
  engine_options.threads = options.threads;
  const LoadedEngine loaded = load_engine(options.model, options.dtype, engine_options);
  const EngineSpeed speed = measure_engine(*loaded.engine, prompts, options.new_tokens);
  if (options.json) {
    fmt::print("{}\n", to_json(speed, loaded).dump(2));
    return kDone;
  }
  fmt::print("{} prompts of {} tokens in all, {} new tokens each, {}, {} threads, batch-invariant\n", speed.prompts, speed.prompt_tokens,
             speed.new_tokens, loaded.facts.dtype, loaded.engine->threads());
  fmt::print("prefill   {:8.0f} tokens/s\ndecode    {:8.0f} tokens/s\nin all    {:8.1f} s, {:.1f} judgements/min\n",
             speed.prefill_tokens_per_second(), speed.decode_tokens_per_second(), speed.all_seconds, speed.judgements_per_minute());
  return kDone;
}

}  // namespace

void add_perf_command(Program& program) {
  auto options = std::make_shared<PerfOptions>();
  CLI::App* command = add_command(program, "perf", "Measure the engine's speed on this machine",
                                  "grm perf --suite engine --model DIR --prompts prompts.json --new 128 --json",
                                  [options] { return run_perf(*options); });
  command->add_option("--suite", options->suite, "What to measure")->check(CLI::IsMember(std::set<std::string>{"engine"}));
  command->add_option("--model", options->model, "Checkpoint folder")->required();
  command->add_option("--prompts", options->prompts, "JSON file: a list of lists of token ids")->required();
  command->add_option("--new", options->new_tokens, "Tokens to generate for each prompt")->check(CLI::Range(2, 1 << 20));
  command->add_option("--dtype", options->dtype, "Compute in float32, bfloat16 or auto");
  command->add_option("--threads", options->threads, "Threads; 0: one a core")->check(CLI::NonNegativeNumber);
  command->add_flag("--json", options->json, "Print JSON");
}

}  // namespace grm
