#include "suites/perf/engine_benchmark.h"

#include <algorithm>
#include <chrono>

namespace grm {
namespace {

double run_all(Engine& engine, const std::vector<std::vector<std::int32_t>>& prompts, std::int64_t new_tokens) {
  engine.clear();
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    Request request;
    request.id = i;
    request.prompt = prompts[i];
    request.max_new_tokens = new_tokens;
    engine.submit(std::move(request));
  }
  while (!engine.idle()) engine.step();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

EngineSpeed measure_engine(Engine& engine, const std::vector<std::vector<std::int32_t>>& prompts, std::int64_t new_tokens) {
  EngineSpeed speed;
  speed.prompts = static_cast<std::int64_t>(prompts.size());
  speed.new_tokens = new_tokens;
  for (const auto& prompt : prompts) speed.prompt_tokens += static_cast<std::int64_t>(prompt.size());
  std::vector<std::vector<std::int32_t>> warm_up(prompts.begin(), prompts.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(2, prompts.size())));
  for (auto& prompt : warm_up) prompt.resize(std::min<std::size_t>(32, prompt.size()));
  run_all(engine, warm_up, 4);
  speed.first_seconds = run_all(engine, prompts, 1);
  speed.all_seconds = run_all(engine, prompts, new_tokens);
  return speed;
}

}  // namespace grm
