// Opening a safetensors file: the header is parsed by a SAX handler straight into entries (no document of a hostile 100 MB header
// is built), then every tensor and the layout as a whole are checked, and only then the data can be reached.
#include "model/weights/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <unordered_set>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "model/error.h"
#include "model/weights/safetensors_dtypes.h"

namespace grm {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data are little-endian");

constexpr std::uint64_t kMaxHeader = 100'000'000;
constexpr std::size_t kMaxDimensions = 64;     // ATen's own limit for most operations
constexpr int kMaxIgnoredDepth = 64;           // nesting inside fields we do not know
constexpr std::int64_t kMaxDimension = std::numeric_limits<std::int64_t>::max();

std::string shown(const std::string& name) {
  const std::string text = nlohmann::json(name.substr(0, 100)).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  return name.size() > 100 ? text + "…" : text;
}

// Product with overflow check; false on overflow.
bool multiply(std::uint64_t& product, std::uint64_t factor) { return !__builtin_mul_overflow(product, factor, &product); }

// The header's grammar: {name: {"dtype": s, "shape": [n…], "data_offsets": [n, n], …}, "__metadata__": {s: s}}.
class HeaderHandler final : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderHandler(std::string where, std::map<std::string, SafetensorsEntry>& entries,
                std::map<std::string, std::string>& metadata)
      : where_(std::move(where)), entries_(entries), metadata_(metadata) {}

  bool null() override { return scalar("null"); }
  bool boolean(bool) override { return scalar("a boolean"); }
  bool number_integer(number_integer_t) override { return scalar("a negative number"); }
  bool number_float(number_float_t, const string_t& text) override {
    return scalar(("the number " + text.substr(0, 40)).c_str());
  }
  bool binary(binary_t&) override { return scalar("binary"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ == Place::kShape) {
      if (shape_.size() == kMaxDimensions) fail("shape has more than " + std::to_string(kMaxDimensions) + " dimensions");
      if (value > static_cast<std::uint64_t>(kMaxDimension)) fail("shape has a dimension of " + std::to_string(value));
      shape_.push_back(static_cast<std::int64_t>(value));
      return true;
    }
    if (place_ == Place::kOffsets) {
      if (num_offsets_ == 2) fail("data_offsets must be two numbers");
      (num_offsets_++ == 0 ? begin_ : end_) = value;
      return true;
    }
    return scalar("a number");
  }

  bool string(string_t& value) override {
    if (place_ == Place::kMetadata) {
      if (!metadata_.emplace(key_, value).second) fail_header("key " + shown(key_) + " of __metadata__ occurs twice");
      return true;
    }
    if (place_ == Place::kTensor && key_ == "dtype") {
      dtype_ = find_safetensors_dtype(value);
      if (dtype_ == nullptr) fail("unknown dtype " + shown(value));
      return true;
    }
    return scalar("a string");
  }

  bool start_object(std::size_t) override {
    if (place_ == Place::kStart) {
      place_ = Place::kHeader;
    } else if (place_ == Place::kHeader) {
      place_ = key_ == "__metadata__" ? Place::kMetadata : Place::kTensor;
      if (place_ == Place::kTensor) {
        start_tensor();
      } else if (has_metadata_) {
        fail_header("__metadata__ occurs twice");
      } else {
        has_metadata_ = true;
      }
    } else {
      scalar("an object");
      enter_ignored();
    }
    return true;
  }

