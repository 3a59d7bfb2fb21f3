// Weights on disk: safetensors files, single or sharded (format: huggingface/safetensors 0.8, README and its Rust reader).
// Little-endian machines only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

namespace grm {

/// One dtype of the format. `scalar_type` is Undefined where ATen has none that we load.
struct SafetensorsDtype {
  std::string_view name;
  int bits;
  at::ScalarType scalar_type;
};

struct SafetensorsEntry {
  const SafetensorsDtype* dtype = nullptr;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;  // bytes from the start of the data section
  std::uint64_t end = 0;
};

/// A mapped safetensors file whose header has passed every rule of the format. Copies share the mapping.
class SafetensorsFile {
 public:
  /// Throws ModelError, naming file, tensor and rule. Nothing of the data is read.
  static SafetensorsFile open(const std::filesystem::path& path);

  const std::map<std::string, SafetensorsEntry>& entries() const { return state_->entries; }
  const std::map<std::string, std::string>& metadata() const { return state_->metadata; }
  const std::filesystem::path& path() const { return state_->path; }
  bool has(const std::string& name) const { return state_->entries.count(name) != 0; }

  /// A CPU tensor of the stored dtype and shape. Where the data lie aligned it is a view of the mapping, which stays alive as
  /// long as the tensor does; else a copy. Writing into a view changes private pages, never the file. A file that another process
  /// cuts short after open() raises SIGBUS on access, as every mapping does: checkpoints are replaced by rename, not rewritten.
  /// Throws ModelError for an unknown name, a dtype ATen lacks, or a BOOL byte other than 0 and 1.
  at::Tensor tensor(const std::string& name) const;

 private:
  struct State {
    std::filesystem::path path;
    std::map<std::string, SafetensorsEntry> entries;
    std::map<std::string, std::string> metadata;
    std::shared_ptr<std::byte> mapping;
    std::size_t data_start = 0;
  };
  std::shared_ptr<const State> state_;
};

/// All weights of a checkpoint folder: model.safetensors, else the shards named by model.safetensors.index.json.
class Checkpoint {
 public:
  /// Opens and checks every shard. Throws ModelError: nothing to load, shard name that is not a plain file name, missing shard,
  /// weight_map that disagrees with the shards.
  static Checkpoint open(const std::filesystem::path& folder);

  std::vector<std::string> names() const;  // sorted
  bool has(const std::string& name) const { return file_of_.count(name) != 0; }
  const SafetensorsEntry& entry(const std::string& name) const;
  at::Tensor tensor(const std::string& name) const;  // as SafetensorsFile::tensor
  const std::filesystem::path& folder() const { return folder_; }

 private:
  const SafetensorsFile& file_of(const std::string& name) const;

  std::filesystem::path folder_;
  std::vector<SafetensorsFile> files_;
  std::map<std::string, std::size_t> file_of_;
};

/// Writes tensors (any device and strides) in the order of the reference writer (wide dtypes first, then by name), header padded
/// to 8 bytes, into a temporary file that is synced and renamed onto `path`. Throws ModelError (dtype, name, full disk, …); then
/// `path` is as before and no temporary file is left.
void write_safetensors(const std::filesystem::path& path, const std::map<std::string, at::Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace grm
