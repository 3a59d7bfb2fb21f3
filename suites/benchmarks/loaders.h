// The loaders behind load_suite, one file each.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "suites/benchmarks/item.h"

namespace grm {

/// The suite's folder below --data (or that folder itself), or a snapshot from the Hub. Its files end in `extension`.
DataSource find_data(const std::string& suite, const std::string& repository, std::string_view extension,
                     const DataOptions& options);

Suite load_judgebench(const DataOptions& options);
Suite load_llmbar(const DataOptions& options);
/// The user's own pairs: `path` is a JSON-lines file, `name` the suite's name in records.
Suite load_pairs(const std::filesystem::path& path, const std::string& name);

/// What is published of a part of a suite's data.
struct PublishedPart {
  std::map<std::string, std::size_t> counts;  ///< by subset
  std::string content;                        ///< content_digest of all of it
};

/// Notes in suite.departures where the items of `split` differ from what is published.
void compare_with_published(Suite& suite, const std::string& split, const PublishedPart& published);

}  // namespace grm
