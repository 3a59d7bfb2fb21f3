// A Hub with one repository, its storage on another origin, an empty cache, and the check that no wrong file is in it.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/hub/hub.h"
#include "tests/temporary_folder.h"
#include "tests/harness/hub/hub_server.h"

namespace grm {

using test::TemporaryFolder;

inline constexpr const char* kToken = "hf_aSecretNobodyMaySee";
inline const std::string kCommit = "0123456789abcdef0123456789abcdef01234567";

struct HubFixture {
  HubFixture();
  ~HubFixture();

  TemporaryFolder scratch;
  HubServer hub;
  HubServer storage;
  ServedRepo repo;  // what is served; `hub.add(repo)` after a change
  RepoRef ref{RepoType::kModel, "org/judge", "main"};
  FetchOptions options;  // waits shortened, messages caught

  const ServedFile& file(const std::string& path) const;
  std::filesystem::path cache() const { return options.hub.cache; }
  std::filesystem::path root() const { return cache() / "models--org--judge"; }
  std::filesystem::path snapshot() const { return root() / "snapshots" / kCommit; }
  std::filesystem::path blob(const std::string& path) const;
  std::string hash(const std::string& path) const;
  /// What was said so far.
  std::string talk() const;
  /// The message of what `work` throws; empty when it throws nothing.
  std::string failure_of(const std::function<void()>& work) const;
  std::string failure() const {
    return failure_of([this] { fetch_snapshot(ref, options); });
  }
  /// Everything wrong with the cache, one line each. Unfinished downloads are fine when `may_be_unfinished`.
  std::vector<std::string> faults_of_cache(bool may_be_unfinished) const;
  /// Requests that carried a token to the wrong place, one line each.
  std::vector<std::string> leaks() const;

 private:
  char* talk_text_ = nullptr;
  std::size_t talk_size_ = 0;
  std::FILE* talk_stream_ = nullptr;
};

/// `size` bytes that look random, the same every time.
std::shared_ptr<const std::string> noise(std::size_t size, unsigned int seed);

/// True for a GET (not HEAD) of a file's bytes.
inline bool is_get_of(const SeenRequest& request, const std::string& path) {
  return request.method == "GET" && request.file == path;
}
inline bool is_api(const SeenRequest& request, const std::string& part) {
  return request.target.rfind("/api/", 0) == 0 && request.target.find(part) != std::string::npos;
}

using Fault = std::function<void(const SeenRequest&, ServedAnswer&)>;
/// Applies `change` to the first `times` requests for which `applies` holds.
Fault fault_on(std::function<bool(const SeenRequest&)> applies, std::function<void(ServedAnswer&)> change, int times = 1 << 30);

}  // namespace grm
