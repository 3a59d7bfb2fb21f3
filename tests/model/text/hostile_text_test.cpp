// Templates and tokenizer files that were not written in good faith, and mutations of good ones: an error or a result, never
// a crash, a hang or unbounded memory. Meant to run under the sanitizers too.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "model/error.h"
#include "model/text/jinja.h"
#include "model/text/tokenizer.h"

namespace grm {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::HasSubstr;

std::string repeat(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) {
    out += text;
  }
  return out;
}

std::string outcome(const std::string& source, const Json& variables = Json::object()) {
  try {
    return JinjaTemplate(source, "hostile").render(variables);
  } catch (const ModelError& e) {
    return std::string("error: ") + e.what();
  }
}

TEST(HostileTemplate, EndlessWorkIsStopped) {
  EXPECT_THAT(outcome("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"), HasSubstr("steps"));
  EXPECT_THAT(outcome("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), HasSubstr("recursion"));
  EXPECT_THAT(outcome("{% macro m(n) %}{{ m(n) }}{{ m(n) }}{% endmacro %}{{ m(1) }}"), HasSubstr("recursion"));
  EXPECT_THAT(outcome("{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}"),
              HasSubstr("steps"));
  EXPECT_THAT(outcome("{% for x in [[]] recursive %}{{ loop([[]]) }}{% endfor %}"), HasSubstr("recursion"));
}

TEST(HostileTemplate, EndlessSizeIsStopped) {
  const std::string doubling = "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}";
  EXPECT_THAT(outcome(doubling), HasSubstr("grows beyond"));
  EXPECT_THAT(outcome("{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}"),
              HasSubstr("error"));
  EXPECT_THAT(outcome("{{ 'x' * 9999999999 }}"), HasSubstr("grows beyond"));
  EXPECT_THAT(outcome("{{ [1] * 9999999999 }}"), HasSubstr("grows beyond"));
  EXPECT_THAT(outcome("{% for i in range(99999) %}{{ 'x' * 100000 }}{% endfor %}"), HasSubstr("error"));
  EXPECT_THAT(outcome("{{ 'ab'.replace('', 'x' * 1000000).replace('', 'y' * 100000) }}"), HasSubstr("grows beyond"));
  EXPECT_THAT(outcome("{{ '%999999999d' % 1 }}"), HasSubstr("larger than"));
  EXPECT_THAT(outcome("{{ '{:999999999d}'.format(1) }}"), HasSubstr("larger than"));
  EXPECT_THAT(outcome("{{ 2 ** 99999 }}"), HasSubstr("64 bits"));
  EXPECT_THAT(outcome("{{ 9223372036854775807 + 1 }}"), HasSubstr("64 bits"));
  EXPECT_THAT(outcome("{{ -9223372036854775807 - 2 }}"), HasSubstr("64 bits"));
  EXPECT_EQ(outcome("{{ (-9223372036854775807 - 1) % -1 }}"), "0");
  EXPECT_THAT(outcome("{{ (-9223372036854775807 - 1) // -1 }}"), HasSubstr("64 bits"));
  EXPECT_EQ(outcome("{{ [1, 2][::9223372036854775807] }}{{ [1][-9223372036854775807:] }}"), "[1][1]");
}

TEST(HostileTemplate, DeepNestingIsRefused) {
  for (const auto& [open, close] :
       {std::pair{"(", ")"}, {"[", "]"}, {"{1:", "}"}, {"-", ""}, {"not ", ""}, {"a[", "]"}, {"f(", ")"}}) {
    EXPECT_THAT(outcome("{{ " + repeat(open, 100'000) + "1" + repeat(close, 100'000) + " }}"), HasSubstr("error")) << open;
  }
  EXPECT_THAT(outcome("{{ 1" + repeat("+1", 100'000) + " }}"), HasSubstr("too many terms"));
  EXPECT_THAT(outcome("{{ x" + repeat(".a", 100'000) + " }}"), HasSubstr("too long"));
  EXPECT_THAT(outcome("{{ x" + repeat("|trim", 100'000) + " }}"), HasSubstr("too long"));
  EXPECT_THAT(outcome("{{ 1" + repeat(" if 1 else 1", 100'000) + " }}"), HasSubstr("error"));
  EXPECT_THAT(outcome(repeat("{% if 1 %}", 100'000)), HasSubstr("nested deeper"));
  EXPECT_THAT(outcome("{% if 1 %}" + repeat("{% elif 1 %}", 50'000) + "{% endif %}"), ::testing::IsEmpty());
}

TEST(HostileTemplate, RingsAndChainsOfValuesEnd) {
  EXPECT_THAT(outcome("{% set n = namespace() %}{% set n.n = n %}{{ n }}"), HasSubstr("nested deeper"));
  EXPECT_EQ(outcome("{% set n = namespace() %}{% set n.n = n %}{{ n.n.n.n == n }}"), "True");
  EXPECT_THAT(outcome("{% set n = namespace(x=[]) %}{% for i in range(9999) %}{% set n.x = [n.x] %}{% endfor %}"),
              HasSubstr("nested deeper"));
  EXPECT_EQ(outcome("{% set h = namespace(p=none) %}{% for i in range(50000) %}{% set c = namespace(p=h.p) %}{% set h.p = c %}{% "
                    "endfor %}ok"),
            "ok");
  EXPECT_THAT(outcome("{% set n = namespace() %}{% macro m() %}{% macro i() %}x{% endmacro %}{% set n.f = i %}{% endmacro %}{{ "
                      "m() }}{{ n.f() }}"),
              ::testing::AnyOf("x", HasSubstr("error")));
}

TEST(HostileTemplate, NothingOutsideCanBeReached) {
  for (const char* expression :
       {"''.__class__.__mro__", "[].__class__", "messages.__init__.__globals__", "namespace.__init__", "range.__self__"}) {
    EXPECT_THAT(outcome(std::string("{{ ") + expression + ".x }}"), HasSubstr("error")) << expression;
  }
}

std::string mutate(std::string text, std::mt19937& random) {
  const auto any = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  static const std::vector<std::string> kPieces = {
      "{{", "}}", "{%",  "%}", "{#", "#}",    "-",    "(",        ")",    "[",      "]", "|",    ".",  "'", "\"", "\\",
      "0",  "is", "for", "in", "if", "endif", "\xFF", "\xE2\x82", "loop", "[::-1]", "~", "None", "\n", ",", ":",  "9"};
  const std::size_t changes = 1 + any(6);
  for (std::size_t i = 0; i < changes && !text.empty(); ++i) {
    const std::size_t at = any(text.size());
    switch (any(4)) {
      case 0: text.erase(at, 1 + any(8)); break;
      case 1: text.insert(at, kPieces[any(kPieces.size())]); break;
      case 2: text[at] = static_cast<char>(any(256)); break;
      default: text.insert(any(text.size()), text.substr(at, 1 + any(30)));
    }
  }
  return text;
}

TEST(HostileTemplate, MutationsOfGoodTemplatesNeverCrash) {
  const Json file = Json::parse(std::ifstream(GRM_SOURCE_DIR "/tests/model/text/goldens/jinja.json"));
  std::mt19937 random(17);
  int rendered = 0;
  for (const Json& item : file["cases"]) {
    const std::string source = item.contains("source") ? item["source"] : file["templates"][item["template"].get<std::string>()];
    const Json& variables = item["variables"].is_string() ? file["default"] : item["variables"];
    for (int round = 0; round < 12; ++round) {
      rendered += outcome(mutate(source, random), variables).starts_with("error: ") ? 0 : 1;
    }
  }
  EXPECT_GT(rendered, 0);
}

TEST(HostileTemplate, RandomBytesNeverCrash) {
  std::mt19937 random(18);
  for (int round = 0; round < 3000; ++round) {
    std::string source = round % 2 == 0 ? "{{ " : "{% if ";
    const int size = std::uniform_int_distribution<int>(0, 60)(random);
    for (int i = 0; i < size; ++i) {
      source +=
          static_cast<char>(std::uniform_int_distribution<int>(round % 3 == 0 ? 0 : 32, round % 3 == 0 ? 255 : 126)(random));
    }
    outcome(source + (round % 5 == 0 ? " }}" : " %}x{% endif %}"));
  }
}

TEST(HostileTokenizer, MutatedFilesNeverCrash) {
  const auto file = nlohmann::json::parse(std::ifstream(GRM_SOURCE_DIR "/tests/model/text/goldens/tokenizers.json"));
  std::mt19937 random(19);
  int read = 0;
  for (const auto& golden : file["tokenizers"]) {
    nlohmann::json tokenizer = golden["tokenizer"];
    tokenizer["model"] = file["models"][golden["model"].get<std::size_t>()];
    const std::string whole = tokenizer.dump();
    const std::string frame = golden["tokenizer"].dump();
    for (int round = 0; round < 25; ++round) {
      // Half of the changes fall on the parts that are not the vocabulary.
      const std::string text =
          round % 2 == 0 ? mutate(whole, random)
                         : mutate(frame.substr(0, frame.size() - 1), random) + ",\"model\":" + tokenizer["model"].dump() + "}";
      try {
        const Tokenizer changed = Tokenizer::from_json(text, "mutated");
        ++read;
        const auto ids = changed.encode("Hello <s> w\xC3\xB6rld 123\xFF  <|x|> it's", true);
        changed.decode(ids, false);
        IncrementalDecoder decoder(changed, true);
        for (const std::int32_t id : ids) {
          decoder.push(id);
        }
        decoder.finish();
      } catch (const ModelError&) {
      }
    }
  }
  EXPECT_GT(read, 0);
}

}  // namespace
}  // namespace grm
