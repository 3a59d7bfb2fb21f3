#include "harness/run/json_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "harness/error.h"
#include "tests/temporary_folder.h"

namespace grm {

using test::TemporaryFolder;
using test::slurp;
using test::message_of;
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr Schema kTestSchema{"grm.test", 3};

TEST(JsonFile, RoundTripsWithItsSchema) {
  const TemporaryFolder folder;
  write_json_file(folder / "a.json", kTestSchema, {{"b", 1}, {"a", "ü"}});
  const json object = read_json_file(folder / "a.json", kTestSchema);
  EXPECT_EQ(object["a"], "ü");
  EXPECT_EQ(object["schema"]["version"], 3);
  EXPECT_EQ(slurp(folder / "a.json").back(), '\n');
}

TEST(JsonFile, OlderSchemaIsReadAndNewerRefused) {
  const auto version = [](int v) { return json{{"schema", {{"name", "grm.test"}, {"version", v}}}}; };
  EXPECT_EQ(check_schema(version(1), kTestSchema, "f"), 1);
  EXPECT_EQ(check_schema(version(3), kTestSchema, "f"), 3);
  EXPECT_THAT(message_of<UserError>([&] { check_schema(version(4), kTestSchema, "f.json"); }),
              testing::AllOf(HasSubstr("f.json"), HasSubstr("newer program"), HasSubstr("version 4")));
  EXPECT_THROW(check_schema(version(0), kTestSchema, "f"), UserError);
  EXPECT_THROW(check_schema(version(1), Schema{"grm.other", 3}, "f"), UserError);
  EXPECT_THROW(check_schema(json::object(), kTestSchema, "f"), UserError);
  EXPECT_THROW(check_schema(json::array(), kTestSchema, "f"), UserError);
  EXPECT_THROW(check_schema(json{{"schema", "grm.test"}}, kTestSchema, "f"), UserError);
}

TEST(JsonFile, RefusesWhatItWouldOtherwiseMisread) {
  EXPECT_THAT(message_of<UserError>([] { parse_json(R"({"a":{"b":1,"c":2,"b":3}})", "x.json"); }),
              testing::AllOf(HasSubstr("x.json"), HasSubstr("\"b\" stands twice")));
  EXPECT_NO_THROW(parse_json(R"({"a":{"b":1},"c":{"b":3},"d":[{"b":1},{"b":2}]})", "x"));
  EXPECT_THROW(parse_json(std::string(100000, '['), "x"), UserError);
  EXPECT_THROW(parse_json(std::string(65, '[') + std::string(65, ']'), "x"), UserError);
  EXPECT_NO_THROW(parse_json(std::string(64, '[') + std::string(64, ']'), "x"));
  EXPECT_THROW(parse_json("[1e999]", "x"), UserError);
  EXPECT_THROW(parse_json("[NaN]", "x"), UserError);
  EXPECT_THROW(parse_json("{} {}", "x"), UserError);
  EXPECT_THROW(parse_json("", "x"), UserError);
  EXPECT_THROW(parse_json("\"\xff\"", "x"), UserError);
  EXPECT_THROW(parse_json("[1,2,3]", "x", {.max_bytes = 6, .max_depth = 4}), UserError);
}

TEST(JsonFile, CanonicalDumpIsOneFormForOneValue) {
  EXPECT_EQ(canonical_dump(parse_json(R"({ "b" : 1.0, "a" : [0.1, 1e100, -0.0, 12345678901234567890], "A":null })", "x")),
            R"({"A":null,"a":[0.1,1e+100,-0.0,12345678901234567890],"b":1.0})");
  EXPECT_THROW(canonical_dump({{"a", {1.0, std::numeric_limits<double>::quiet_NaN()}}}), UserError);
  EXPECT_THROW(canonical_dump(std::numeric_limits<double>::infinity()), UserError);
  EXPECT_THROW(canonical_dump("\xff"), UserError);
}

TEST(JsonFile, InvalidBytesBecomeReplacementCharacters) {
  const auto check = [](const std::string& bytes, const std::string& text, std::int64_t invalid) {
    const SafeText safe = safe_utf8(bytes);
    EXPECT_EQ(safe.text, text);
    EXPECT_EQ(safe.invalid_bytes, invalid);
    EXPECT_EQ(parse_json(canonical_dump(safe.text), "x").get<std::string>(), text);
  };
  const std::string r = "\xEF\xBF\xBD";
  check("plain ü € 😀 \n", "plain ü € 😀 \n", 0);
  check("cut \xF0\x9F\x98", "cut " + r + r + r, 3);
  check("\xC0\x80", r + r, 2);              // overlong
  check("\xED\xA0\x80", r + r + r, 3);      // surrogate
  check("\xF4\x90\x80\x80", r + r + r + r, 4);  // beyond U+10FFFF
  check("\xE2\x82" "a", r + r + "a", 2);
  check(std::string("a\0b", 3), std::string("a\0b", 3), 0);
}

}  // namespace
}  // namespace grm