  bool end_object() override {
    if (place_ == Place::kIgnored) {
      leave_ignored();
    } else if (place_ == Place::kTensor) {
      finish_tensor();
      place_ = Place::kHeader;
    } else {
      place_ = place_ == Place::kMetadata ? Place::kHeader : Place::kEnd;
    }
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::kTensor && key_ == "shape") {
      place_ = Place::kShape;
      has_shape_ = true;
    } else if (place_ == Place::kTensor && key_ == "data_offsets") {
      place_ = Place::kOffsets;
    } else {
      scalar("a list");
      enter_ignored();
    }
    return true;
  }

  bool end_array() override {
    if (place_ == Place::kIgnored) {
      leave_ignored();
    } else {
      if (place_ == Place::kOffsets && num_offsets_ != 2) fail("data_offsets must be two numbers");
      place_ = Place::kTensor;
    }
    return true;
  }

  bool key(string_t& name) override {
    if (place_ == Place::kIgnored) return true;
    key_ = name;
    if (place_ == Place::kHeader) {
      tensor_ = name;
      if (name != "__metadata__" && entries_.count(name) != 0) fail("the name occurs twice");
    } else if (place_ == Place::kTensor && !fields_.insert(name).second) {
      fail("field " + shown(name) + " occurs twice");
    }
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& error) override {
    fail_header(std::string("not valid JSON: ") + error.what());
  }

  [[noreturn]] void fail_header(const std::string& why) const { throw ModelError(where_ + ": header: " + why); }

 private:
  enum class Place { kStart, kHeader, kMetadata, kTensor, kShape, kOffsets, kIgnored, kEnd };

  [[noreturn]] void fail(const std::string& why) const { throw ModelError(where_ + ": tensor " + shown(tensor_) + ": " + why); }

  // A value at a place that wants something else; inside unknown fields anything goes.
  bool scalar(const char* what) const {
    switch (place_) {
      case Place::kStart: fail_header("not a JSON object");
      case Place::kHeader: fail(std::string("must be an object, not ") + what);
      case Place::kMetadata: fail_header("__metadata__ must map strings to strings; " + shown(key_) + " is " + what);
      case Place::kShape:
      case Place::kOffsets: fail(key_ + " must be a list of whole numbers within 64 bits, and holds " + what);
      case Place::kTensor:
        if (key_ == "dtype" || key_ == "shape" || key_ == "data_offsets") fail(key_ + " cannot be " + what);
        return true;
      case Place::kIgnored:
      case Place::kEnd: return true;
    }
    return true;
  }

  void enter_ignored() {
    place_ = Place::kIgnored;
    if (++ignored_depth_ > kMaxIgnoredDepth) fail("nested too deep");
  }
  void leave_ignored() {
    if (--ignored_depth_ == 0) place_ = Place::kTensor;
  }

  void start_tensor() {
    dtype_ = nullptr;
    has_shape_ = false;
    shape_.clear();
    num_offsets_ = 0;
    fields_.clear();
  }

  void finish_tensor() {
    if (dtype_ == nullptr) fail("no dtype");
    if (!has_shape_) fail("no shape");
    if (num_offsets_ != 2) fail("no data_offsets");
    if (end_ < begin_) fail("data_offsets end before they begin");
    std::uint64_t bits = 1;
    bool fits = true;
    for (const std::int64_t dimension : shape_) fits = fits && multiply(bits, static_cast<std::uint64_t>(dimension));
    if (!fits || !multiply(bits, static_cast<std::uint64_t>(dtype_->bits))) fail("the size of its shape overflows");
    if (bits % 8 != 0) fail("its size is not a whole number of bytes");
    if (end_ - begin_ != bits / 8) {
      fail("data_offsets span " + std::to_string(end_ - begin_) + " bytes, dtype and shape need " + std::to_string(bits / 8));
    }
    entries_.emplace(tensor_, SafetensorsEntry{dtype_, shape_, begin_, end_});
  }

  std::string where_;
  std::map<std::string, SafetensorsEntry>& entries_;
  std::map<std::string, std::string>& metadata_;
  Place place_ = Place::kStart;
  std::string tensor_;
  std::string key_;
  std::unordered_set<std::string> fields_;
  bool has_metadata_ = false;
  int ignored_depth_ = 0;
  const SafetensorsDtype* dtype_ = nullptr;
  bool has_shape_ = false;
  std::vector<std::int64_t> shape_;
  int num_offsets_ = 0;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
};

void parse_header(const std::string& where, std::string_view text, std::map<std::string, SafetensorsEntry>& entries,
                  std::map<std::string, std::string>& metadata) {
  HeaderHandler handler(where, entries, metadata);
  // The parser would skip a byte-order mark, and would take a NUL for the end and ignore what follows.
  if (text.empty() || text.front() != '{') handler.fail_header("does not begin with {");
  if (text.find('\0') != std::string_view::npos) handler.fail_header("contains a NUL byte");
  nlohmann::json::sax_parse(text, &handler);
}

