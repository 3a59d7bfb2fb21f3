// A judge that runs a checkpoint of its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "suites/judge/judge.h"

namespace grm {

struct LocalJudgeOptions {
  std::filesystem::path folder;  ///< config.json, safetensors, tokenizer.json, chat template
  std::string repository;        ///< on the Hub; empty for a folder given by the user
  std::string commit;
  std::string dtype = "auto";
  int threads = 0;  ///< 0: as many as the machine has cores
  Decoding decoding;
  std::int64_t kv_memory = 0;  ///< bytes for the KV cache; 0: chosen from the memory that is free
  std::int64_t batch = 0;      ///< most sequences at once; 0: chosen by the engine
};

/// Folder, repository and commit of SPEC: a folder, else a Hub id with optional @REVISION, which is fetched.
LocalJudgeOptions find_checkpoint(const std::string& spec, bool offline);

/// Loads the checkpoint. Throws ModelError or UserError.
std::unique_ptr<Judge> make_local_judge(const LocalJudgeOptions& options);

}  // namespace grm
