#include "harness/run/machine_facts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <utility>

#include "harness/process/process.h"

namespace grm {
namespace {

constexpr std::array<const char*, 12> kInstructionSets{"avx",         "avx2",     "fma",      "avx512f", "avx512_vnni", "avx512_bf16",
                                                       "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8", "asimd",      "bf16"};

std::string trimmed(std::string text) {
  constexpr const char* kSpace = " \t\r\n";
  text.erase(text.find_last_not_of(kSpace) + 1);
  text.erase(0, std::min(text.find_first_not_of(kSpace), text.size()));
  return text;
}

/// Files below /proc and /sys: short, and without a size.
std::string file_text(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::uint64_t memory_of_machine() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGE_SIZE);
  std::uint64_t bytes = pages > 0 && page > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) : 0;
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    const std::string text = trimmed(file_text(path));
    std::uint64_t limit = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (result.ec == std::errc() && !text.empty() && limit > 0) bytes = std::min(bytes, limit);
  }
  return bytes;
}

int usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

void ask_nvidia_smi(MachineFacts& facts) {
  std::error_code ignored;
  const bool has_driver = std::filesystem::exists("/proc/driver/nvidia/version", ignored);
  try {
    ProcessOptions options;
    options.timeout = std::chrono::seconds(10);
    const ProcessResult result =
        run_process({"nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"}, options);
    if (result.succeeded()) {
      facts.gpus = read_nvidia_smi(result.output);
    } else {
      const std::string said = trimmed(result.output + result.errors);
      facts.gpu_fault = fmt::format("nvidia-smi {}: {}", result.timed_out ? "did not answer in 10 s" : "failed",
                                    said.substr(0, std::min(said.find('\n'), std::size_t{200})));
    }
  } catch (const std::exception&) {
    if (has_driver) facts.gpu_fault = "an NVIDIA driver is loaded, and nvidia-smi is not in PATH";
  }
}

}  // namespace

void read_cpuinfo(const std::string& cpuinfo, MachineFacts& facts) {
  std::set<std::pair<std::string, std::string>> cores;
  std::string socket;
  std::istringstream lines(cpuinfo);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string name = trimmed(line.substr(0, colon));
    const std::string value = trimmed(line.substr(colon + 1));
    if (name == "model name" && facts.cpu.empty()) facts.cpu = value;
    if (name == "physical id") socket = value;
    if (name == "core id") cores.emplace(socket, value);
    if ((name == "flags" || name == "Features") && facts.instruction_sets.empty()) {
      std::istringstream words(value);
      const std::set<std::string> all{std::istream_iterator<std::string>(words), {}};
      for (const char* set : kInstructionSets) {
        if (all.contains(set)) facts.instruction_sets.emplace_back(set);
      }
    }
  }
  facts.cores = static_cast<int>(cores.size());
}

std::vector<GpuFacts> read_nvidia_smi(const std::string& output) {
  std::vector<GpuFacts> gpus;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    // From the end: a name may hold a comma.
    const std::size_t last = line.rfind(',');
    const std::size_t middle = last == std::string::npos || last == 0 ? std::string::npos : line.rfind(',', last - 1);
    if (middle == std::string::npos) continue;
    gpus.push_back({trimmed(line.substr(0, middle)), trimmed(line.substr(middle + 1, last - middle - 1)), trimmed(line.substr(last + 1))});
  }
  return gpus;
}

MachineFacts machine_facts() {
  MachineFacts facts;
  read_cpuinfo(file_text("/proc/cpuinfo"), facts);
  if (facts.cpu.empty()) {
    utsname system{};
    if (::uname(&system) == 0) facts.cpu = system.machine;
  }
  facts.usable_cpus = usable_cpus();
  facts.memory_bytes = memory_of_machine();
  ask_nvidia_smi(facts);
  return facts;
}

Machine machine_of(const MachineFacts& facts, int threads, bool uses_gpu) {
  Machine machine{.cpu = facts.cpu, .gpu = "", .driver = "", .threads = threads, .libtorch = "", .capability = ""};
  if (uses_gpu && !facts.gpus.empty()) {
    std::vector<std::string> names;
    for (const GpuFacts& gpu : facts.gpus) names.push_back(gpu.name);
    machine.gpu = fmt::format("{}", fmt::join(names, ", "));
    machine.driver = facts.gpus[0].driver;
  }
  return machine;
}

}  // namespace grm
