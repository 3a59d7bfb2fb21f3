#include "model/text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "model/error.h"
#include "model/text/byte_alphabet.h"
#include "model/text/unicode.h"

namespace grm {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Byte-level BPE with ids 0..255 for the bytes, then "he", "ll", "hell", "hello".
json small() {
  json vocab;
  for (int byte = 0; byte < 256; ++byte) {
    vocab[ByteAlphabet::get().character[static_cast<std::size_t>(byte)]] = byte;
  }
  vocab.update({{"he", 256}, {"ll", 257}, {"hell", 258}, {"hello", 259}});
  return {{"version", "1.0"},
          {"added_tokens", json::array({{{"id", 260}, {"content", "<|end|>"}, {"special", true}, {"normalized", false}}})},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", {"h e", "l l", "he ll", "hell o"}}}}};
}

Tokenizer read(const json& file) { return Tokenizer::from_json(file.dump(), "tokenizer.json"); }

std::string refusal(const std::string& text) {
  try {
    Tokenizer::from_json(text, "dir/tokenizer.json");
  } catch (const ModelError& e) {
    return e.what();
  }
  return "(accepted)";
}
std::string refusal(const json& file) { return refusal(file.dump()); }

TEST(Tokenizer, EncodesAndLooksUp) {
  const Tokenizer tokenizer = read(small());
  EXPECT_THAT(tokenizer.encode("hello<|end|>hell", false), ElementsAre(259, 260, 258));
  EXPECT_EQ(tokenizer.vocab_size(), 261U);
  EXPECT_EQ(tokenizer.id_bound(), 261);
  EXPECT_EQ(tokenizer.token_id("<|end|>"), 260);
  EXPECT_EQ(tokenizer.token_id("hello"), 259);
  EXPECT_EQ(tokenizer.token_id("nothing"), std::nullopt);
  EXPECT_EQ(*tokenizer.token(256), "he");
  EXPECT_EQ(tokenizer.token(-1), nullptr);
  EXPECT_EQ(tokenizer.token(1000), nullptr);
  EXPECT_TRUE(tokenizer.is_special(260));
  EXPECT_FALSE(tokenizer.is_special(259));
}

TEST(Tokenizer, DecodesUnknownIdsAsNothingAndBrokenBytesAsReplacement) {
  const Tokenizer tokenizer = read(small());
  const std::vector<std::int32_t> ids = {259, -5, 9999, 260, 0xE2, 0x82, 259};
  EXPECT_EQ(tokenizer.decode(ids, false), "hello<|end|>\xEF\xBF\xBDhello");
  EXPECT_EQ(tokenizer.decode(ids, true), "hello\xEF\xBF\xBDhello");
}

TEST(Tokenizer, IllFormedInputCountsAsReplacementCharacters) {
  const Tokenizer tokenizer = read(small());
  EXPECT_EQ(tokenizer.encode("a\xFF\xE2\x82z\xED\xA0\x80", false),
            tokenizer.encode("a\xEF\xBF\xBD\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", false));
}

TEST(Tokenizer, IncrementalDecoderHoldsBackUnfinishedCharacters) {
  const Tokenizer tokenizer = read(small());
  IncrementalDecoder decoder(tokenizer, false);
  EXPECT_EQ(decoder.push(0xF0), "");
  EXPECT_EQ(decoder.push(0x9F), "");
  EXPECT_EQ(decoder.push(0x98), "");
  EXPECT_EQ(decoder.push(0x80), "\xF0\x9F\x98\x80");
  EXPECT_EQ(decoder.push(0xE2), "");
  EXPECT_EQ(decoder.push(259), "\xEF\xBF\xBDhello");
  EXPECT_EQ(decoder.push(0xC3), "");
  EXPECT_EQ(decoder.finish(), "\xEF\xBF\xBD");
  EXPECT_EQ(decoder.finish(), "");
}

TEST(Tokenizer, LongPiecesMergeAsShortOnesDo) {
  const Tokenizer tokenizer = read(small());
  std::string text;
  std::vector<std::int32_t> expected;
  for (int i = 0; i < 400; ++i) {
    text += "hello";
    expected.push_back(259);
  }
  EXPECT_EQ(tokenizer.encode(text, false), expected);
}

TEST(Tokenizer, ManyThreadsGetTheSameIds) {
  const Tokenizer tokenizer = read(small());
  std::vector<std::string> texts;
  std::vector<std::vector<std::int32_t>> expected;
  for (int i = 0; i < 200; ++i) {
    texts.push_back("hello hell " + std::to_string(i * 7919) + " he\xC3\xA9llo<|end|>");
    expected.push_back(read(small()).encode(texts.back(), false));
  }
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < texts.size(); ++i) {
        wrong += tokenizer.encode(texts[i], false) != expected[i];
        wrong += tokenizer.decode(expected[i], false) != texts[i];
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(wrong, 0);
}

// The tokenizers library carries an Oniguruma of Unicode 16, the system one knows Unicode 14: a letter assigned since then
// (U+1E4D0, Unicode 15) may be no letter to us. Its bytes stay the same, the cut beside it may differ.
TEST(Tokenizer, LettersNewerThanTheRegexEngineMayBeCutOtherwise) {
  json file = small();
  file["model"]["vocab"]["a\xC3\xB0"] = 260;  // "a" and the letter's first byte: merged only within one piece
  file["model"]["merges"].push_back("a \xC3\xB0");
  file["added_tokens"] = json::array();
  file["pre_tokenizer"] = {{"type", "Sequence"},
                           {"pretokenizers",
                            {{{"type", "Split"}, {"pattern", {{"Regex", "\\p{L}+"}}}, {"behavior", "Isolated"}},
                             {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}}}};
  const Tokenizer tokenizer = read(file);
  const std::vector<std::int32_t> ids = tokenizer.encode("a\xF0\x9E\x93\x90", false);
  EXPECT_THAT(ids, ::testing::AnyOf(ElementsAre(260, 0x9E, 0x93, 0x90), ElementsAre('a', 0xF0, 0x9E, 0x93, 0x90)));
  EXPECT_EQ(tokenizer.decode(ids, false), "a\xF0\x9E\x93\x90");
  EXPECT_THAT(tokenizer.encode("a\xF0\x9D\x90\x80", false), ElementsAre(260, 0x9D, 0x90, 0x80));  // an old letter
}

TEST(TokenizerRefuses, UnknownComponentsByName) {
  const auto with = [](const char* key, json value) {
    json file = small();
    file[key] = std::move(value);
    return refusal(file);
  };
  EXPECT_THAT(with("normalizer", {{"type", "Precompiled"}}),
              HasSubstr("dir/tokenizer.json: normalizer: normalizer type \"Precompiled\""));
  EXPECT_THAT(with("pre_tokenizer", {{"type", "UnicodeScripts"}}), HasSubstr("\"UnicodeScripts\" is not supported"));
  EXPECT_THAT(with("pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", {{{"type", "Digits"}}, {{"type", "Metaspace"}}}}}),
              HasSubstr("pre_tokenizer.pretokenizers[1]"));
  EXPECT_THAT(with("decoder", {{"type", "WordPiece"}}), HasSubstr("\"WordPiece\" is not supported"));
  EXPECT_THAT(with("post_processor", {{"type", "BertProcessing"}}), HasSubstr("\"BertProcessing\" is not supported"));
  EXPECT_THAT(with("model", {{"type", "Unigram"}}), HasSubstr("\"Unigram\" is not supported"));
  EXPECT_THAT(with("surprise", 1), HasSubstr("unknown field \"surprise\""));
  EXPECT_THAT(with("version", "2.0"), HasSubstr("version 2.0"));
  EXPECT_THAT(with("normalizer", {{"type", "NFC"}, {"extra", 1}}), HasSubstr("unknown field \"extra\""));
  EXPECT_THAT(with("normalizer", 3), HasSubstr("expected an object"));
  EXPECT_THAT(with("pre_tokenizer", {{"type", "Split"}, {"pattern", {{"Regex", "("}}}, {"behavior", "Isolated"}}),
              HasSubstr("bad regular expression"));
  EXPECT_THAT(with("pre_tokenizer", {{"type", "Split"}, {"pattern", {{"String", ""}}}, {"behavior", "Isolated"}}),
              HasSubstr("empty pattern"));
  EXPECT_THAT(with("pre_tokenizer", {{"type", "Split"}, {"pattern", {{"String", "a"}}}, {"behavior", "Sideways"}}),
              HasSubstr("\"Sideways\""));
}

