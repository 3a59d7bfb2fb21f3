#include "tests/harness/hub/hub_fixture.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>

#include "harness/files/atomic_file.h"
#include "harness/files/hash.h"

namespace grm {

namespace fs = std::filesystem;

std::shared_ptr<const std::string> noise(std::size_t size, unsigned int seed) {
  std::string bytes(size, '\0');
  std::uint32_t state = seed * 2654435761U + 1U;
  for (auto& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24U);
  }
  return std::make_shared<const std::string>(std::move(bytes));
}

Fault fault_on(std::function<bool(const SeenRequest&)> applies, std::function<void(ServedAnswer&)> change, int times) {
  auto left = std::make_shared<std::atomic<int>>(times);
  return [applies = std::move(applies), change = std::move(change), left](const SeenRequest& request, ServedAnswer& answer) {
    if (applies(request) && (*left)-- > 0) change(answer);
  };
}

HubFixture::HubFixture() {
  const auto text = [](const std::string& content) { return std::make_shared<const std::string>(content); };
  repo.id = ref.id;
  repo.commit = kCommit;
  repo.refs = {{"refs/pr/1", kCommit}, {"feature/long name", kCommit}};
  repo.files = {{"config.json", text("{\"model_type\": \"llama\"}\n"), false},
                {"empty.txt", text(""), false},
                {"model.safetensors", noise(300'000, 1), true},
                {"model-copy.safetensors", noise(300'000, 1), true},  // the same content twice: one blob
                {"sub dir/ünï cödé #1?.txt", text("grüße\n"), false},
                {"sub dir/deeper/100%.bin", noise(70'000, 2), true}};
  hub.add(repo);
  hub.store_at(storage.url());
  storage.be_storage_of(hub);
  talk_stream_ = ::open_memstream(&talk_text_, &talk_size_);
  options.hub.endpoint = *parse_url(hub.url());
  options.hub.endpoint.text = hub.url();
  options.hub.token = kToken;
  options.hub.cache = scratch.path() / "cache";
  options.hub.wait_scale = 0.0005;
  options.hub.metadata_timeout_seconds = 2;
  options.hub.download_timeout_seconds = 2;
  options.talk = talk_stream_;
}

HubFixture::~HubFixture() {
  std::fclose(talk_stream_);
  std::free(talk_text_);
}

const ServedFile& HubFixture::file(const std::string& path) const {
  return *std::find_if(repo.files.begin(), repo.files.end(), [&](const auto& f) { return f.path == path; });
}

std::string HubFixture::hash(const std::string& path) const {
  const auto& served = file(path);
  if (served.lfs) return sha256_hex(*served.content);
  GitBlobSha1 digest(served.content->size());
  digest.update(*served.content);
  return digest.finish_hex();
}

fs::path HubFixture::blob(const std::string& path) const { return root() / "blobs" / hash(path); }

std::string HubFixture::talk() const {
  std::fflush(talk_stream_);
  return std::string(talk_text_, talk_size_);
}

std::string HubFixture::failure_of(const std::function<void()>& work) const {
  try {
    work();
    return {};
  } catch (const std::exception& error) {
    return error.what();
  }
}

std::vector<std::string> HubFixture::leaks() const {
  std::vector<std::string> found;
  for (const auto& request : storage.seen()) {
    if (!request.authorization.empty()) found.push_back("token sent to the storage: " + request.target);
  }
  if (talk().find(kToken) != std::string::npos) found.push_back("token in what was said");
  return found;
}

namespace {

void check_blobs(const fs::path& folder, bool may_be_unfinished, std::vector<std::string>& faults) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const std::string hash = name.substr(0, name.find('.'));
    const bool unfinished = name.size() == hash.size() + 20 && name.substr(name.size() - 11) == ".incomplete";
    if (!entry.is_regular_file()) {
      faults.push_back("no file: " + entry.path().string());
    } else if (unfinished && !may_be_unfinished) {
      faults.push_back("left unfinished: " + entry.path().string());
    } else if (!unfinished && name != (name.size() == 64 ? sha256_file(entry.path()) : git_blob_sha1_file(entry.path()))) {
      faults.push_back("wrong content: " + entry.path().string());
    }
  }
}

void check_snapshot(const fs::path& folder, const fs::path& cache, const HubFixture& fixture, std::vector<std::string>& faults) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_directory() && !entry.is_symlink()) continue;
    const std::string path = entry.path().lexically_relative(folder).generic_string();
    const auto served =
        std::find_if(fixture.repo.files.begin(), fixture.repo.files.end(), [&](const auto& f) { return f.path == path; });
    if (!entry.is_symlink() || fs::read_symlink(entry.path()).is_absolute()) {
      faults.push_back("no relative link: " + path);
    } else if (!fs::exists(entry.path())) {
      faults.push_back("link to nothing: " + path);
    } else if (fs::canonical(entry.path()).string().rfind(fs::canonical(cache).string() + "/", 0) != 0) {
      faults.push_back("leads out of the cache: " + path);
    } else if (served == fixture.repo.files.end() || read_file(entry.path()) != *served->content) {
      faults.push_back("not what the server has: " + path);
    }
  }
}

}  // namespace

std::vector<std::string> HubFixture::faults_of_cache(bool may_be_unfinished) const {
  std::vector<std::string> faults;
  for (const auto& entry : fs::directory_iterator(scratch.path())) {
    const auto name = entry.path().filename();
    if (name != "cache" && name != "outside") faults.push_back("written outside: " + entry.path().string());
  }
  if (!fs::exists(root())) return faults;
  for (const auto& entry : fs::directory_iterator(root())) {
    if (entry.is_symlink()) return faults;  // a test's own trap: nothing of ours behind it
  }
  if (fs::exists(root() / "blobs")) check_blobs(root() / "blobs", may_be_unfinished, faults);
  for (const auto& commit : fs::directory_iterator(root() / "snapshots")) {
    if (commit.path().filename() != kCommit) faults.push_back("snapshot of an unknown commit: " + commit.path().string());
    check_snapshot(commit.path(), cache(), *this, faults);
  }
  if (!fs::exists(root() / "refs")) return faults;
  for (const auto& entry : fs::recursive_directory_iterator(root() / "refs")) {
    if (entry.is_regular_file() && read_file(entry.path()) != kCommit) faults.push_back("wrong ref: " + entry.path().string());
  }
  return faults;
}

}  // namespace grm
