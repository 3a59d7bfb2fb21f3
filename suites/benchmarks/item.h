// One thing to judge, and a benchmark's items with where they came from.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace grm {

/// One instruction with two or more answers, of which one is the better.
struct Item {
  std::string id;          ///< `suite/split/native key`: the same whatever the file is called and wherever it came from
  std::string native_key;  ///< the benchmark's own id, or the row (from 0) where it has none
  std::string suite;
  std::string file;    ///< the file the item was read from, relative to the suite's folder
  std::string split;   ///< what the benchmark reports apart (JudgeBench: gpt, claude)
  std::string subset;  ///< the finest group of its table, split included
  std::optional<std::string> domain;  ///< preference or correctness
  std::string instruction;
  std::vector<std::string> answers;
  int label = 0;  ///< index of the better answer
  std::string cluster;   ///< hash of the normalised instruction: equal for items that share it
  bool official = true;  ///< counts in the benchmark's own score and in the suite's overall row
};

/// A file that items were read from.
struct DataFile {
  std::string path;    ///< relative to the suite's folder
  std::string sha256;  ///< of the bytes
};

/// Where a suite's files lie and what they are.
struct DataSource {
  std::filesystem::path folder;
  std::string repository;  ///< data set on the Hub; empty for a folder given by the user
  std::string commit;
  std::vector<DataFile> files;
};

struct Suite {
  std::string name;
  std::vector<Item> items;
  DataSource source;
  std::vector<std::string> departures;  ///< how the data differ from the published ones: each makes a run INVALID
};

/// Where data come from: a folder, or (empty) the Hub.
struct DataOptions {
  std::filesystem::path data;
  bool offline = false;
};

/// Loads one suite by its name on the command line: judgebench, llmbar or file:PAIRS.jsonl.
/// Throws UserError naming file, row and field where the data cannot be used.
Suite load_suite(const std::string& name, const DataOptions& options);

/// The suites of a list separated by commas. A comma may be part of a file's name: `file:a,b.jsonl` is one suite where that
/// file exists.
std::vector<std::string> split_suite_names(const std::string& list);

/// The suite's name in records: its name, for the user's own pairs `file:` and the file's own name.
std::string suite_record_name(const std::string& name);

/// The names that load_suite knows, for messages and help.
std::string known_suites();

/// The first `limit` of a shuffle seeded by `seed`; all where limit is 0. Each item is placed by a draw of its own,
/// so a smaller selection is part of a larger one and does not change with the order of the rows. Result in file order.
void select_items(Suite& suite, std::int64_t limit, std::uint64_t seed);

/// Hash of an instruction that does not see case of ASCII letters or amount of white space: 16 hexadecimal digits.
std::string cluster_hash(std::string_view instruction);

/// sha256 over the items' ids, texts and labels in the order of their ids: equal for equal content in any file.
std::string content_digest(const std::vector<const Item*>& items);

/// One line of `grm items`.
nlohmann::ordered_json item_record(const Item& item);

}  // namespace grm
