#include "suites/judge/judge.h"

#include <fmt/format.h>

#include "harness/error.h"
#include "suites/judge/local_judge.h"

namespace grm {

namespace {

/// The part of SPEC after `prefix`, if it begins with it.
std::optional<std::string> after(const std::string& spec, std::string_view prefix) {
  if (!spec.starts_with(prefix)) return std::nullopt;
  return spec.substr(prefix.size());
}

}  // namespace

std::unique_ptr<Judge> make_judge(const std::string& spec, const JudgeOptions& options) {
  // A folder may have any name, so it comes first.
  if (!std::filesystem::is_directory(spec)) {
    if (const auto name = after(spec, "baseline:")) return make_baseline_judge(*name, options.seed);
    if (const auto file = after(spec, "replay:")) return make_replay_judge(*file);
    if (spec.starts_with("openai:")) {
      throw UserError(fmt::format("--judge {}: judging through a server is not supported yet; name a folder or a Hub id", spec));
    }
  }
  LocalJudgeOptions local = find_checkpoint(spec, options.offline);
  local.dtype = options.dtype;
  local.threads = options.threads;
  local.decoding = options.decoding;
  local.kv_memory = options.kv_memory;
  local.batch = options.batch;
  return make_local_judge(local);
}

}  // namespace grm
