#include "model/decoder/config.h"

#include <cmath>
#include <limits>
#include <utility>

#include "model/error.h"
#include "model/weights/json_file.h"

namespace grm {
namespace {

using nlohmann::json;

// Beyond any model of these architectures: a larger value is a broken or hostile file, not a size to try to allocate.
constexpr std::int64_t kMaxVocabulary = std::int64_t{1} << 24;
constexpr std::int64_t kMaxWidth = std::int64_t{1} << 22;
constexpr std::int64_t kMaxLayers = 4096;
constexpr std::int64_t kMaxHeads = 1 << 16;
constexpr std::int64_t kMaxHeadDim = 1 << 13;
constexpr std::int64_t kMaxPositions = std::int64_t{1} << 30;
constexpr double kMaxScale = 1e12;

// Reads fields of one JSON object; every error names file, field and value. `null` counts as absent, as in the files.
class Fields {
 public:
  Fields(std::string where, const json& object, std::string prefix = "")
      : where_(std::move(where)), prefix_(std::move(prefix)), object_(object) {
    if (!object_.is_object()) throw ModelError(where_ + ": " + (prefix_.empty() ? "" : prefix_ + " is ") + "not a JSON object");
  }

  [[noreturn]] void refuse(const std::string& field, const std::string& why) const {
    std::string value = has(field) ? object_[field].dump(-1, ' ', true, json::error_handler_t::replace) : "absent";
    if (value.size() > 200) value = value.substr(0, 200) + "…";
    throw ModelError(where_ + ": " + prefix_ + field + " is " + value + ": " + why);
  }

  bool has(const std::string& field) const { return object_.contains(field) && !object_[field].is_null(); }
  bool contains(const std::string& field) const { return object_.contains(field); }
  const json& at(const std::string& field) const { return object_.at(field); }

  std::int64_t integer(const std::string& field, std::int64_t low, std::int64_t high) const {
    if (!has(field)) refuse(field, "the field is needed");
    return checked_integer(object_[field], field, low, high);
  }
  std::int64_t integer_or(const std::string& field, std::int64_t fallback, std::int64_t low, std::int64_t high) const {
    return has(field) ? integer(field, low, high) : fallback;
  }
  std::int64_t checked_integer(const json& value, const std::string& field, std::int64_t low, std::int64_t high) const {
    const std::string range = "must be an integer from " + std::to_string(low) + " to " + std::to_string(high);
    if (!value.is_number_integer()) refuse(field, range);
    if (value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(high)) refuse(field, range);
    const auto number = value.get<std::int64_t>();
    if (number < low || number > high) refuse(field, range);
    return number;
  }

  double number(const std::string& field, double low, double high) const {
    if (!has(field)) refuse(field, "the field is needed");
    const double value = object_[field].is_number() ? object_[field].get<double>() : std::numeric_limits<double>::quiet_NaN();
    if (!(value >= low && value <= high)) {
      refuse(field, "must be a number from " + json(low).dump() + " to " + json(high).dump());
    }
    return value;
  }
  double number_or(const std::string& field, double fallback, double low, double high) const {
    return has(field) ? number(field, low, high) : fallback;
  }

  bool boolean_or(const std::string& field, bool fallback) const {
    if (!has(field)) return fallback;
    if (!object_[field].is_boolean()) refuse(field, "must be true or false");
    return object_[field].get<bool>();
  }
  std::string text_or(const std::string& field, const std::string& fallback) const {
    if (!has(field)) return fallback;
    if (!object_[field].is_string()) refuse(field, "must be a string");
    return object_[field].get<std::string>();
  }

