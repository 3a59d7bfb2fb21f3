// manifest.json: all that a run's results depend on, and where it was made.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/run/json_file.h"
#include "harness/run/provenance.h"

namespace grm {

inline constexpr Schema kManifestSchema{"grm.manifest", 1};

/// One seed per random dimension, so that one can be changed while the others stay.
struct Seeds {
  std::uint64_t subset = 0;     // which items --limit takes
  std::uint64_t order = 0;      // which answer is shown first
  std::uint64_t sampling = 0;   // tokens drawn
  std::uint64_t bootstrap = 0;  // resampling for intervals
  std::uint64_t data = 0;       // order of training data, synthesis
  std::uint64_t init = 0;       // fresh weights
};
/// All six from one number, each its own stream.
Seeds seeds_from(std::uint64_t seed);

/// Something that was read: a checkpoint, a tokenizer, a template, a benchmark's files.
struct Artifact {
  std::string role;        // judge, data:judgebench, prompt, …: unique in a manifest
  std::string repository;  // Hub id, or the folder or file that was named
  std::string commit;      // empty where there is none
  std::map<std::string, std::string> sha256;  // of each file, by its path in the repository
};

/// What the machine is. The caller fills what only it knows: harness links no libtorch.
struct Machine {
  std::string cpu;
  std::string gpu;     // empty: none used
  std::string driver;  // empty: none
  int threads = 0;     // that compute
  std::string libtorch;    // version; empty: none used
  std::string capability;  // libtorch's CPU capability, e.g. AVX512
};

struct Manifest {
  nlohmann::json requested = nlohmann::json::object();  // options as given
  nlohmann::json effective = nlohmann::json::object();  // every setting that can change a judgement or a score, resolved
  nlohmann::json tuning = nlohmann::json::object();     // what changes speed alone: batch size, memory budget
  Seeds seeds;
  std::vector<Artifact> artifacts;
  BuildInfo program;
  Machine machine;
  std::string start;                 // UTC, 2026-01-31T12:00:00Z
  std::vector<std::string> resumes;  // when the run was gone on with
  std::string end;                   // empty: not finished
};

nlohmann::json to_json(const Manifest& manifest);
Manifest manifest_from_json(const nlohmann::json& object, const std::string& place);
/// Throws UserError when it is absent, malformed or of a newer program.
Manifest read_manifest(const std::filesystem::path& path);
void write_manifest(const std::filesystem::path& path, const Manifest& manifest);

/// One line for each thing that must be equal for a run to be gone on with and is not, as `place: THEN in the run, NOW
/// now`. The table of what must be equal stands in manifest.cpp.
std::vector<std::string> differences(const Manifest& in_run, const Manifest& now);

/// The present moment in UTC, to the second.
std::string utc_now();

}  // namespace grm
