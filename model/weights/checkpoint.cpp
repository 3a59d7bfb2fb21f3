#include <nlohmann/json.hpp>

#include "model/error.h"
#include "model/weights/json_file.h"
#include "model/weights/safetensors.h"

namespace grm {
namespace {

using nlohmann::json;

// Shard names come from a downloaded index: only a plain file name stays inside the folder.
void check_shard_name(const std::string& where, const std::string& name) {
  constexpr std::string_view kSuffix = ".safetensors";
  const bool plain = name.size() > kSuffix.size() && name.size() <= 255 && name.ends_with(kSuffix) && name.front() != '.' &&
                     name.find_first_of(std::string_view("/\\:\0", 4)) == std::string::npos;
  if (!plain) {
    throw ModelError(where + ": weight_map names the shard " + json(name.substr(0, 200)).dump() +
                     ", which is not a plain *.safetensors file name");
  }
}

// Shard name → tensor names.
std::map<std::string, std::vector<std::string>> read_index(const std::filesystem::path& path) {
  const std::string where = path.string();
  const json index = read_json_file(path);
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object()) {
    throw ModelError(where + ": no object weight_map");
  }
  std::map<std::string, std::vector<std::string>> shards;
  for (const auto& [tensor, shard] : index["weight_map"].items()) {
    if (!shard.is_string()) throw ModelError(where + ": weight_map: the shard of " + json(tensor).dump() + " is not a string");
    shards[shard.get<std::string>()].push_back(tensor);
  }
  if (shards.empty()) throw ModelError(where + ": weight_map is empty");
  for (const auto& [shard, tensors] : shards) check_shard_name(where, shard);
  return shards;
}

}  // namespace

Checkpoint Checkpoint::open(const std::filesystem::path& folder) {
  Checkpoint checkpoint;
  checkpoint.folder_ = folder;
  const std::filesystem::path single = folder / "model.safetensors";
  const std::filesystem::path index = folder / "model.safetensors.index.json";
  if (std::filesystem::exists(single)) {
    checkpoint.files_.push_back(SafetensorsFile::open(single));
    for (const auto& [name, entry] : checkpoint.files_.back().entries()) checkpoint.file_of_.emplace(name, 0);
    return checkpoint;
  }
  if (!std::filesystem::exists(index)) {
    throw ModelError(folder.string() + ": no weights: neither model.safetensors nor model.safetensors.index.json is there");
  }
  for (const auto& [shard, tensors] : read_index(index)) {
    const std::filesystem::path path = folder / shard;
    if (!std::filesystem::exists(path)) {
      throw ModelError(path.string() + ": missing shard, named by " + index.filename().string() + "; fetch the checkpoint again");
    }
    const SafetensorsFile file = SafetensorsFile::open(path);
    for (const std::string& name : tensors) {
      if (!file.has(name)) throw ModelError(path.string() + ": tensor " + name + " is not in this shard, as the index says");
      checkpoint.file_of_.emplace(name, checkpoint.files_.size());
    }
    for (const auto& [name, entry] : file.entries()) {
      const auto found = checkpoint.file_of_.find(name);
      if (found == checkpoint.file_of_.end() || found->second != checkpoint.files_.size()) {
        throw ModelError(path.string() + ": tensor " + name + " is in this shard, but the index says otherwise");
      }
    }
    checkpoint.files_.push_back(file);
  }
  return checkpoint;
}

std::vector<std::string> Checkpoint::names() const {
  std::vector<std::string> names;
  for (const auto& [name, file] : file_of_) names.push_back(name);
  return names;
}

const SafetensorsFile& Checkpoint::file_of(const std::string& name) const {
  const auto found = file_of_.find(name);
  if (found == file_of_.end()) throw ModelError(folder_.string() + ": no tensor " + name + " in the checkpoint");
  return files_[found->second];
}

const SafetensorsEntry& Checkpoint::entry(const std::string& name) const { return file_of(name).entries().at(name); }

at::Tensor Checkpoint::tensor(const std::string& name) const { return file_of(name).tensor(name); }

}  // namespace grm
