#include "harness/ui/doctor_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "harness/hub/options.h"
#include "harness/run/json_file.h"
#include "harness/run/machine_facts.h"
#include "harness/run/provenance.h"
#include "harness/ui/progress.h"
#include "harness/ui/table.h"

namespace grm {
namespace {

namespace fs = std::filesystem;

/// What was found, and what should be done about it.
struct Findings {
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<std::string> advice;
};

void found(Findings& findings, std::string name, std::string value) {
  findings.facts.emplace_back(std::move(name), std::move(value));
}

void look_at_program(Findings& findings) {
  const BuildInfo& build = build_info();
  found(findings, "program", fmt::format("grm {}, {} build, {}", build.version, build.build_type, build.compiler));
  found(findings, "commit", build.commit.empty() ? "unknown" : build.commit + (build.dirty ? ", changed" : ""));
  if (!is_committed(build)) {
    findings.advice.push_back("Runs of this build are INVALID: it is not what a commit says. Commit the changes and build again");
  }
}

void look_at_machine(Findings& findings) {
  const MachineFacts machine = machine_facts();
  found(findings, "CPU", machine.cpu);
  const std::string cores = machine.cores > 0 ? fmt::format("{} cores, ", machine.cores) : "";
  found(findings, "CPUs", fmt::format("{}{} usable by this process", cores, machine.usable_cpus));
  found(findings, "instruction sets", fmt::format("{}", fmt::join(machine.instruction_sets, " ")));
  found(findings, "memory", shown_bytes(static_cast<double>(machine.memory_bytes)));
  for (const GpuFacts& gpu : machine.gpus) {
    found(findings, "GPU", fmt::format("{}, {}, driver {}", gpu.name, gpu.memory, gpu.driver));
  }
  if (machine.gpus.empty()) found(findings, "GPU", "none found");
  if (!machine.gpu_fault.empty()) findings.advice.push_back(machine.gpu_fault + ". Repair the driver's installation, or go on with the CPU");

  const auto has = [&](const char* set) {
    return std::find(machine.instruction_sets.begin(), machine.instruction_sets.end(), set) != machine.instruction_sets.end();
  };
  const bool has_bf16 = has("amx_bf16") || has("avx512_bf16") || has("bf16");
  if (machine.gpus.empty() && !has_bf16) {
    findings.advice.push_back("This CPU has no bf16 arithmetic: --dtype float32 is the faster choice here");
  }
  if (machine.memory_bytes < (std::uint64_t{4} << 30)) {
    findings.advice.push_back("Less than 4 GB of memory: only the smallest models fit");
  }
}

/// The folder itself, or the nearest one above it that is there.
fs::path existing_folder(fs::path path) {
  std::error_code ignored;
  path = fs::absolute(path, ignored);
  while (!fs::is_directory(path, ignored) && path.has_relative_path()) path = path.parent_path();
  return path;
}

void look_at_hub(Findings& findings) {
  HubOptions hub;
  try {
    hub = hub_options_from_environment();
  } catch (const std::exception& error) {
    found(findings, "Hub", "settings that cannot be used");
    findings.advice.push_back(error.what());
    return;
  }
  found(findings, "Hub", hub.endpoint.origin() + (hub.offline ? ", switched off (offline)" : ""));
  found(findings, "Hub token", hub.token.empty() ? "none" : "present");
  if (hub.token.empty()) findings.advice.push_back("For gated or private models set HF_TOKEN; public ones need none");
  const fs::path folder = existing_folder(hub.cache);
  const bool writable = ::access(folder.c_str(), W_OK | X_OK) == 0;
  found(findings, "Hub cache", hub.cache.string() + (writable ? "" : " (not writable)"));
  if (!writable) findings.advice.push_back(fmt::format("{} cannot be written: set HF_HOME to a folder that can", folder.string()));
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  if (error) return;
  found(findings, "disk free there", shown_bytes(static_cast<double>(space.available)));
  if (space.available < 20'000'000'000) {
    findings.advice.push_back("Less than 20 GB free for downloads: an 8B model in bf16 takes 16 GB. Set HF_HOME to a larger disk");
  }
}

void print(const Findings& findings, bool json) {
  if (json) {
    nlohmann::json facts = nlohmann::json::array();
    for (const auto& [name, value] : findings.facts) facts.push_back({{"name", name}, {"value", safe_utf8(value).text}});
    nlohmann::json advice = nlohmann::json::array();
    for (const std::string& line : findings.advice) advice.push_back(safe_utf8(line).text);
    fmt::print("{}", canonical_dump_indented({{"schema", schema_json({"grm.doctor", 1})}, {"facts", facts}, {"advice", advice}}));
    return;
  }
  Table table{.columns = {{"what", Align::left, 20}, {"found", Align::left, 110}}, .rows = {}};
  for (const auto& [name, value] : findings.facts) table.rows.push_back({name, value});
  fmt::print("{}\n", text_table(table));
  if (findings.advice.empty()) fmt::print("Nothing is missing.\n");
  for (const std::string& line : findings.advice) fmt::print("* {}\n", line);
}

}  // namespace

void add_doctor_command(Program& program, ExtraFacts extra) {
  const auto json = std::make_shared<bool>(false);
  CLI::App* command = add_command(program, "doctor", "Say what this machine has, what is missing and what to do", "grm doctor --json",
                                  [json, extra = std::move(extra)] {
                                    Findings findings;
                                    look_at_program(findings);
                                    look_at_machine(findings);
                                    if (extra) {
                                      for (auto& [name, value] : extra()) found(findings, std::move(name), std::move(value));
                                    }
                                    look_at_hub(findings);
                                    print(findings, *json);
                                    return kDone;
                                  });
  command->add_flag("--json", *json, "Print the same as JSON");
}

}  // namespace grm
