#include "harness/hub/fetch_command.h"

#include <fmt/format.h>

#include <memory>

#include "harness/error.h"
#include "harness/hub/hub.h"
#include "harness/hub/lock_file.h"
#include "harness/ui/interrupt.h"

namespace grm {
namespace {

struct FetchArguments {
  std::string id;
  bool dataset = false;
  std::string revision;
  std::vector<std::string> includes;
  std::string collection;
  std::string lock;
  std::string write_lock;
  bool offline = false;
  bool json = false;
};

std::vector<Snapshot> fetch(const FetchArguments& arguments, const FetchOptions& options) {
  if (!arguments.lock.empty()) {
    std::vector<Snapshot> restored;
    for (const auto& locked : read_lock_file(arguments.lock)) restored.push_back(restore_snapshot(locked, options));
    return restored;
  }
  if (!arguments.collection.empty()) return fetch_collection(arguments.collection, options);
  RepoRef repo = parse_repo_spec(arguments.id, arguments.dataset ? RepoType::kDataset : RepoType::kModel);
  if (!arguments.revision.empty()) {
    if (arguments.id.find('@') != std::string::npos) {
      throw UserError(fmt::format("the revision is given twice: '{}' and --revision {}", arguments.id, arguments.revision));
    }
    repo.revision = arguments.revision;
  }
  return {fetch_snapshot(repo, options)};
}

void print(const std::vector<Snapshot>& snapshots, bool json) {
  if (!json) {
    for (const auto& snapshot : snapshots) fmt::print("{}\n", snapshot.folder.string());
    return;
  }
  nlohmann::ordered_json repositories = nlohmann::ordered_json::array();
  for (const auto& snapshot : snapshots) {
    auto entry = snapshot_to_json(snapshot);
    entry["folder"] = snapshot.folder.string();
    repositories.push_back(std::move(entry));
  }
  const nlohmann::ordered_json answer = {{"schema", "grm.fetch"}, {"version", 1}, {"repositories", std::move(repositories)}};
  fmt::print("{}\n", answer.dump(2));
}

int run_fetch(const FetchArguments& arguments) {
  const int sources = (arguments.id.empty() ? 0 : 1) + (arguments.collection.empty() ? 0 : 1) + (arguments.lock.empty() ? 0 : 1);
  if (sources != 1) throw UserError("fetch needs one of: a repository id, --collection SLUG, --lock FILE; see grm fetch --help");
  const bool choice = !arguments.revision.empty() || arguments.dataset;
  if (arguments.id.empty() && choice) throw UserError("--dataset and --revision belong to a repository id");
  if (!arguments.lock.empty() && !arguments.includes.empty()) {
    throw UserError("--lock restores exactly what the lock file names: leave --include out");
  }
  FetchOptions options = fetch_options_from_environment();
  options.hub.offline = options.hub.offline || arguments.offline;
  options.includes = arguments.includes;
  options.stop = [] { return interrupted(); };
  const InterruptGuard guard;
  const auto snapshots = fetch(arguments, options);
  if (!arguments.write_lock.empty()) write_lock_file(arguments.write_lock, snapshots);
  print(snapshots, arguments.json);
  return kDone;
}

}  // namespace

void add_fetch_command(Program& program) {
  const auto arguments = std::make_shared<FetchArguments>();
  CLI::App* command =
      add_command(program, "fetch", "Download a model, a data set or a collection from the Hub, verified, and print its folder",
                  "grm fetch HuggingFaceTB/SmolLM2-135M-Instruct --include '*.safetensors' --include '*.json' --write-lock "
                  "smollm2.lock.json\n"
                  "  grm fetch --lock smollm2.lock.json\n"
                  "Environment: HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE, as huggingface_hub reads them.",
                  [arguments] { return run_fetch(*arguments); });
  command->add_option("id", arguments->id, "NAME or ORGANISATION/NAME, optionally @REVISION");
  command->add_flag("--dataset", arguments->dataset, "The id is that of a data set");
  command->add_option("--revision", arguments->revision, "Branch, tag or commit; main if absent");
  // One value each, or a pattern would swallow the id behind it.
  command
      ->add_option("--include", arguments->includes, "Only files that match this pattern (* matches / too); may be given again")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--collection", arguments->collection, "All models and data sets of a collection: ORGANISATION/NAME-ID");
  command->add_option("--lock", arguments->lock,
                      "Exactly what this lock file names; an error if the server offers anything else");
  command->add_option("--write-lock", arguments->write_lock, "Write commit, sizes and hashes to this file");
  command->add_flag("--offline", arguments->offline, "Use the cache alone");
  command->add_flag("--json", arguments->json, "Print repository, commit, folder and files as JSON");
}

}  // namespace grm
