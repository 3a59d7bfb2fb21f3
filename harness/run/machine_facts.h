// What this machine is, as far as the operating system and the GPU's own tool say it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/run/manifest.h"

namespace grm {

struct GpuFacts {
  std::string name;
  std::string driver;
  std::string memory;  // as nvidia-smi says it, e.g. "143771 MiB"
};

struct MachineFacts {
  std::string cpu;           // model name; the architecture where none is told
  int cores = 0;             // physical; 0: unknown
  int usable_cpus = 0;       // logical ones this process may run on
  std::vector<std::string> instruction_sets;  // of those that matter: avx2, avx512f, avx512_bf16, amx_bf16, …
  std::uint64_t memory_bytes = 0;             // of the machine or of the container, whichever is less
  std::vector<GpuFacts> gpus;
  std::string gpu_fault;  // there is a GPU's driver or tool, and it does not answer
};

/// Asks nvidia-smi, 10 s at most. Never throws: what cannot be found out stays empty.
MachineFacts machine_facts();

/// From the text of /proc/cpuinfo.
void read_cpuinfo(const std::string& cpuinfo, MachineFacts& facts);
/// From `nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader`.
std::vector<GpuFacts> read_nvidia_smi(const std::string& output);

/// For a manifest. `uses_gpu`: name the GPU and its driver. libtorch's facts are the caller's.
Machine machine_of(const MachineFacts& facts, int threads, bool uses_gpu);

}  // namespace grm
