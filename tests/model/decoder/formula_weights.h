// Tiny checkpoints whose weights follow from a formula, so that a golden holds only a configuration and what came out of it.
// The same formula stands in tests/goldens/make_decoder.py.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <nlohmann/json.hpp>

namespace grm::test {

/// The weights of one tensor, fp32: exact in bf16 too.
at::Tensor formula_tensor(const std::string& name, const std::vector<std::int64_t>& shape);

/// All weights of a golden ("tensors": name → shape).
std::map<std::string, at::Tensor> formula_weights(const nlohmann::json& golden);

/// Writes config.json and model.safetensors of a golden as a checkpoint folder, in `dtype`; with `shards` > 1 as that many files
/// and an index.
void write_formula_model(const nlohmann::json& golden, const std::filesystem::path& folder, at::ScalarType dtype, int shards = 1);

/// tests/goldens/decoder/NAME.json.
nlohmann::json read_golden(const std::string& name);
std::vector<std::string> golden_names();

/// Base64 of little-endian fp32 (or, for `dtype` BFloat16, bf16) as a flat fp32 tensor.
at::Tensor unpack(const std::string& base64, at::ScalarType dtype = at::ScalarType::Float);

}  // namespace grm::test
