#include "harness/hub/hub.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "harness/error.h"
#include "harness/hub/cache.h"
#include "harness/hub/connection.h"
#include "harness/hub/download.h"
#include "harness/hub/listing.h"
#include "harness/hub/shown_text.h"
#include "harness/ui/progress.h"

namespace grm {
namespace {

std::string title_of(const RepoRef& repo, const std::string& commit) {
  return fmt::format("{}@{}", repo.id, commit.substr(0, 8));
}

Talk talk_to(std::FILE* stream) {
  return [stream](const std::string& line) {
    if (stream != nullptr) fmt::print(stream, "{}\n", line);
  };
}

std::vector<RemoteFile> absent_files(const RepoCache& cache, const std::string& commit, const std::vector<RemoteFile>& files,
                                     bool check_hash) {
  std::vector<RemoteFile> absent;
  std::copy_if(files.begin(), files.end(), std::back_inserter(absent),
               [&](const RemoteFile& file) { return !cache.has(commit, file, check_hash); });
  return absent;
}

/// Before anything is written: a disk that cannot hold the files is told at once.
void check_space(const std::filesystem::path& folder, const std::vector<RemoteFile>& files) {
  std::set<std::string> hashes;
  std::uint64_t needed = 0;
  for (const auto& file : files) {
    if (hashes.insert(file.hash).second) needed += file.size;
  }
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  if (error || space.available >= needed) return;
  throw Unfinished(
      fmt::format("disk full: {} are needed in {}, {} are free; free some space, or set HF_HOME or HF_HUB_CACHE to a larger disk",
                  shown_bytes(static_cast<double>(needed)), folder.string(), shown_bytes(static_cast<double>(space.available))));
}

/// Downloads in parallel. The first failure stops the others and is thrown.
class ParallelDownload {
 public:
  ParallelDownload(const RepoRef& repo, const std::string& commit, std::vector<RemoteFile> files, const RepoCache& cache,
                   const FetchOptions& options, std::uint64_t total)
      : repo_(repo),
        commit_(commit),
        files_(std::move(files)),
        cache_(cache),
        options_(options),
        progress_(title_of(repo, commit), static_cast<std::int64_t>(total), bytes_unit(), 0, options.talk),
        talk_([this](const std::string& line) { progress_.say(line); }) {
    // The largest first: no thread is left alone with a big one at the end.
    std::stable_sort(files_.begin(), files_.end(), [](const auto& a, const auto& b) { return a.size > b.size; });
  }

  void run() {
    const auto count = std::min(files_.size(), static_cast<std::size_t>(std::max(1, options_.hub.threads)));
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < count; ++i) threads.emplace_back([this] { work(); });
    for (auto& thread : threads) thread.join();
    if (error_) std::rethrow_exception(error_);
    progress_.finish();
  }

 private:
  void work() {
    try {
      HubConnection hub(options_.hub, talk_, [this] { return failed_.load() || (options_.stop && options_.stop()); });
      const CountBytes count = [this](std::int64_t bytes, bool from_network) { progress_.add(bytes, from_network); };
      for (std::size_t i = next_++; i < files_.size(); i = next_++) {
        hub.throw_if_stopped();
        download_file(hub, cache_, repo_, commit_, files_[i], count);
      }
    } catch (...) {
      const std::lock_guard guard(mutex_);
      if (!error_) error_ = std::current_exception();
      failed_ = true;
    }
  }

