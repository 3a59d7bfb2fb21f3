// Templates against what Jinja2 makes of them in transformers' environment (tests/goldens/make_jinja.py).
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "model/error.h"
#include "model/text/jinja.h"

namespace grm {
namespace {

using Json = nlohmann::ordered_json;

std::tm fixed_date() {
  std::tm date{};
  date.tm_year = 124;
  date.tm_mon = 6;
  date.tm_mday = 26;
  date.tm_hour = 10;
  date.tm_min = 11;
  date.tm_sec = 12;
  date.tm_wday = 5;
  date.tm_yday = 207;
  return date;
}

TEST(JinjaGolden, EveryTemplateAsJinja2) {
  const Json file = Json::parse(std::ifstream(GRM_SOURCE_DIR "/tests/model/text/goldens/jinja.json"));
  int texts = 0;
  int errors = 0;
  for (const Json& item : file["cases"]) {
    const std::string source = item.contains("source") ? item["source"] : file["templates"][item["template"].get<std::string>()];
    const Json& variables = item["variables"].is_string() ? file["default"] : item["variables"];
    const std::string label = item.contains("source") ? source : item["template"].get<std::string>() + " " + variables.dump();
    if (item.contains("error")) {
      ++errors;
      EXPECT_THROW(JinjaTemplate(source, "golden").render(variables, fixed_date()), ModelError)
          << label << "\nJinja2: " << item["error"];
      continue;
    }
    ++texts;
    try {
      EXPECT_EQ(JinjaTemplate(source, "golden").render(variables, fixed_date()), item["text"].get<std::string>()) << label;
    } catch (const ModelError& e) {
      ADD_FAILURE() << label << "\n" << e.what();
    }
  }
  EXPECT_GE(texts, 300);
  EXPECT_GE(errors, 60);
}

}  // namespace
}  // namespace grm