 private:
  std::string where_;
  std::string prefix_;
  const json& object_;
};

constexpr const char* kSupported =
    "supported are LlamaForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM and their …ForSequenceClassification";

void read_architecture(const Fields& fields, DecoderConfig& config) {
  const std::string model_type = fields.text_or("model_type", "");
  std::string class_name;
  if (fields.has("architectures")) {
    const json& names = fields.at("architectures");
    if (!names.is_array() || names.size() != 1 || !names[0].is_string()) {
      fields.refuse("architectures", "must be a list of one class name");
    }
    class_name = names[0].get<std::string>();
  }
  const std::pair<Architecture, std::pair<const char*, const char*>> known[] = {
      {Architecture::kLlama, {"llama", "Llama"}},
      {Architecture::kQwen2, {"qwen2", "Qwen2"}},
      {Architecture::kQwen3, {"qwen3", "Qwen3"}}};
  for (const auto& [architecture, names] : known) {
    const std::string prefix = names.second;
    const bool is_classifier = class_name == prefix + "ForSequenceClassification";
    if (!class_name.empty() && class_name != prefix + "ForCausalLM" && !is_classifier) continue;
    if (!model_type.empty() && model_type != names.first) {
      if (class_name.empty()) continue;
      fields.refuse("model_type", "does not belong to architecture " + class_name);
    }
    if (class_name.empty() && model_type.empty()) break;
    config.architecture = architecture;
    config.num_labels = is_classifier ? 1 : 0;  // the count is read later
    return;
  }
  fields.refuse(class_name.empty() ? "model_type" : "architectures", kSupported);
}

void refuse_unsupported(const Fields& fields) {
  for (const char* field : {"quantization_config", "compression_config"}) {
    if (fields.has(field)) fields.refuse(field, "quantized weights are not supported; use the unquantized checkpoint");
  }
  if (fields.has("per_layer_config")) fields.refuse("per_layer_config", "layers that differ in size are not supported");
  if (fields.text_or("hidden_act", "silu") != "silu") fields.refuse("hidden_act", "only \"silu\" is supported");
}

void read_heads(const Fields& fields, DecoderConfig& config) {
  config.num_heads = fields.integer("num_attention_heads", 1, kMaxHeads);
  // A Llama file without the field means plain multi-head attention; transformers' default for Qwen is 32 whatever the number of
  // heads, which no file can mean.
  if (config.architecture == Architecture::kLlama || fields.contains("num_key_value_heads")) {
    config.num_kv_heads = fields.integer_or("num_key_value_heads", config.num_heads, 1, kMaxHeads);
  } else {
    fields.refuse("num_key_value_heads", "the field is needed");
  }
  if (config.num_heads % config.num_kv_heads != 0) {
    fields.refuse("num_key_value_heads", "does not divide num_attention_heads = " + std::to_string(config.num_heads));
  }
  const bool divides = config.hidden_size % config.num_heads == 0;
  if (config.architecture == Architecture::kQwen3) {
    if (fields.contains("head_dim") && !fields.has("head_dim")) fields.refuse("head_dim", "must be an integer for Qwen3");
    config.head_dim = fields.integer_or("head_dim", 128, 1, kMaxHeadDim);
  } else {
    const bool needs_quotient = config.architecture == Architecture::kLlama || !fields.has("head_dim");
    if (needs_quotient && !divides) {
      fields.refuse("num_attention_heads", "does not divide hidden_size = " + std::to_string(config.hidden_size));
    }
    config.head_dim = fields.integer_or("head_dim", config.hidden_size / config.num_heads, 1, kMaxHeadDim);
  }
  if (config.head_dim % 2 != 0 || config.head_dim > kMaxHeadDim) {
    fields.refuse(fields.has("head_dim") ? "head_dim" : "num_attention_heads",
                  "gives heads of width " + std::to_string(config.head_dim) +
                      "; rotary embeddings need an even width of at most " + std::to_string(kMaxHeadDim));
  }
}

void read_biases(const Fields& fields, DecoderConfig& config) {
  const bool attention_bias = fields.boolean_or("attention_bias", false);
  switch (config.architecture) {
    case Architecture::kLlama:
      config.qkv_bias = config.o_bias = attention_bias;
      config.mlp_bias = fields.boolean_or("mlp_bias", false);
      break;
    case Architecture::kQwen2:
      config.qkv_bias = true;  // always; the field is not read
      break;
    case Architecture::kQwen3:
      config.qkv_bias = config.o_bias = attention_bias;
      config.qk_norm = true;
      break;
  }
}

RopeType read_rope_type(const Fields& rope) {
  // Before transformers 4.45 the key was `type`.
  const char* key = rope.has("rope_type") ? "rope_type" : "type";
  const std::string name = rope.text_or(key, "default");
  if (name == "default") return RopeType::kDefault;
  if (name == "linear") return RopeType::kLinear;
  if (name == "llama3") return RopeType::kLlama3;
  if (name == "yarn") return RopeType::kYarn;
  rope.refuse(key, "supported RoPE types are default, linear, llama3 and yarn");
}

void read_llama3(const Fields& rope, RopeConfig& config) {
  config.low_freq_factor = rope.number("low_freq_factor", 1e-6, kMaxScale);
  config.high_freq_factor = rope.number("high_freq_factor", 1e-6, kMaxScale);
  if (config.high_freq_factor <= config.low_freq_factor) {
    rope.refuse("high_freq_factor", "must be above low_freq_factor");
  }
}

void read_yarn(const Fields& rope, std::int64_t max_position, RopeConfig& config) {
  if (!rope.has("factor")) {  // an explicit null means the ratio of the contexts
    config.factor = static_cast<double>(max_position) / static_cast<double>(config.original_max_position);
  }
  if (rope.has("attention_factor")) config.attention_factor = rope.number("attention_factor", 0, kMaxScale);
  // `or`, not "absent": 0 means the default too.
  const double beta_fast = rope.number_or("beta_fast", 0, 0, kMaxScale);
  const double beta_slow = rope.number_or("beta_slow", 0, 0, kMaxScale);
  if (beta_fast != 0) config.beta_fast = beta_fast;
  if (beta_slow != 0) config.beta_slow = beta_slow;
  config.mscale = rope.number_or("mscale", 0, 0, kMaxScale);
  config.mscale_all_dim = rope.number_or("mscale_all_dim", 0, 0, kMaxScale);
  if (rope.contains("truncate") && !rope.has("truncate")) rope.refuse("truncate", "must be true or false");
  config.truncate = rope.boolean_or("truncate", true);
  if (config.theta <= 1) rope.refuse("rope_theta", "must be above 1 for yarn");
}

// transformers 5: one object rope_parameters; 4: rope_theta beside rope_scaling. Where both are there, rope_scaling wins, and a
// rope_theta inside the object wins over the one outside.
RopeConfig read_rope(const Fields& fields, const std::string& where, std::int64_t max_position) {
  RopeConfig config;
  static const json kEmpty = json::object();
  const auto filled = [&](const char* field) { return fields.has(field) && !fields.at(field).empty(); };
  const std::string name = filled("rope_scaling") ? "rope_scaling" : "rope_parameters";
  const Fields rope(where, filled(name.c_str()) ? fields.at(name) : kEmpty, name + ".");
  for (const char* layer_type : {"full_attention", "sliding_attention"}) {
    if (rope.has(layer_type)) rope.refuse(layer_type, "RoPE that differs by layer type is not supported for this architecture");
  }
  for (const Fields* place : {&fields, &rope}) {
    if (place->number_or("partial_rotary_factor", 1, 0, 1) != 1) {
      place->refuse("partial_rotary_factor", "partial rotary embeddings are not supported");
    }
  }
  const Fields& theta_place = rope.has("rope_theta") ? rope : fields;
  config.theta = theta_place.number_or("rope_theta", 10000, 1, kMaxScale);
  config.type = read_rope_type(rope);
  if (config.type == RopeType::kDefault) return config;

  const bool null_factor = config.type == RopeType::kYarn && rope.contains("factor") && !rope.has("factor");
  if (!null_factor) config.factor = rope.number("factor", 1e-6, kMaxScale);
  if (config.type == RopeType::kLinear) return config;

  const Fields& context_place = fields.has("original_max_position_embeddings") ? fields : rope;
  config.original_max_position = context_place.integer_or("original_max_position_embeddings", max_position, 1, kMaxPositions);
  if (config.type == RopeType::kLlama3) {
    read_llama3(rope, config);
  } else {
    read_yarn(rope, max_position, config);
  }
  return config;
}

// Layers from max_window_layers on slide (transformers, Qwen2Config.__post_init__), unless layer_types says it layer by layer.
void read_sliding_window(const Fields& fields, DecoderConfig& config) {
  config.sliding_window.assign(static_cast<std::size_t>(config.num_layers), 0);
  if (config.architecture == Architecture::kLlama) return;
  const bool used = fields.boolean_or("use_sliding_window", false);
  // An explicit null switches it off, as use_sliding_window = false does; 4096 is transformers' default.
  const bool off = !used || (fields.contains("sliding_window") && !fields.has("sliding_window"));
  const std::int64_t window = off ? 0 : fields.integer_or("sliding_window", 4096, 1, kMaxPositions);
  if (!fields.has("layer_types")) {
    const std::int64_t full_layers = fields.integer_or("max_window_layers", 28, 0, std::numeric_limits<std::int32_t>::max());
    for (std::int64_t layer = full_layers; layer < config.num_layers; ++layer) {
      config.sliding_window[static_cast<std::size_t>(layer)] = window;
    }
    return;
  }
  const json& types = fields.at("layer_types");
  if (!types.is_array() || types.size() != config.sliding_window.size()) {
    fields.refuse("layer_types",
                  "must be a list with one entry for each of the " + std::to_string(config.num_layers) + " layers");
  }
  for (std::size_t layer = 0; layer < types.size(); ++layer) {
    if (types[layer] == "sliding_attention") {
      if (window == 0) fields.refuse("layer_types", "has sliding_attention, but the sliding window is switched off");
      config.sliding_window[layer] = window;
    } else if (types[layer] != "full_attention") {
      fields.refuse("layer_types", "supported are full_attention and sliding_attention");
    }
  }
}

std::optional<std::int32_t> read_token(const Fields& fields, const std::string& field, std::int64_t vocab_size) {
  if (!fields.has(field)) return std::nullopt;
  // Older files write -1 for "none".
  const std::int64_t token = fields.integer(field, -1, vocab_size - 1);
  return token < 0 ? std::nullopt : std::optional(static_cast<std::int32_t>(token));
}

std::vector<std::int32_t> read_eos(const Fields& fields, std::int64_t vocab_size) {
  const json& value = fields.at("eos_token_id");
  const json list = value.is_array() ? value : json::array({value});
  std::vector<std::int32_t> tokens;
  for (const json& token : list) {
    tokens.push_back(static_cast<std::int32_t>(fields.checked_integer(token, "eos_token_id", 0, vocab_size - 1)));
  }
  return tokens;
}

void read_tokens(const Fields& fields, const std::filesystem::path& folder, DecoderConfig& config) {
  config.bos_token_id = read_token(fields, "bos_token_id", config.vocab_size);
  config.pad_token_id = read_token(fields, "pad_token_id", config.vocab_size);
  const std::filesystem::path path = folder / "generation_config.json";
  if (std::filesystem::exists(path)) {
    const json object = read_json_file(path);
    const Fields generation(path.string(), object);
    if (generation.has("eos_token_id")) {
      config.eos_token_ids = read_eos(generation, config.vocab_size);
      return;
    }
  }
  if (fields.has("eos_token_id")) config.eos_token_ids = read_eos(fields, config.vocab_size);
}

// transformers saves id2label unless there are two labels.
std::int64_t read_num_labels(const Fields& fields) {
  if (!fields.has("id2label")) return fields.integer_or("num_labels", 2, 1, kMaxVocabulary);
  const json& labels = fields.at("id2label");
  if (!labels.is_object() || labels.empty()) fields.refuse("id2label", "must be an object with one entry for each label");
  return static_cast<std::int64_t>(labels.size());
}

}  // namespace

DecoderConfig load_decoder_config(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "config.json";
  const json object = read_json_file(path);
  const Fields fields(path.string(), object);
  DecoderConfig config;
  read_architecture(fields, config);
  refuse_unsupported(fields);
  config.vocab_size = fields.integer("vocab_size", 1, kMaxVocabulary);
  config.hidden_size = fields.integer("hidden_size", 1, kMaxWidth);
  config.intermediate_size = fields.integer("intermediate_size", 1, kMaxWidth);
  config.num_layers = fields.integer("num_hidden_layers", 1, kMaxLayers);
  config.max_position = fields.integer("max_position_embeddings", 1, kMaxPositions);
  config.rms_norm_eps = fields.number_or("rms_norm_eps", 1e-6, 0, 1);
  config.tied_embeddings = fields.boolean_or("tie_word_embeddings", false);
  config.dtype = fields.text_or(fields.has("dtype") ? "dtype" : "torch_dtype", "");
  read_heads(fields, config);
  read_biases(fields, config);
  config.rope = read_rope(fields, path.string(), config.max_position);
  read_sliding_window(fields, config);
  read_tokens(fields, folder, config);
  if (config.num_labels > 0) config.num_labels = read_num_labels(fields);
  return config;
}

const char* architecture_name(Architecture architecture) {
  switch (architecture) {
    case Architecture::kLlama: return "Llama";
    case Architecture::kQwen2: return "Qwen2";
    case Architecture::kQwen3: return "Qwen3";
  }
  return "";
}

}  // namespace grm
