#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "harness/error.h"
#include "harness/files/hash.h"
#include "harness/hub/hub.h"
#include "harness/random/philox.h"
#include "harness/ui/interrupt.h"
#include "suites/benchmarks/data_file.h"
#include "suites/benchmarks/item.h"
#include "suites/benchmarks/loaders.h"

namespace grm {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPairsPrefix = "file:";

/// Length in bytes of the white space at the beginning of `text`: ASCII, no-break, ogham, general punctuation, ideographic.
std::size_t white_space(std::string_view text) {
  if (text.empty()) return 0;
  const auto first = static_cast<unsigned char>(text.front());
  if (first == ' ' || (first >= '\t' && first <= '\r')) return 1;
  if (text.starts_with("\xC2\xA0") || text.starts_with("\xC2\x85")) return 2;
  if (text.starts_with("\xE2\x80") && text.size() >= 3) {
    const auto third = static_cast<unsigned char>(text[2]);
    if ((third >= 0x80 && third <= 0x8A) || third == 0xA8 || third == 0xA9 || third == 0xAF) return 3;
  }
  for (const std::string_view space : {"\xE1\x9A\x80", "\xE2\x81\x9F", "\xE3\x80\x80"}) {
    if (text.starts_with(space)) return 3;
  }
  return 0;
}

/// The data set's files of that extension, at its present commit: contents are compared with the published ones anyway.
DataSource fetch_data(const std::string& suite, const std::string& repository, std::string_view extension, bool offline) {
  FetchOptions fetching = fetch_options_from_environment();
  fetching.hub.offline = fetching.hub.offline || offline;
  fetching.includes = {fmt::format("*{}", extension)};
  fetching.stop = [] { return interrupted(); };
  try {
    const Snapshot snapshot = fetch_snapshot({RepoType::kDataset, repository, "main"}, fetching);
    return {snapshot.folder, repository, snapshot.commit, {}};
  } catch (const UserError& error) {
    throw UserError(fmt::format("suite {}: {}\nOr name a folder that holds the data with --data", suite, error.what()));
  }
}

}  // namespace

std::string known_suites() { return "judgebench, llmbar, file:PAIRS.jsonl"; }

std::string suite_record_name(const std::string& name) {
  if (!name.starts_with(kPairsPrefix)) return name;
  return std::string(kPairsPrefix) + fs::path(name.substr(kPairsPrefix.size())).filename().string();
}

std::vector<std::string> split_suite_names(const std::string& list) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    parts.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::string name = parts[i];
    if (name.starts_with(kPairsPrefix)) {
      std::string longer = name;
      for (std::size_t j = i; j < parts.size(); ++j) {
        if (j > i) longer += "," + parts[j];
        if (!fs::is_regular_file(longer.substr(kPairsPrefix.size()))) continue;
        name = longer;
        i = j;
        break;
      }
    }
    names.push_back(name);
  }
  return names;
}

Suite load_suite(const std::string& name, const DataOptions& options) {
  Suite suite;
  if (name == "judgebench") {
    suite = load_judgebench(options);
  } else if (name == "llmbar") {
    suite = load_llmbar(options);
  } else if (name.starts_with(kPairsPrefix)) {
    suite = load_pairs(name.substr(kPairsPrefix.size()), suite_record_name(name));
  } else {
    throw UserError(fmt::format("--suite {}: not known; known suites: {}", name, known_suites()));
  }
  check_items(suite);
  return suite;
}

DataSource find_data(const std::string& suite, const std::string& repository, std::string_view extension,
                     const DataOptions& options) {
  DataSource source;
  if (options.data.empty()) {
    source = fetch_data(suite, repository, extension, options.offline);
  } else {
    if (!fs::is_directory(options.data)) throw UserError(fmt::format("--data {}: no such folder", options.data.string()));
    const fs::path own = options.data / suite;
    source.folder = fs::is_directory(own) ? own : options.data;
  }
  if (list_data_files(source.folder, extension).empty()) {
    const std::string advice = options.data.empty()
                                   ? fmt::format(" (data set {}); name a folder that holds it with --data", repository)
                                   : "; --data names the suite's folder or the one above it";
    throw UserError(fmt::format("suite {}: no *{} file in {}{}", suite, extension, source.folder.string(), advice));
  }
  return source;
}

