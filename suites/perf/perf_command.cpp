#include "suites/perf/perf_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
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

std::vector<std::int32_t> read_prompt(const nlohmann::json& list, const std::string& place) {
  std::vector<std::int32_t> prompt;
  if (!list.is_array() || list.empty()) throw UserError(place + ": not a list of at least one token id");
  for (const nlohmann::json& id : list) {
    if (!id.is_number_integer() || id.get<std::int64_t>() < 0 || id.get<std::int64_t>() > INT32_MAX) {
      throw UserError(place + ": " + id.dump() + " is no token id");
    }
    prompt.push_back(id.get<std::int32_t>());
  }
  return prompt;
}

std::vector<std::vector<std::int32_t>> read_prompts(const std::string& path) {
  std::ifstream file(path);
  if (!file || std::filesystem::is_directory(path)) {
    throw UserError(path + ": cannot be read; --prompts takes a JSON file, a list of lists of token ids");
  }
  const nlohmann::json lists = nlohmann::json::parse(file, nullptr, false);
  if (!lists.is_array() || lists.empty()) throw UserError(path + ": not a JSON list of lists of token ids");
  std::vector<std::vector<std::int32_t>> prompts;
  for (const nlohmann::json& list : lists) prompts.push_back(read_prompt(list, path + ", prompt " + std::to_string(prompts.size())));
  return prompts;
}

/// What is measured must be what was asked for: no answer cut by the context, no prompt outside the vocabulary.
void check_prompts(const PerfOptions& options, const std::vector<std::vector<std::int32_t>>& prompts, const LoadedEngine& loaded) {
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const auto tokens = static_cast<std::int64_t>(prompts[i].size());
    if (tokens + options.new_tokens > loaded.engine->max_context()) {
      throw UserError(fmt::format("{}, prompt {}: {} tokens and {} new ones do not fit the context of {}", options.prompts, i, tokens,
                                  options.new_tokens, loaded.engine->max_context()));
    }
    const std::int32_t highest = *std::ranges::max_element(prompts[i]);
    if (highest >= loaded.facts.vocab_size) {
      throw UserError(fmt::format("{}, prompt {}: token id {}, but {} has a vocabulary of {}", options.prompts, i, highest, options.model,
                                  loaded.facts.vocab_size));
    }
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
  engine_options.share_prefixes = false;  // every prompt token is computed, as the peers do
  if (!std::filesystem::is_directory(options.model)) {
    throw UserError(fmt::format("--model {}: no such folder; fetch a checkpoint first: grm fetch ID prints its folder", options.model));
  }
  const LoadedEngine loaded = load_engine(options.model, options.dtype, engine_options);
  check_prompts(options, prompts, loaded);
  const EngineSpeed speed = measure_engine(*loaded.engine, prompts, options.new_tokens);
  if (speed.all_seconds <= speed.first_seconds) {
    throw Unfinished("the work is too short to tell decoding from prefill; give more prompts or a greater --new");
  }
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
