// Against programs we did not write: huggingface_hub (Python) as reader of our cache and as writer of one for us, nginx as
// server.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "harness/files/atomic_file.h"
#include "harness/hub/listing.h"
#include "tests/harness/hub/hub_fixture.h"

namespace grm {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

/// A Python that has huggingface_hub, or nothing.
std::string python() {
  const char* named = std::getenv("GRM_PYTHON");
  const std::string path = named != nullptr ? named : std::string(GRM_SOURCE_DIR) + "/.venv/bin/python";
  const bool works = fs::exists(path) && std::system((path + " -c 'import huggingface_hub' 2>/dev/null").c_str()) == 0;
  return works ? path : "";
}
#define GRM_NEED_PYTHON(name)        \
  const std::string name = python(); \
  if (name.empty()) GTEST_SKIP() << "no Python with huggingface_hub: name one by GRM_PYTHON or run ci/setup"

/// Runs a script with the cache and the endpoint of the fixture; what it prints, with its errors.
std::string run_python(const std::string& interpreter, const HubFixture& f, const std::string& script) {
  const fs::path folder = f.scratch.path() / "outside";
  fs::create_directories(folder);
  write_file_atomically(folder / "script.py", script);
  const std::string command = fmt::format(
      "env -u HF_HUB_OFFLINE HF_HUB_DISABLE_XET=1 HF_HUB_DISABLE_PROGRESS_BARS=1 HF_HUB_DISABLE_TELEMETRY=1 HF_ENDPOINT={} "
      "HF_HOME={} "
      "HF_HUB_CACHE={} {} {} > {} 2>&1",
      f.hub.url(), folder.string(), f.cache().string(), interpreter, (folder / "script.py").string(),
      (folder / "output").string());
  const int status = std::system(command.c_str());
  return fmt::format("{}exit {}\n", read_file(folder / "output"), WEXITSTATUS(status));
}

TEST(Interop, HuggingfaceHubReadsOurCache) {
  GRM_NEED_PYTHON(interpreter);
  HubFixture f;
  fetch_snapshot(f.ref, f.options);
  f.options.includes = {"absent.json"};
  f.failure();
  f.hub.set_fault(fault_on([](const SeenRequest&) { return true; }, [](ServedAnswer& a) { a.replace(500); }));
  const std::string output = run_python(interpreter, f, R"(
from huggingface_hub import scan_cache_dir, snapshot_download, try_to_load_from_cache, _CACHED_NO_EXIST
info = scan_cache_dir()
print('warnings', info.warnings, 'incomplete', len(info.incomplete_files))
repo, = info.repos
revision, = repo.revisions
print(repo.repo_id, repo.repo_type, revision.commit_hash, sorted(revision.refs), revision.nb_files)
print('folder', snapshot_download('org/judge', local_files_only=True))
print('file', open(try_to_load_from_cache('org/judge', 'sub dir/ünï cödé #1?.txt')).read().strip())
print('absent', try_to_load_from_cache('org/judge', 'absent.json', revision=revision.commit_hash) is _CACHED_NO_EXIST)
)");
  EXPECT_THAT(output, HasSubstr("warnings [] incomplete 0"));
  EXPECT_THAT(output, HasSubstr(fmt::format("org/judge model {} ['main'] {}", kCommit, f.repo.files.size())));
  EXPECT_THAT(output, HasSubstr("folder " + f.snapshot().string()));
  EXPECT_THAT(output, HasSubstr("file grüße"));
  EXPECT_THAT(output, HasSubstr("absent True"));
  EXPECT_THAT(output, HasSubstr("exit 0"));
}

TEST(Interop, WeReadTheCacheOfHuggingfaceHub) {
  GRM_NEED_PYTHON(interpreter);
  HubFixture f;
  const std::string output = run_python(interpreter, f, R"(
from huggingface_hub import snapshot_download
print('folder', snapshot_download('org/judge'))
)");
  ASSERT_THAT(output, HasSubstr("folder " + f.snapshot().string()));
  EXPECT_THAT(f.faults_of_cache(false), IsEmpty());
  f.hub.forget_seen();
  f.storage.forget_seen();
  f.options.hub.offline = true;
  const Snapshot snapshot = fetch_snapshot(f.ref, f.options);
  EXPECT_EQ(snapshot.folder, f.snapshot());
  EXPECT_EQ(snapshot.files.size(), f.repo.files.size());
  EXPECT_THAT(f.hub.seen(), IsEmpty());
  // Online, only the commit and the list are asked for; no file is fetched again.
  f.options.hub.offline = false;
  fetch_snapshot(f.ref, f.options);
  EXPECT_EQ(f.hub.seen().size(), 2U);
  EXPECT_THAT(f.storage.seen(), IsEmpty());
}

TEST(Interop, EachGoesOnWithWhatTheOtherBegan) {
  GRM_NEED_PYTHON(interpreter);
  HubFixture f;
  f.options.includes = {"model.safetensors"};
  fetch_snapshot(f.ref, f.options);
  const std::string output = run_python(interpreter, f, R"(
from huggingface_hub import snapshot_download
print('folder', snapshot_download('org/judge', allow_patterns=['*.safetensors', '*.json']))
)");
  EXPECT_THAT(output, HasSubstr("exit 0"));
  f.options.includes = {};
  EXPECT_EQ(f.failure(), "");
  EXPECT_THAT(f.faults_of_cache(false), IsEmpty());
  std::size_t downloads = 0;
  for (const auto& request : f.storage.seen()) downloads += request.method == "GET" ? 1U : 0U;
  EXPECT_EQ(downloads, 2U);  // two stored contents in all
}

/// nginx with the Hub's answers as static files and headers; stopped when this goes.
class Nginx {
 public:
  Nginx(const HubFixture& f, int port) : folder_(f.scratch.path() / "outside") {
    const fs::path web = folder_ / "web";
    const std::string api = "api/models/org/judge/";
    put(web / (api + "revision/main"), fmt::format("{{\"sha\":\"{}\"}}", kCommit));
    std::string entries;
    std::string etags;
    for (const auto& file : f.repo.files) {
      put(web / "org/judge/resolve" / kCommit / file.path, *file.content);
      const std::string lfs =
          file.lfs ? fmt::format(R"(,"lfs":{{"oid":"{}","size":{}}})", f.hash(file.path), file.content->size()) : "";
      const std::string oid = file.lfs ? std::string(40, '1') : f.hash(file.path);
      entries += fmt::format(R"({}{{"type":"file","path":"{}","oid":"{}","size":{}{}}})", entries.empty() ? "" : ",", file.path,
                             oid, file.content->size(), lfs);
    }
    put(web / (api + "tree/" + kCommit), "[" + entries + "]");
    put(folder_ / "nginx.conf",
        fmt::format("daemon off; worker_processes 1; pid {0}/pid; error_log {0}/error.log; {4}\nevents {{}}\nhttp {{ access_log "
                    "{0}/access.log;"
                    " client_body_temp_path {0}/t1; proxy_temp_path {0}/t2; fastcgi_temp_path {0}/t3; uwsgi_temp_path {0}/t4; "
                    "scgi_temp_path {0}/t5;\n"
                    "server {{ listen 127.0.0.1:{1}; root {2}; location / {{ add_header X-Repo-Commit {3}; }} }} }}\n",
                    folder_.string(), port, web.string(), kCommit, ::geteuid() == 0 ? "user root;" : ""));
    child_ = ::fork();
    if (child_ == 0) {
      ::execlp("nginx", "nginx", "-c", (folder_ / "nginx.conf").c_str(), "-p", folder_.c_str(), nullptr);
      ::_exit(127);
    }
  }
  ~Nginx() {
    ::kill(child_, SIGTERM);
    ::waitpid(child_, nullptr, 0);
  }
  Nginx(const Nginx&) = delete;
  Nginx& operator=(const Nginx&) = delete;