TEST(TokenizerRefuses, InconsistentVocabularies) {
  json file = small();
  file["model"]["vocab"]["twin"] = 3;
  EXPECT_THAT(refusal(file), HasSubstr("id 3 belongs to another token already"));
  for (const json& id : {json(-1), json(1e9), json("7"), json(7.5), json(std::uint64_t{1} << 63), json(nullptr)}) {
    file = small();
    file["model"]["vocab"]["he"] = id;
    EXPECT_THAT(refusal(file), HasSubstr("expected an integer")) << id;
  }
  file = small();
  file["model"]["merges"].push_back("he no");
  EXPECT_THAT(refusal(file), HasSubstr("merges[4]: token \"no\" is not in the vocabulary"));
  file["model"]["merges"].back() = "h";
  EXPECT_THAT(refusal(file), HasSubstr("one space"));
  file["model"]["merges"].back() = "h e l";
  EXPECT_THAT(refusal(file), HasSubstr("one space"));
  file["model"]["merges"].back() = json::array({"h"});
  EXPECT_THAT(refusal(file), HasSubstr("expected two tokens"));
  file["model"]["merges"].back() = json::array({"l", "h"});
  EXPECT_THAT(refusal(file), HasSubstr("\"lh\" is not in the vocabulary"));
  file = small();
  file["model"]["dropout"] = 0.1;
  EXPECT_THAT(refusal(file), HasSubstr("dropout"));
  file = small();
  file["added_tokens"][0]["id"] = 12;
  EXPECT_THAT(refusal(file), HasSubstr("belongs to"));
  file["added_tokens"][0] = {{"id", 3}, {"content", "hello"}};
  EXPECT_THAT(refusal(file), HasSubstr("is 259 in the model's vocabulary"));
  file["added_tokens"][0] = {{"id", 300}, {"content", "far"}};
  EXPECT_THAT(refusal(file), HasSubstr("the next free id is 260"));
  file["added_tokens"][0] = {{"id", 260}, {"content", ""}};
  EXPECT_THAT(refusal(file), HasSubstr("empty token"));
  file = small();
  file["added_tokens"].push_back(file["added_tokens"][0]);
  EXPECT_THAT(refusal(file), HasSubstr("listed twice"));
}