void check_layout(const std::string& where, const std::map<std::string, SafetensorsEntry>& entries, std::uint64_t data_size) {
  std::vector<const std::pair<const std::string, SafetensorsEntry>*> by_offset;
  by_offset.reserve(entries.size());
  for (const auto& entry : entries) by_offset.push_back(&entry);
  std::sort(by_offset.begin(), by_offset.end(), [](const auto* a, const auto* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  std::uint64_t expected = 0;
  for (const auto* entry : by_offset) {
    if (entry->second.begin != expected) {
      throw ModelError(where + ": tensor " + shown(entry->first) + ": data begin at " + std::to_string(entry->second.begin) +
                       ", " + (entry->second.begin > expected ? "after a hole; " : "inside the tensor before it; ") +
                       std::to_string(expected) + " was expected");
    }
    expected = entry->second.end;
  }
  if (expected != data_size) {
    throw ModelError(where + ": the tensors need " + std::to_string(expected) + " bytes of data, the file holds " +
                     std::to_string(data_size) + (expected > data_size ? ": it is cut short; fetch it again" : ""));
  }
}

struct Descriptor {
  explicit Descriptor(int descriptor) : value(descriptor) {}
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int value;
};

// Maps the whole file privately: a write into a view copies the page. MAP_NORESERVE, since views are hardly ever written to and
// a checkpoint may be larger than the memory.
std::shared_ptr<std::byte> map_file(const std::string& where, std::size_t& size) {
  const Descriptor file(::open(where.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (file.value < 0 || ::fstat(file.value, &status) != 0) {
    throw ModelError(where + ": cannot be opened: " + std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) throw ModelError(where + ": not a regular file");
  size = static_cast<std::size_t>(status.st_size);
  if (size < 8) throw ModelError(where + ": " + std::to_string(size) + " bytes are too short for a safetensors file");
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file.value, 0);
  if (memory == MAP_FAILED) throw ModelError(where + ": cannot be mapped: " + std::strerror(errno));
  return {static_cast<std::byte*>(memory), [size](std::byte* start) { ::munmap(start, size); }};
}

}  // namespace

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path) {
  auto state = std::make_shared<State>();
  state->path = path;
  const std::string where = path.string();
  std::size_t size = 0;
  state->mapping = map_file(where, size);
  std::uint64_t header = 0;
  std::memcpy(&header, state->mapping.get(), 8);
  if (header > kMaxHeader) {
    throw ModelError(where + ": header of " + std::to_string(header) + " bytes: at most " + std::to_string(kMaxHeader) +
                     " are allowed; is this a safetensors file?");
  }
  if (header > size - 8) {
    throw ModelError(where + ": header of " + std::to_string(header) + " bytes in a file of " + std::to_string(size) +
                     ": it is cut short; fetch it again");
  }
  const std::string_view text(reinterpret_cast<const char*>(state->mapping.get()) + 8, header);
  parse_header(where, text, state->entries, state->metadata);
  state->data_start = 8 + header;
  check_layout(where, state->entries, size - state->data_start);
  SafetensorsFile file;
  file.state_ = std::move(state);
  return file;
}

at::Tensor SafetensorsFile::tensor(const std::string& name) const {
  const std::string where = state_->path.string() + ": tensor " + shown(name);
  const auto found = state_->entries.find(name);
  if (found == state_->entries.end()) throw ModelError(where + ": not in the file");
  const SafetensorsEntry& entry = found->second;
  const at::ScalarType type = entry.dtype->scalar_type;
  if (type == at::ScalarType::Undefined) {
    throw ModelError(where + ": dtype " + std::string(entry.dtype->name) + " cannot be loaded");
  }
  const std::uint64_t size = entry.end - entry.begin;
  std::byte* const data = state_->mapping.get() + state_->data_start + entry.begin;
  if (type == at::kBool && std::any_of(data, data + size, [](std::byte value) { return value > std::byte{1}; })) {
    throw ModelError(where + ": a BOOL byte is neither 0 nor 1");
  }
  try {
    const bool aligned = reinterpret_cast<std::uintptr_t>(data) % c10::elementSize(type) == 0;
    if (size > 0 && aligned) {
      return at::from_blob(data, entry.shape, [keep = state_](void*) {}, at::TensorOptions(type));
    }
    at::Tensor copy = at::empty(entry.shape, at::TensorOptions(type));
    if (size > 0) std::memcpy(copy.mutable_data_ptr(), data, size);
    return copy;
  } catch (const c10::Error& error) {  // a shape with a zero whose strides overflow
    throw ModelError(where + ": " + error.what_without_backtrace());
  }
}

}  // namespace grm