 private:
  static void put(const fs::path& path, const std::string& content) {
    fs::create_directories(path.parent_path());
    write_file_atomically(path, content);
  }
  fs::path folder_;
  pid_t child_ = -1;
};

TEST(Interop, NginxAsServer) {
  if (std::system("nginx -v 2>/dev/null") != 0) GTEST_SKIP() << "nginx is not installed";
  HubFixture f;
  const int port = HubServer().port();  // free again
  const Nginx server(f, port);
  f.options.hub.endpoint = *parse_url(fmt::format("http://127.0.0.1:{}", port));
  f.options.hub.endpoint.text.pop_back();
  // A killed download's beginning: nginx's own ranges complete it.
  fs::create_directories(f.root() / "blobs");
  fs::create_directories(f.snapshot());
  write_file_atomically(f.blob("model.safetensors").string() + ".0badf00d.incomplete",
                        f.file("model.safetensors").content->substr(0, 111'111));
  f.options.hub.wait_scale = 0.05;  // the server starts meanwhile
  EXPECT_EQ(f.failure(), "");
  EXPECT_THAT(f.faults_of_cache(false), IsEmpty());
  EXPECT_THAT(read_file(f.scratch.path() / "outside" / "access.log"), HasSubstr("\" 206 188889 "));
}

}  // namespace
}  // namespace grm
