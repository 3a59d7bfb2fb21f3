#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "harness/ui/interrupt.h"
#include "suites/benchmarks/item.h"
#include "suites/commands.h"

namespace grm {

namespace {

struct ItemsOptions {
  std::string suite;
  DataOptions data;
};

int run_items(const ItemsOptions& options) {
  const InterruptGuard guard;
  for (const std::string& name : split_suite_names(options.suite)) {
    const Suite suite = load_suite(name, options.data);
    for (const Item& item : suite.items) fmt::print("{}\n", item_record(item).dump());
    for (const std::string& departure : suite.departures) fmt::print(stderr, "grm: {}\n", departure);
  }
  return kDone;
}

}  // namespace

void add_items_command(Program& program) {
  auto options = std::make_shared<ItemsOptions>();
  CLI::App* command = add_command(program, "items", "List the items of suites, one JSON line each",
                                  "grm items --suite judgebench --data ../shared/data",
                                  [options] { return run_items(*options); });
  command->add_option("--suite", options->suite, "Suites, separated by commas: " + known_suites())->required();
  command->add_option("--data", options->data.data, "Folder of the suites' data (default: from the Hub)");
  command->add_flag("--offline", options->data.offline, "Use only what the Hub cache holds");
}

}  // namespace grm
