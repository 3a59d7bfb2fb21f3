#include "tests/model/decoder/formula_weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include <ATen/ATen.h>

#include "model/weights/safetensors.h"

namespace grm::test {
namespace {

// The output function of SplitMix64.
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

// FNV-1a, 64 bits.
std::uint64_t name_hash(const std::string& name) {
  std::uint64_t value = 0xCBF29CE484222325;
  for (const char letter : name) value = (value ^ static_cast<unsigned char>(letter)) * 0x100000001B3;
  return value;
}

}  // namespace

at::Tensor formula_tensor(const std::string& name, const std::vector<std::int64_t>& shape) {
  at::Tensor tensor = at::empty(shape, at::kFloat);
  float* const values = tensor.mutable_data_ptr<float>();
  const std::uint64_t start = name_hash(name);
  int exponent = 0;
  if (shape.size() == 2 && !name.ends_with("embed_tokens.weight")) {
    exponent = static_cast<int>(std::nearbyint(0.5 * std::log2(3 / static_cast<double>(shape[1]))));
  }
  if (name == "lm_head.weight") exponent += 2;
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    const std::uint64_t word = mix(start + static_cast<std::uint64_t>(i + 1) * 0x9E3779B97F4A7C15);
    const int step = static_cast<int>(word >> 57) - 64;
    if (shape.size() == 1 && name.ends_with("norm.weight")) {
      values[i] = 1 + static_cast<float>(step) / 128;
    } else if (shape.size() == 1) {
      values[i] = static_cast<float>(2 * step + 1) / 512;
    } else {
      values[i] = std::ldexp(static_cast<float>(2 * step + 1) / 128, exponent);
    }
  }
  return tensor;
}

std::map<std::string, at::Tensor> formula_weights(const nlohmann::json& golden) {
  std::map<std::string, at::Tensor> weights;
  for (const auto& [name, shape] : golden.at("tensors").items()) {
    weights.emplace(name, formula_tensor(name, shape.get<std::vector<std::int64_t>>()));
  }
  return weights;
}

void write_formula_model(const nlohmann::json& golden, const std::filesystem::path& folder, at::ScalarType dtype, int shards) {
  std::ofstream(folder / "config.json") << golden.at("config").dump();
  std::vector<std::map<std::string, at::Tensor>> parts(static_cast<std::size_t>(shards));
  std::size_t next = 0;
  for (const auto& [name, tensor] : formula_weights(golden)) parts[next++ % parts.size()].emplace(name, tensor.to(dtype));
  if (shards == 1) {
    write_safetensors(folder / "model.safetensors", parts[0], {{"format", "pt"}});
    return;
  }
  nlohmann::json index = {{"metadata", {{"total_size", 0}}}, {"weight_map", nlohmann::json::object()}};
  for (std::size_t part = 0; part < parts.size(); ++part) {
    const std::string file = "model-" + std::to_string(part + 1) + "-of-" + std::to_string(shards) + ".safetensors";
    write_safetensors(folder / file, parts[part], {{"format", "pt"}});
    for (const auto& [name, tensor] : parts[part]) index["weight_map"][name] = file;
  }
  std::ofstream(folder / "model.safetensors.index.json") << index.dump();
}

nlohmann::json read_golden(const std::string& name) {
  const std::filesystem::path path = std::filesystem::path(GRM_SOURCE_DIR) / "tests/goldens/decoder" / (name + ".json");
  std::ifstream file(path);
  if (!file) throw std::runtime_error("no golden " + path.string());
  return nlohmann::json::parse(file);
}

std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(GRM_SOURCE_DIR) / "tests/goldens/decoder")) {
    names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

at::Tensor unpack(const std::string& base64, at::ScalarType dtype) {
  static const std::string kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char letter : base64) {
    if (letter == '=') break;
    bits = bits << 6 | static_cast<std::uint32_t>(kLetters.find(letter));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(bits >> count & 0xFF));
  }
  at::Tensor tensor = at::empty({static_cast<std::int64_t>(bytes.size() / c10::elementSize(dtype))}, dtype);
  std::memcpy(tensor.mutable_data_ptr(), bytes.data(), tensor.nbytes());
  return tensor.to(at::kFloat);
}

}  // namespace grm::test