void compare_with_published(Suite& suite, const std::string& split, const PublishedPart& published) {
  std::map<std::string, std::size_t> counts;
  std::vector<const Item*> items;
  for (const Item& item : suite.items) {
    if (item.split != split) continue;
    ++counts[item.subset];
    items.push_back(&item);
  }
  if (counts == published.counts) {
    if (content_digest(items) == published.content) return;
    suite.departures.push_back(fmt::format("{}/{}: the counts are the published ones, the contents are not", suite.name, split));
    return;
  }
  std::string difference;
  auto all = published.counts;
  all.insert(counts.begin(), counts.end());
  for (const auto& [subset, unused] : all) {
    const std::size_t here = counts.contains(subset) ? counts.at(subset) : 0;
    const std::size_t there = published.counts.contains(subset) ? published.counts.at(subset) : 0;
    if (here != there) difference += fmt::format("{}{} {} of {}", difference.empty() ? "" : ", ", subset, here, there);
  }
  suite.departures.push_back(fmt::format("{}/{}: counts differ from the published ones: {}", suite.name, split, difference));
}

void select_items(Suite& suite, std::int64_t limit, std::uint64_t seed) {
  if (limit <= 0 || static_cast<std::size_t>(limit) >= suite.items.size()) return;
  struct Drawn {
    std::uint64_t place;
    std::size_t index;
  };
  std::vector<Drawn> drawn;
  for (std::size_t i = 0; i < suite.items.size(); ++i) {
    const PhiloxBlock words = random_words(stream_key(seed, "subset", suite.items[i].id), 0);
    drawn.push_back({std::uint64_t{words[1]} << 32 | words[0], i});
  }
  std::sort(drawn.begin(), drawn.end(), [&](const Drawn& a, const Drawn& b) {
    // Those that count in the official score first: a small sample should not be spent on the others.
    const bool a_beside = !suite.items[a.index].official, b_beside = !suite.items[b.index].official;
    return std::tie(a_beside, a.place, suite.items[a.index].id) < std::tie(b_beside, b.place, suite.items[b.index].id);
  });
  drawn.resize(static_cast<std::size_t>(limit));
  std::sort(drawn.begin(), drawn.end(), [](const Drawn& a, const Drawn& b) { return a.index < b.index; });
  std::vector<Item> kept;
  for (const Drawn& one : drawn) kept.push_back(std::move(suite.items[one.index]));
  suite.items = std::move(kept);
}

std::string cluster_hash(std::string_view instruction) {
  std::string normal;
  bool gap = false;
  while (!instruction.empty()) {
    if (const std::size_t space = white_space(instruction); space > 0) {
      gap = !normal.empty();
      instruction.remove_prefix(space);
      continue;
    }
    if (gap) normal += ' ';
    gap = false;
    const char c = instruction.front();
    normal += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    instruction.remove_prefix(1);
  }
  return sha256_hex(normal).substr(0, 16);
}

std::string content_digest(const std::vector<const Item*>& items) {
  std::vector<const Item*> sorted = items;
  std::sort(sorted.begin(), sorted.end(), [](const Item* a, const Item* b) { return a->id < b->id; });
  std::string text;
  for (const Item* item : sorted) {
    text += nlohmann::json::array({item->id, item->subset, item->instruction, item->answers, item->label}).dump() + "\n";
  }
  return sha256_hex(text);
}

nlohmann::ordered_json item_record(const Item& item) {
  nlohmann::ordered_json record;
  record["item"] = item.id;
  record["native_key"] = item.native_key;
  record["suite"] = item.suite;
  record["file"] = item.file;
  record["split"] = item.split;
  record["subset"] = item.subset;
  record["domain"] = item.domain ? nlohmann::ordered_json(*item.domain) : nlohmann::ordered_json(nullptr);
  record["label"] = item.label;
  record["answers"] = item.answers.size();
  record["cluster"] = item.cluster;
  record["official"] = item.official;
  return record;
}

}  // namespace grm
