#include "harness/ui/doctor_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "harness/run/json_file.h"
#include "harness/run/machine_facts.h"
#include "tests/temporary_folder.h"

namespace grm {

using test::TemporaryFolder;
using test::put;
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string doctor(std::vector<std::string> words) {
  Program program;
  add_doctor_command(program, [] { return std::vector<std::pair<std::string, std::string>>{{"libtorch", "9.9"}}; });
  words.insert(words.begin(), {"grm", "doctor"});
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  testing::internal::CaptureStdout();
  EXPECT_EQ(run_program(program, static_cast<int>(argv.size()), argv.data()), kDone);
  return testing::internal::GetCapturedStdout();
}

TEST(Doctor, SaysWhatIsThereAndNeverTheToken) {
  const TemporaryFolder folder;
  ::setenv("HF_TOKEN", "hf_secretsecret", 1);
  ::setenv("HF_ENDPOINT", "http://127.0.0.1:9", 1);
  ::setenv("HF_HUB_CACHE", (folder / "not/yet/there").c_str(), 1);
  const std::string text = doctor({});
  EXPECT_THAT(text, HasSubstr("http://127.0.0.1:9"));
  EXPECT_THAT(text, HasSubstr("9.9"));
  EXPECT_THAT(text, HasSubstr("Hub token         present"));
  EXPECT_FALSE(std::filesystem::exists(folder / "not"));
  const std::string json = doctor({"--json"});
  const nlohmann::json object = parse_json(json, "doctor");
  EXPECT_GE(object["facts"].size(), 10u);
  EXPECT_TRUE(object["advice"].is_array());
  EXPECT_THAT(text + json, Not(HasSubstr("secret")));

  ::setenv("HF_ENDPOINT", "not a URL", 1);
  EXPECT_THAT(doctor({}), HasSubstr("HF_ENDPOINT"));
  ::unsetenv("HF_TOKEN");
  ::unsetenv("HF_ENDPOINT");
  ::unsetenv("HF_HUB_CACHE");
}

TEST(MachineFacts, ReadsCpuinfo) {
  MachineFacts facts;
  read_cpuinfo("processor\t: 0\nmodel name\t: A CPU @ 2 GHz\nphysical id\t: 0\ncore id\t\t: 0\nflags\t\t: fpu avx2 amx_bf16 avx512f\n\n"
               "processor\t: 1\nmodel name\t: A CPU @ 2 GHz\nphysical id\t: 0\ncore id\t\t: 0\nflags\t\t: fpu avx2\n\n"
               "processor\t: 2\nphysical id\t: 1\ncore id\t\t: 0\n", facts);
  EXPECT_EQ(facts.cpu, "A CPU @ 2 GHz");
  EXPECT_EQ(facts.cores, 2);
  EXPECT_THAT(facts.instruction_sets, ElementsAre("avx2", "avx512f", "amx_bf16"));
  MachineFacts arm;
  read_cpuinfo("processor\t: 0\nFeatures\t: fp asimd bf16\n", arm);
  EXPECT_THAT(arm.instruction_sets, ElementsAre("asimd", "bf16"));
  MachineFacts nothing;
  read_cpuinfo("", nothing);
  EXPECT_EQ(nothing.cores, 0);
}

TEST(MachineFacts, ReadsNvidiaSmi) {
  const auto gpus = read_nvidia_smi("NVIDIA H200, 570.12, 143771 MiB\nOdd, Name, 1.2, 8 MiB\nNo devices were found\n");
  ASSERT_EQ(gpus.size(), 2u);
  EXPECT_EQ(gpus[0].name, "NVIDIA H200");
  EXPECT_EQ(gpus[0].driver, "570.12");
  EXPECT_EQ(gpus[0].memory, "143771 MiB");
  EXPECT_EQ(gpus[1].name, "Odd, Name");
  MachineFacts facts;
  facts.gpus = gpus;
  EXPECT_EQ(machine_of(facts, 2, false).gpu, "");
  EXPECT_EQ(machine_of(facts, 2, true).gpu, "NVIDIA H200, Odd, Name");
  EXPECT_EQ(machine_of(facts, 2, true).driver, "570.12");
}

/// A tool of that name that answers, fails, or hangs.
TEST(MachineFacts, AsksTheGpusOwnTool) {
  const TemporaryFolder folder;
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", (folder.path().string() + ":" + path).c_str(), 1);
  const auto with_tool = [&](const std::string& script) {
    put(folder / "nvidia-smi", "#!/bin/sh\n" + script);
    std::filesystem::permissions(folder / "nvidia-smi", std::filesystem::perms::owner_all);
    return machine_facts();
  };
  EXPECT_EQ(with_tool("echo 'GPU X, 1.0, 5 MiB'\n").gpus.size(), 1u);
  const MachineFacts failed = with_tool("echo 'driver mismatch' >&2; exit 9\n");
  EXPECT_THAT(failed.gpu_fault, HasSubstr("driver mismatch"));
  EXPECT_TRUE(failed.gpus.empty());
  EXPECT_GT(failed.memory_bytes, 0u);
  EXPECT_GT(failed.usable_cpus, 0);
  EXPECT_FALSE(failed.cpu.empty());
  ::setenv("PATH", path.c_str(), 1);
}

}  // namespace
}  // namespace grm
