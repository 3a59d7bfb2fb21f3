#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "model/error.h"
#include "model/weights/safetensors.h"
#include "model/weights/safetensors_dtypes.h"

namespace grm {
namespace {

struct Item {
  const std::string* name;
  const at::Tensor* tensor;
  const SafetensorsDtype* dtype;
};

std::vector<Item> in_file_order(const std::string& where, const std::map<std::string, at::Tensor>& tensors) {
  std::vector<Item> items;
  for (const auto& [name, tensor] : tensors) {
    if (name == "__metadata__") throw ModelError(where + ": a tensor cannot be named __metadata__");
    if (!tensor.defined()) throw ModelError(where + ": tensor " + name + " is undefined");
    const SafetensorsDtype* dtype = find_safetensors_dtype(tensor.scalar_type());
    if (dtype == nullptr || tensor.layout() != at::kStrided) {
      throw ModelError(where + ": tensor " + name + ": " + c10::toString(tensor.scalar_type()) + " cannot be stored");
    }
    items.push_back({&name, &tensor, dtype});
  }
  // Stable: the map gave them sorted by name.
  std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.dtype > b.dtype; });
  return items;
}

std::string header_text(const std::string& where, const std::vector<Item>& items,
                        const std::map<std::string, std::string>& metadata) {
  // Built entry by entry: one ordered document of it would look every new key up among all before it.
  try {
    std::string text = "{";
    if (!metadata.empty()) text += "\"__metadata__\":" + nlohmann::json(metadata).dump();
    std::uint64_t offset = 0;
    for (const Item& item : items) {
      const std::uint64_t end = offset + item.tensor->nbytes();
      if (text.size() > 1) text += ',';
      text += nlohmann::json(*item.name).dump() + ":{\"dtype\":\"" + std::string(item.dtype->name) +
              "\",\"shape\":" + nlohmann::json(item.tensor->sizes().vec()).dump() + ",\"data_offsets\":[" +
              std::to_string(offset) + ',' + std::to_string(end) + "]}";
      offset = end;
    }
    text += '}';
    text.resize((text.size() + 7) / 8 * 8, ' ');
    return text;
  } catch (const nlohmann::json::exception& error) {
    throw ModelError(where + ": a name or the metadata are not UTF-8: " + error.what());
  }
}

// A file that does not exist until commit(): written under a temporary name beside its place, removed when abandoned.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& path) : path_(path) {
    static std::atomic<unsigned> counter{0};
    temporary_ = path.string() + "." + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".tmp";
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail("cannot be created");
  }
  ~TemporaryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!committed_) ::unlink(temporary_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void write(const void* data, std::size_t size) {
    const char* next = static_cast<const char*>(data);
    while (size > 0) {
      const ssize_t written = ::write(descriptor_, next, std::min(size, std::size_t{1} << 30));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) fail("cannot be written");
      next += written;
      size -= static_cast<std::size_t>(written);
    }
  }

  void commit() {
    if (::fsync(descriptor_) != 0) fail("cannot be written");
    const int descriptor = std::exchange(descriptor_, -1);
    if (::close(descriptor) != 0) fail("cannot be written");
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail("cannot be put in place");
    committed_ = true;
  }

 private:
  [[noreturn]] void fail(const char* what) const {
    const int reason = errno;
    throw ModelError(path_.string() + ": " + what + ": " + std::strerror(reason));
  }

  std::filesystem::path path_;
  std::string temporary_;
  int descriptor_ = -1;
  bool committed_ = false;
};

}  // namespace

void write_safetensors(const std::filesystem::path& path, const std::map<std::string, at::Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::vector<Item> items = in_file_order(path.string(), tensors);
  const std::string text = header_text(path.string(), items, metadata);
  const std::uint64_t size = text.size();
  TemporaryFile file(path);
  file.write(&size, sizeof size);
  file.write(text.data(), text.size());
  for (const Item& item : items) {
    const at::Tensor plain = item.tensor->detach().cpu().contiguous();
    if (plain.nbytes() > 0) file.write(plain.const_data_ptr(), plain.nbytes());
  }
  file.commit();
}

}  // namespace grm
