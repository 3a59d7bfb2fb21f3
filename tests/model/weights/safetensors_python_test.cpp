// Against the reference implementation, through Python: it reads what we wrote, we read what it wrote, and for the same tensors
// both write the same bytes. Skipped, with the reason, where Python or its packages are absent.
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "model/weights/safetensors.h"
#include "tests/temporary_folder.h"

namespace {

std::string python() {
  const char* given = std::getenv("GRM_PYTHON");
  return given != nullptr ? given : GRM_SOURCE_DIR "/.venv/bin/python";
}

bool run_python(const std::string& script, const std::filesystem::path& folder) {
  const std::string command = "cd '" + folder.string() + "' && '" + python() + "' script.py 2> errors.txt";
  std::ofstream(folder / "script.py") << script;
  return std::system(command.c_str()) == 0;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

#define SKIP_WITHOUT_PYTHON(folder)                                                        \
  if (!run_python("import torch, safetensors.torch", (folder).path())) {                  \
    GTEST_SKIP() << python() << " with torch and safetensors is not there (GRM_PYTHON)";  \
  }

constexpr const char* kTensors = R"(
import torch
from safetensors.torch import save_file, load_file
from safetensors import safe_open
names = ["bool", "uint8", "int8", "float8_e5m2", "float8_e4m3fn", "float8_e5m2fnuz", "float8_e4m3fnuz", "float8_e8m0fnu", "int16",
         "uint16", "float16", "bfloat16", "int32", "uint32", "float32", "complex64", "float64", "int64", "uint64"]
tensors = {"t." + name: (torch.arange(3, dtype=torch.float32) + 1).to(getattr(torch, name)) for name in names}
tensors["scalar"] = torch.tensor(2.5)
tensors["empty"] = torch.empty(0, 3)
tensors["ünïcode \"quoted\"\n"] = torch.arange(6.0).view(2, 3)
)";

std::map<std::string, at::Tensor> same_tensors() {
  std::map<std::string, at::Tensor> tensors = {
      {"scalar", at::scalar_tensor(2.5)}, {"empty", at::empty({0, 3})},
      {"ünïcode \"quoted\"\n", at::arange(6, at::kFloat).view({2, 3})}};
  const std::pair<const char*, at::ScalarType> types[] = {
      {"bool", at::kBool}, {"uint8", at::kByte}, {"int8", at::kChar}, {"float8_e5m2", at::kFloat8_e5m2},
      {"float8_e4m3fn", at::kFloat8_e4m3fn}, {"float8_e5m2fnuz", at::kFloat8_e5m2fnuz},
      {"float8_e4m3fnuz", at::kFloat8_e4m3fnuz}, {"float8_e8m0fnu", at::kFloat8_e8m0fnu}, {"int16", at::kShort},
      {"uint16", at::kUInt16}, {"float16", at::kHalf}, {"bfloat16", at::kBFloat16}, {"int32", at::kInt}, {"uint32", at::kUInt32},
      {"float32", at::kFloat}, {"complex64", at::kComplexFloat}, {"float64", at::kDouble}, {"int64", at::kLong},
      {"uint64", at::kUInt64}};
  for (const auto& [name, type] : types) tensors[std::string("t.") + name] = at::arange(1, 4, at::kFloat).to(type);
  return tensors;
}

TEST(SafetensorsPython, SameBytesBothWays) {
  const grm::test::TemporaryFolder folder;
  SKIP_WITHOUT_PYTHON(folder);
  const char* save = "save_file(tensors, 'theirs.safetensors', metadata={'format': 'pt'})";
  ASSERT_TRUE(run_python(std::string(kTensors) + save, folder.path()))
      << read_file(folder.path() / "errors.txt");
  grm::write_safetensors(folder.path() / "ours.safetensors", same_tensors(), {{"format", "pt"}});
  EXPECT_EQ(read_file(folder.path() / "ours.safetensors"), read_file(folder.path() / "theirs.safetensors"));
  const grm::SafetensorsFile theirs = grm::SafetensorsFile::open(folder.path() / "theirs.safetensors");
  for (const auto& [name, tensor] : same_tensors()) {
    const at::Tensor read = theirs.tensor(name);
    ASSERT_EQ(read.scalar_type(), tensor.scalar_type()) << name;
    ASSERT_EQ(read.sizes(), tensor.sizes()) << name;
    if (tensor.numel() == 0) continue;
    EXPECT_EQ(std::memcmp(read.const_data_ptr(), tensor.const_data_ptr(), tensor.nbytes()), 0) << name;
  }
}

TEST(SafetensorsPython, ReadsOurs) {
  const grm::test::TemporaryFolder folder;
  SKIP_WITHOUT_PYTHON(folder);
  grm::write_safetensors(folder.path() / "ours.safetensors", same_tensors(), {{"format", "pt"}, {"a", "ü"}});
  EXPECT_TRUE(run_python(std::string(kTensors) + R"(
ours = load_file("ours.safetensors")
assert ours.keys() == tensors.keys()
for name, tensor in tensors.items():
    assert ours[name].dtype == tensor.dtype and ours[name].shape == tensor.shape, name
    assert torch.equal(ours[name].reshape(-1).view(torch.uint8), tensor.reshape(-1).view(torch.uint8)), name
assert safe_open("ours.safetensors", "pt").metadata() == {"format": "pt", "a": "ü"}
)",
                         folder.path()))
      << read_file(folder.path() / "errors.txt");
}

}  // namespace
