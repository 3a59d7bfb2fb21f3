// The user's own pairs: JSON lines of id, instruction, answers, label and, if any, domain, subset, cluster.
#include <fmt/format.h>

#include <utility>

#include "harness/error.h"
#include "suites/benchmarks/data_file.h"
#include "suites/benchmarks/loaders.h"

namespace grm {

namespace {

Item read_pair(const Row& row, const std::string& suite, const std::string& file) {
  Item item;
  item.suite = suite;
  item.native_key = row.text_or_integer("id");
  if (item.native_key.empty()) row.fail("the field 'id' is empty");
  item.file = file;
  item.split = file;
  item.id = fmt::format("file/{}/{}", file, item.native_key);
  item.subset = row.optional_text("subset").value_or("");
  item.domain = row.optional_text("domain");
  if (item.domain && *item.domain != "preference" && *item.domain != "correctness") {
    row.fail(fmt::format("domain '{}': preference or correctness was expected (or no domain)", *item.domain));
  }
  item.instruction = row.text("instruction");
  item.answers = row.texts("answers");
  if (item.answers.size() != 2) {
    row.fail(fmt::format("{} answers: two were expected (judging more than two answers at once is not supported yet)",
                         item.answers.size()));
  }
  const std::int64_t label = row.integer("label");
  if (label < 0 || label >= static_cast<std::int64_t>(item.answers.size())) {
    row.fail(fmt::format("label {}: the index of the better answer (0 or 1) was expected", label));
  }
  item.label = static_cast<int>(label);
  item.cluster = row.has("cluster") ? row.text_or_integer("cluster") : cluster_hash(item.instruction);
  return item;
}

}  // namespace

Suite load_pairs(const std::filesystem::path& path, const std::string& name) {
  if (path.empty()) throw UserError("--suite file: needs the path of a JSON-lines file, as in file:PAIRS.jsonl");
  Suite suite;
  suite.name = name;
  suite.source.folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const std::string text = read_data_file(suite.source, path.filename());
  for (const Row& row : rows_of_lines(text, path.string())) suite.items.push_back(read_pair(row, name, path.filename().string()));
  return suite;
}

}  // namespace grm