  const RepoRef& repo_;
  const std::string& commit_;
  std::vector<RemoteFile> files_;
  const RepoCache& cache_;
  const FetchOptions& options_;
  Progress progress_;
  const Talk talk_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::exception_ptr error_;
};

void download_all(const RepoRef& repo, const std::string& commit, const std::vector<RemoteFile>& files, const RepoCache& cache,
                  const FetchOptions& options) {
  cache.prepare(commit);
  if (files.empty()) return;
  check_space(options.hub.cache, files);
  std::uint64_t total = 0;
  for (const auto& file : files) total += file.size;
  ParallelDownload(repo, commit, files, cache, options, total).run();
}

Snapshot describe(const RepoRef& repo, const std::string& commit, const std::vector<RemoteFile>& files, const RepoCache& cache) {
  Snapshot snapshot{cache.snapshot(commit), repo, commit, {}};
  for (const auto& file : files) snapshot.files.push_back({file.path, file.size, file.hash, file.kind});
  return snapshot;
}

[[noreturn]] void throw_offline_absent(const RepoRef& repo, const std::string& what) {
  throw UserError(
      fmt::format("offline, and {} {}: run the same command without --offline and HF_HUB_OFFLINE to download it", repo.id, what));
}

Snapshot from_cache_alone(const RepoRef& repo, const RepoCache& cache, const FetchOptions& options) {
  const auto commit = is_commit_hash(repo.revision) ? std::optional(repo.revision) : cache.read_ref(repo.revision);
  std::error_code error;
  if (!commit || !std::filesystem::is_directory(cache.snapshot(*commit), error)) {
    throw_offline_absent(repo, fmt::format("at '{}' is not in the cache {}", repo.revision, options.hub.cache.string()));
  }
  auto tree = cache.read_tree(*commit);
  if (!tree) {
    tree = cache.walk_snapshot(*commit);
    talk_to(options.talk)(
        fmt::format("{}: the cache has no file list, so whether all files are there cannot be told", title_of(repo, *commit)));
  }
  const auto files = select_files(*tree, options.includes, options.excludes, title_of(repo, *commit));
  const auto absent = absent_files(cache, *commit, files, options.check_cached);
  if (!absent.empty()) {
    throw_offline_absent(repo, fmt::format("lacks {} of {} files in the cache, first '{}'", absent.size(), files.size(),
                                           shown_text(absent.front().path)));
  }
  return describe(repo, *commit, files, cache);
}

/// A commit never changes: with its list and all its files there, no network is needed.
std::optional<Snapshot> complete_in_cache(const RepoRef& repo, const RepoCache& cache, const FetchOptions& options) {
  if (!is_commit_hash(repo.revision)) return std::nullopt;
  const auto tree = cache.read_tree(repo.revision);
  if (!tree) return std::nullopt;
  const auto files = select_files(*tree, options.includes, options.excludes, title_of(repo, repo.revision));
  if (!absent_files(cache, repo.revision, files, options.check_cached).empty()) return std::nullopt;
  return describe(repo, repo.revision, files, cache);
}

std::vector<RemoteFile> select_and_mark_absent(const std::vector<RemoteFile>& files, const RepoRef& repo,
                                               const std::string& commit, const RepoCache& cache, const FetchOptions& options) {
  for (const auto& pattern : options.includes) {
    if (has_wildcard(pattern) || !is_safe_path(pattern)) continue;
    const bool there = std::any_of(files.begin(), files.end(), [&](const auto& file) { return file.path == pattern; });
    if (there) continue;
    cache.prepare(commit);
    cache.write_no_exist(commit, pattern);
  }
  return select_files(files, options.includes, options.excludes, title_of(repo, commit));
}

}  // namespace

FetchOptions fetch_options_from_environment() {
  FetchOptions options;
  options.hub = hub_options_from_environment();
  return options;
}

Snapshot fetch_snapshot(const RepoRef& repo, const FetchOptions& options) {
  check_repo_id(repo.id);
  check_revision(repo.revision);
  const RepoCache cache(options.hub, repo);
  if (options.hub.offline) return from_cache_alone(repo, cache, options);
  if (auto snapshot = complete_in_cache(repo, cache, options)) return std::move(*snapshot);
  const Talk talk = talk_to(options.talk);
  HubConnection hub(options.hub, talk, options.stop);
  const std::string commit = resolve_commit(hub, repo);
  const auto tree = list_files(hub, repo, commit);
  const auto files = select_and_mark_absent(tree, repo, commit, cache, options);
  download_all(repo, commit, absent_files(cache, commit, files, options.check_cached), cache, options);
  cache.write_tree(commit, tree);
  cache.write_ref(repo.revision, commit);  // last: who goes by the name finds the files
  return describe(repo, commit, files, cache);
}

std::vector<Snapshot> fetch_collection(const std::string& slug, const FetchOptions& options) {
  if (options.hub.offline) {
    throw UserError(
        fmt::format("offline: what collection {} holds is only known to the Hub; fetch its repositories by their ids, or "
                    "from a lock file",
                    shown_text(slug)));
  }
  const Talk talk = talk_to(options.talk);
  HubConnection hub(options.hub, talk, options.stop);
  std::vector<Snapshot> snapshots;
  for (const auto& repo : list_collection(hub, slug)) snapshots.push_back(fetch_snapshot(repo, options));
  return snapshots;
}

Snapshot restore_snapshot(const Snapshot& locked, const FetchOptions& options) {
  const RepoRef& repo = locked.repository;
  const RepoCache cache(options.hub, repo);
  std::vector<RemoteFile> files;
  for (const auto& file : locked.files) files.push_back({file.path, file.size, file.hash, file.kind, "", ""});
  const auto absent = absent_files(cache, locked.commit, files, true);
  if (!absent.empty() && options.hub.offline) {
    throw_offline_absent(repo, fmt::format("lacks {} of {} locked files in the cache, first '{}'", absent.size(), files.size(),
                                           shown_text(absent.front().path)));
  }
  download_all(repo, locked.commit, absent, cache, options);
  return describe(repo, locked.commit, files, cache);
}

void take_only_runnable_model(FetchOptions& options) {
  options.includes = {"*.safetensors", "*.json", "*.jinja"};
  options.excludes = {"*/*.safetensors", "*/*.json"};
}

}  // namespace grm
