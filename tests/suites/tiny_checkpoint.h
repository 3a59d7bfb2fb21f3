// A checkpoint folder small enough to judge hundreds of prompts in seconds: formula weights, one token a byte.
#pragma once

#include <filesystem>

#include <nlohmann/json.hpp>

#include "harness/files/atomic_file.h"
#include "tests/model/decoder/formula_weights.h"

namespace grm::test {

/// The byte-level alphabet of GPT-2's tokenizer: printable bytes stand for themselves, the others for code points from 256 on.
inline std::string byte_symbol(int byte, int& next) {
  const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
  const int code = printable ? byte : next++;
  if (code < 0x80) return std::string(1, static_cast<char>(code));
  return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
}

inline nlohmann::json byte_tokenizer() {
  nlohmann::json vocab = nlohmann::json::object();
  int next = 256;
  for (int byte = 0; byte < 256; ++byte) vocab[byte_symbol(byte, next)] = byte;
  const auto special = [](int id, const char* content) {
    return nlohmann::json{{"id", id},         {"content", content}, {"single_word", false}, {"lstrip", false},
                          {"rstrip", false}, {"normalized", false}, {"special", true}};
  };
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", {special(256, "<|im_start|>"), special(257, "<|im_end|>")}},
          {"normalizer", nullptr},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}}},
          {"post_processor", nullptr},
          {"decoder", {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}}},
          {"model", {{"type", "BPE"}, {"dropout", nullptr}, {"unk_token", nullptr}, {"continuing_subword_prefix", nullptr},
                     {"end_of_word_suffix", nullptr}, {"fuse_unk", false}, {"byte_fallback", false}, {"ignore_merges", false},
                     {"vocab", vocab}, {"merges", nlohmann::json::array()}}}};
}

inline void write_tiny_checkpoint(const std::filesystem::path& folder, at::ScalarType dtype, std::int64_t context) {
  nlohmann::json golden = read_golden("qwen3_default_tied");
  golden["config"]["vocab_size"] = 260;
  golden["config"]["max_position_embeddings"] = context;
  golden["config"]["eos_token_id"] = 257;
  golden["tensors"]["model.embed_tokens.weight"][0] = 260;
  std::filesystem::create_directories(folder);
  write_formula_model(golden, folder, dtype);
  write_file_atomically(folder / "tokenizer.json", byte_tokenizer().dump());
  const nlohmann::json config = {
      {"eos_token", "<|im_end|>"},
      {"chat_template", "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"}};
  write_file_atomically(folder / "tokenizer_config.json", config.dump());
}

}  // namespace grm::test
