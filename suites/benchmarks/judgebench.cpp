// JudgeBench (Tan et al. 2024): pairs of answers of one model, labelled by objective correctness. Two splits by the model
// that answered, reported apart; categories by prefix of `source`.
#include <fmt/format.h>

#include <array>
#include <set>
#include <utility>

#include "suites/benchmarks/data_file.h"
#include "suites/benchmarks/loaders.h"

namespace grm {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kCategories = {{{"mmlu-pro", "knowledge"},
                                                                                      {"livebench-reasoning", "reasoning"},
                                                                                      {"livebench-math", "math"},
                                                                                      {"livecodebench", "coding"}}};

/// Data set on the Hub at commit 57dd5e0, equal to the files of the repository ScalerLab/JudgeBench at e2c52c2.
const std::map<std::string, PublishedPart>& published() {
  static const std::map<std::string, PublishedPart> parts = {
      {"gpt",
       {{{"gpt/knowledge", 154}, {"gpt/reasoning", 98}, {"gpt/math", 56}, {"gpt/coding", 42}},
        "227b35679dae96a5340414a81dc18918929a4c851a07db4663319c73f1089c4c"}},
      {"claude",
       {{{"claude/knowledge", 154}, {"claude/reasoning", 51}, {"claude/math", 34}, {"claude/coding", 31}},
        "6fd3622a9f6a01f257fbc757f33fff12daa88606f4669bb0925b0ed3a826d202"}}};
  return parts;
}

std::string category(const Row& row) {
  const std::string source = row.text("source");
  for (const auto& [prefix, name] : kCategories) {
    if (source.starts_with(prefix)) return std::string(name);
  }
  row.fail(fmt::format("source '{}' belongs to none of JudgeBench's categories (mmlu-pro, livebench-reasoning, livebench-math, "
                       "livecodebench)", source));
}

/// The published splits are known by the model that answered, whatever the file is called; others by their file.
std::string split_of(const Row& row, const std::filesystem::path& file) {
  const std::string model = row.optional_text("response_model").value_or("");
  for (const std::string_view known : {"gpt", "claude"}) {
    if (model.starts_with(known)) return std::string(known);
  }
  return file.stem().string();
}

Item read_pair(const Row& row, const std::filesystem::path& file) {
  Item item;
  item.suite = "judgebench";
  item.native_key = row.text_or_integer("pair_id");
  item.file = file.generic_string();
  item.split = split_of(row, file);
  item.subset = item.split + "/" + category(row);
  item.id = fmt::format("{}/{}/{}", item.suite, item.split, item.native_key);
  item.domain = "correctness";
  item.instruction = row.text("question");
  item.answers = {row.text("response_A"), row.text("response_B")};
  const std::string label = row.text("label");
  if (label != "A>B" && label != "B>A") row.fail(fmt::format("label '{}': A>B or B>A was expected", label));
  item.label = label == "A>B" ? 0 : 1;
  item.cluster = cluster_hash(item.instruction);
  return item;
}

}  // namespace

Suite load_judgebench(const DataOptions& options) {
  Suite suite;
  suite.name = "judgebench";
  suite.source = find_data(suite.name, "ScalerLab/JudgeBench", ".jsonl", options);
  std::set<std::string> splits;
  for (const auto& file : list_data_files(suite.source.folder, ".jsonl")) {
    const std::string text = read_data_file(suite.source, file);
    for (const Row& row : rows_of_lines(text, (suite.source.folder / file).string())) {
      suite.items.push_back(read_pair(row, file));
      splits.insert(suite.items.back().split);
    }
  }
  for (const std::string& split : splits) {
    const auto known = published().find(split);
    if (known != published().end()) {
      compare_with_published(suite, split, known->second);
    } else {
      suite.departures.push_back(fmt::format("judgebench/{}: not one of the published splits (gpt, claude)", split));
    }
  }
  return suite;
}

}  // namespace grm
