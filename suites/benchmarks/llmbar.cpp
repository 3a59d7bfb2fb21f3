// LLMBar (Zeng et al. 2024): pairs of which one follows the instruction. Natural and four adversarial sets are the benchmark;
// the three processed sets of its repository (FairEval, LLMEval^2, MT-Bench) come along as subsets of their own and count
// neither in the official score nor in the suite's overall rows.
#include <fmt/format.h>

#include <utility>

#include "suites/benchmarks/data_file.h"
#include "suites/benchmarks/loaders.h"

namespace grm {

namespace {

struct KnownSet {
  std::size_t count;
  bool official;
  std::string content;
};

/// The repository princeton-nlp/LLMBar at commit 900616b, folder Dataset.
const std::map<std::string, KnownSet>& known_sets() {
  static const std::map<std::string, KnownSet> sets = {
      {"Natural", {100, true, "fffd33aed57f01d2f768db8654c02c7e376ebb66eb1a2b224eba494f9f9f389e"}},
      {"Neighbor", {134, true, "2d8bc8d45585a62478d2bc51dca686c4361e36eeded05ecd46ddaad6107b8180"}},
      {"GPTInst", {92, true, "8e51f480c4efd97875564739cce6fa03a1077da07b4b469c06dacdbf22958526"}},
      {"GPTOut", {47, true, "1cafa0359ec98b010358488d9db0345d927c6001f17e2fb7de01d2405ea14f75"}},
      {"Manual", {46, true, "9f60f01330f8ffdd7190ebd3affa5406ba0f50e9d45083a635eaead10f2fd8a6"}},
      {"FairEval", {66, false, "a8535a6360b456e68fe2492327861328544c43296c6049ad5ef7836a31554cb3"}},
      {"LLMEval^2", {200, false, "9a096dc89e555fb0aabc49fd675ee4032abb212024f115ed7b9c006fa62baa1e"}},
      {"MT-Bench", {200, false, "c9a6fe5c7633367f6804ba33d271af09835d5825c97ba8ab0dac3f5d3e53e8a5"}}};
  return sets;
}

/// `.../Neighbor/dataset.json`, `Neighbor.json` and `Adversarial_Neighbor.json` are all the set Neighbor.
std::string set_name(const std::filesystem::path& file) {
  std::string name = file.stem().string();
  if (name == "dataset" && file.has_parent_path()) name = file.parent_path().filename().string();
  for (const std::string_view prefix : {"Adversarial_", "Processed_", "LLMBar_"}) {
    if (name.starts_with(prefix)) name.erase(0, prefix.size());
  }
  return name;
}

Item read_pair(const Row& row, std::size_t number, const std::string& set, const std::filesystem::path& file) {
  const auto known = known_sets().find(set);
  Item item;
  item.suite = "llmbar";
  item.native_key = std::to_string(number);
  item.file = file.generic_string();
  item.split = item.subset = set;
  item.id = fmt::format("{}/{}/{}", item.suite, set, item.native_key);
  item.domain = "preference";
  item.instruction = row.text("input");
  item.answers = {row.text("output_1"), row.text("output_2")};
  const std::int64_t label = row.integer("label");
  if (label != 1 && label != 2) row.fail(fmt::format("label {}: 1 or 2 was expected", label));
  item.label = static_cast<int>(label) - 1;
  item.cluster = cluster_hash(item.instruction);
  item.official = known != known_sets().end() && known->second.official;
  return item;
}

}  // namespace

Suite load_llmbar(const DataOptions& options) {
  Suite suite;
  suite.name = "llmbar";
  suite.source = find_data(suite.name, "princeton-nlp/LLMBar", ".json", options);
  std::map<std::string, bool> found;
  for (const auto& file : list_data_files(suite.source.folder, ".json")) {
    const std::string set = set_name(file);
    const std::string text = read_data_file(suite.source, file);
    const std::vector<Row> rows = rows_of_array(text, (suite.source.folder / file).string());
    for (std::size_t i = 0; i < rows.size(); ++i) suite.items.push_back(read_pair(rows[i], i, set, file));
    found[set] = true;
  }
  for (const auto& [set, known] : known_sets()) {
    if (found.contains(set)) {
      compare_with_published(suite, set, {{{set, known.count}}, known.content});
    } else if (known.official) {
      suite.departures.push_back(fmt::format("llmbar/{}: absent; the official score needs all five sets", set));
    }
  }
  for (const auto& [set, unused] : found) {
    if (!known_sets().contains(set)) suite.departures.push_back(fmt::format("llmbar/{}: not one of the published sets", set));
  }
  return suite;
}

}  // namespace grm