TEST(TokenizerRefuses, BrokenAndHostileJson) {
  EXPECT_THAT(refusal(std::string("{")), HasSubstr("not valid JSON at byte"));
  EXPECT_THAT(refusal(std::string("[]")), HasSubstr("expected an object"));
  EXPECT_THAT(refusal(std::string(R"({"model":{"vocab":{"a":1,"a":2}}})")), HasSubstr("key \"a\" appears twice"));
  EXPECT_THAT(refusal(std::string(2'000'000, '[')), HasSubstr("nested deeper"));
  std::string nested = R"({"normalizer":)";
  for (int i = 0; i < 100'000; ++i) {
    nested += R"({"type":"Sequence","normalizers":[)";
  }
  EXPECT_THAT(refusal(nested), HasSubstr("nested deeper"));
  EXPECT_THROW(Tokenizer::load("/nowhere/tokenizer.json"), ModelError);
}

TEST(TokenizerRefuses, CatastrophicPatterns) {
  json file = small();
  file["pre_tokenizer"] = {{"type", "Split"}, {"pattern", {{"Regex", "(a|aa)+[0-9]"}}}, {"behavior", "Isolated"}};
  const Tokenizer tokenizer = read(file);
  try {
    tokenizer.encode(std::string(60, 'a') + "!7", false);
    FAIL() << "an exponential pattern came to an end";
  } catch (const ModelError& e) {
    EXPECT_THAT(e.what(), HasSubstr("cannot be run on this text"));
  }
}

TEST(Tokenizer, WordOutsideTheVocabularyWithoutUnknownTokenIsAnError) {
  const Tokenizer tokenizer = read({{"model", {{"type", "WordLevel"}, {"vocab", {{"a", 0}}}, {"unk_token", "<unk>"}}}});
  EXPECT_THAT(tokenizer.encode("a", false), ElementsAre(0));
  EXPECT_THROW(tokenizer.encode("b", false), ModelError);
}

TEST(Unicode, CompletePrefix) {
  EXPECT_EQ(complete_utf8_prefix("abc"), 3U);
  EXPECT_EQ(complete_utf8_prefix("a\xC3"), 1U);
  EXPECT_EQ(complete_utf8_prefix("a\xE2\x82"), 1U);
  EXPECT_EQ(complete_utf8_prefix("a\xE2\x82\xAC"), 4U);
  EXPECT_EQ(complete_utf8_prefix("a\xF0\x9F\x98"), 1U);
  EXPECT_EQ(complete_utf8_prefix("a\xED\xA0"), 3U);  // can become nothing
  EXPECT_EQ(complete_utf8_prefix("\x80\x80\x80\x80"), 4U);
  EXPECT_EQ(complete_utf8_prefix(""), 0U);
}

}  // namespace
}  // namespace grm
