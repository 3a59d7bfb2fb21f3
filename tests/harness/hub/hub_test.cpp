// What the client promises where nothing is broken: choice of files, lock files, offline use, collections, settings.
#include "harness/hub/hub.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "harness/error.h"
#include "harness/files/atomic_file.h"
#include "harness/hub/lock_file.h"
#include "tests/harness/hub/hub_fixture.h"

namespace grm {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> paths_of(const Snapshot& snapshot) {
  std::vector<std::string> paths;
  for (const auto& file : snapshot.files) paths.push_back(file.path);
  return paths;
}

TEST(Fetch, TellsFolderCommitAndFiles) {
  HubFixture f;
  const Snapshot snapshot = fetch_snapshot(f.ref, f.options);
  EXPECT_EQ(snapshot.folder, f.snapshot());
  EXPECT_EQ(snapshot.commit, kCommit);
  ASSERT_EQ(snapshot.files.size(), f.repo.files.size());
  for (const auto& file : snapshot.files) {
    EXPECT_EQ(file.hash, f.hash(file.path));
    EXPECT_EQ(file.size, f.file(file.path).content->size());
    EXPECT_EQ(file.kind, f.file(file.path).lfs ? HashKind::kSha256 : HashKind::kGitSha1);
  }
  const auto seen = f.hub.seen();
  EXPECT_TRUE(
      std::all_of(seen.begin(), seen.end(), [](const auto& r) { return r.authorization == std::string("Bearer ") + kToken; }));
}

TEST(Fetch, OnlyWhatPatternsChoose) {
  HubFixture f;
  f.options.includes = {"*.safetensors"};
  f.options.excludes = {"*-copy*"};
  EXPECT_THAT(paths_of(fetch_snapshot(f.ref, f.options)), ElementsAre("model.safetensors"));
  f.options.includes = {"sub dir/"};
  EXPECT_EQ(fetch_snapshot(f.ref, f.options).files.size(), 2U);
  f.options.includes = {"*.bin"};  // as in huggingface_hub, * matches / too
  EXPECT_THAT(paths_of(fetch_snapshot(f.ref, f.options)), ElementsAre("sub dir/deeper/100%.bin"));
  f.options.includes = {"*.gguf"};
  EXPECT_THAT(f.failure(), HasSubstr("has no file '*.gguf'"));
  f.options.includes = {"config.json", "chat_template.jinja"};
  EXPECT_THAT(f.failure(), HasSubstr("has no file 'chat_template.jinja'"));
  EXPECT_TRUE(fs::exists(f.root() / ".no_exist" / kCommit / "chat_template.jinja"));
}

TEST(Fetch, ARunnableModelLeavesOtherFormatsOut) {
  HubFixture f;
  const auto text = std::make_shared<const std::string>("x");
  for (const char* path :
       {"pytorch_model.bin", "model.gguf", "onnx/model.onnx", "fp16/model.safetensors", "chat_template.jinja"}) {
    f.repo.files.push_back({path, text, false});
  }
  f.hub.add(f.repo);
  take_only_runnable_model(f.options);
  f.options.excludes.push_back("*copy*");
  EXPECT_THAT(paths_of(fetch_snapshot(f.ref, f.options)), ElementsAre("chat_template.jinja", "config.json", "model.safetensors"));
}

TEST(Fetch, RevisionsWithSlashesAndBlanks) {
  HubFixture f;
  for (const char* revision : {"refs/pr/1", "feature/long name"}) {
    f.ref.revision = revision;
    if (std::string(revision).find(' ') != std::string::npos) {
      EXPECT_THAT(f.failure(), HasSubstr("is no revision"));  // git has none with blanks
      continue;
    }
    EXPECT_EQ(f.failure(), "");
    EXPECT_EQ(read_file(f.root() / "refs" / revision), kCommit);
  }
  f.ref.revision = kCommit;
  EXPECT_EQ(f.failure(), "");
  EXPECT_FALSE(fs::exists(f.root() / "refs" / kCommit));
}

TEST(Fetch, ACommitThatIsThereNeedsNoNetwork) {
  HubFixture f;
  f.ref.revision = kCommit;
  fetch_snapshot(f.ref, f.options);
  f.hub.forget_seen();
  fetch_snapshot(f.ref, f.options);
  EXPECT_THAT(f.hub.seen(), IsEmpty());
}

TEST(Fetch, ACommitAskedForIsTheCommitThatComes) {
  HubFixture f;
  f.ref.revision = std::string(40, 'b');
  f.hub.set_fault(fault_on([](const SeenRequest& r) { return is_api(r, "/revision/"); },
                           [](ServedAnswer& a) {
                             a = ServedAnswer{};
                             a.set_body("{\"sha\":\"" + kCommit + "\"}");
                           }));
  EXPECT_THAT(f.failure(), HasSubstr("was asked for"));
}

TEST(Fetch, CopiesWhereLinksAreNotWanted) {
  HubFixture f;
  f.options.hub.copy_instead_of_links = true;
  fetch_snapshot(f.ref, f.options);
  for (const auto& file : f.repo.files) {
    EXPECT_FALSE(fs::is_symlink(f.snapshot() / file.path));
    EXPECT_EQ(read_file(f.snapshot() / file.path), *file.content);
  }
  f.hub.forget_seen();
  f.ref.revision = kCommit;
  EXPECT_EQ(f.failure(), "");
  EXPECT_THAT(f.hub.seen(), IsEmpty());
}

TEST(Fetch, CheckCachedFindsADamagedFile) {
  HubFixture f;
  fetch_snapshot(f.ref, f.options);
  std::string wrong = *f.file("model.safetensors").content;
  wrong[1000] = static_cast<char>(wrong[1000] ^ 1);
  write_file_atomically(f.blob("model.safetensors"), wrong);
  f.options.check_cached = true;
  EXPECT_EQ(f.failure(), "");
  EXPECT_THAT(f.faults_of_cache(false), IsEmpty());
}

TEST(Offline, UsesWhatIsThereAndAsksNobody) {
  HubFixture f;
  f.options.hub.offline = true;
  EXPECT_THAT(f.failure(), HasSubstr("offline, and org/judge at 'main' is not in the cache"));
  f.options.hub.offline = false;
  f.options.includes = {"config.json"};
  fetch_snapshot(f.ref, f.options);
  f.hub.forget_seen();
  f.options.hub.offline = true;
  EXPECT_THAT(paths_of(fetch_snapshot(f.ref, f.options)), ElementsAre("config.json"));
  f.options.includes = {};
  EXPECT_THAT(f.failure(), HasSubstr("lacks 5 of 6 files"));
  EXPECT_THAT(f.hub.seen(), IsEmpty());
}

TEST(Offline, WithoutAListTakesTheSnapshotAsItIs) {
  HubFixture f;
  fetch_snapshot(f.ref, f.options);
  fs::remove_all(f.root() / "trees");
  f.options.hub.offline = true;
  EXPECT_EQ(fetch_snapshot(f.ref, f.options).files.size(), f.repo.files.size());
  EXPECT_THAT(f.talk(), HasSubstr("no file list"));
}

TEST(Datasets, HaveTheirOwnAddressesAndFolder) {
  HubFixture f;
  ServedRepo data = f.repo;
  data.type = "dataset";
  data.id = "org/items";
  data.commit = std::string(40, 'd');
  f.hub.add(data);
  const Snapshot snapshot = fetch_snapshot({RepoType::kDataset, "org/items", "main"}, f.options);
  EXPECT_EQ(snapshot.folder, f.cache() / "datasets--org--items" / "snapshots" / data.commit);
  EXPECT_EQ(read_file(snapshot.folder / "config.json"), *f.file("config.json").content);
}

TEST(Collections, BringModelsAndDataSets) {
  HubFixture f;
  ServedRepo data = f.repo;
  data.type = "dataset";
  data.id = "org/items";
  f.hub.add(data);
  f.hub.add_collection("org/all-1234",
                       R"({"slug":"org/all-1234","items":[{"_id":"1","id":"org/judge","type":"model","position":0},
      {"_id":"2","id":"2401.00001","type":"paper"},{"_id":"3","id":"org/items","type":"dataset","note":{"text":"n"}}]})");
  const auto snapshots = fetch_collection("org/all-1234", f.options);
  ASSERT_EQ(snapshots.size(), 2U);
  EXPECT_EQ(snapshots[0].repository.id, "org/judge");
  EXPECT_EQ(snapshots[1].repository.type, RepoType::kDataset);
  EXPECT_THAT(f.talk(), HasSubstr("paper '2401.00001' left out"));
}

TEST(Collections, HostileOnesAreRefused) {
  HubFixture f;
  f.hub.add_collection("org/bad", R"({"items":[{"id":"../../x","type":"model"}]})");
  f.hub.add_collection("org/odd", R"({"items":{}})");
  const auto failure = [&](const std::string& slug) { return f.failure_of([&] { fetch_collection(slug, f.options); }); };
  EXPECT_THAT(failure("org/bad"), HasSubstr("no Hub repository id"));
  EXPECT_THAT(failure("org/odd"), HasSubstr("no list of items"));
  EXPECT_THAT(failure("org/absent"), HasSubstr("not found"));
  EXPECT_THAT(failure("../api/x"), HasSubstr("is no collection"));
}

TEST(LockFile, RestoresExactlyWhatItNames) {
  HubFixture f;
  f.options.includes = {"*.safetensors", "config.json"};
  const fs::path lock = f.scratch.path() / "outside";
  write_lock_file(lock, {fetch_snapshot(f.ref, f.options)});
  fs::remove_all(f.cache());
  f.repo.refs["main2"] = kCommit;
  f.options.includes = {};
  const auto locked = read_lock_file(lock);
  ASSERT_EQ(locked.size(), 1U);
  const Snapshot restored = restore_snapshot(locked.front(), f.options);
  EXPECT_THAT(paths_of(restored), ElementsAre("config.json", "model-copy.safetensors", "model.safetensors"));
  EXPECT_FALSE(fs::exists(f.snapshot() / "sub dir"));
  EXPECT_THAT(f.faults_of_cache(false), IsEmpty());
  // Again, with one cached file damaged: found by its hash, fetched again. Then offline, without a request.
  std::string wrong = *f.file("config.json").content;
  wrong[2] = '#';
  write_file_atomically(f.blob("config.json"), wrong);
  restore_snapshot(locked.front(), f.options);
  EXPECT_THAT(f.faults_of_cache(false), IsEmpty());
  f.options.hub.offline = true;
  restore_snapshot(locked.front(), f.options);
  write_file_atomically(f.blob("config.json"), wrong);
  EXPECT_THAT(f.failure_of([&] { restore_snapshot(locked.front(), f.options); }), HasSubstr("lacks 1 of 3 locked files"));
}

TEST(LockFile, AServerWithOtherContentIsAnError) {
  HubFixture f;
  const fs::path lock = f.scratch.path() / "outside";
  write_lock_file(lock, {fetch_snapshot(f.ref, f.options)});
  fs::remove_all(f.cache());
  for (auto& file : f.repo.files) {
    if (file.path == "config.json") file.content = std::make_shared<const std::string>("{\"model_type\": \"other\"}\n");
  }
  f.hub.add(f.repo);
  EXPECT_THAT(f.failure_of([&] { restore_snapshot(read_lock_file(lock).front(), f.options); }), HasSubstr("differs"));
  EXPECT_FALSE(fs::exists(f.snapshot() / "config.json"));
}

TEST(LockFile, MalformedOnesAreUserErrors) {
  const TemporaryFolder scratch;
  const fs::path path = scratch.path() / "lock.json";
  const auto failure = [&](const std::string& text) -> std::string {
    write_file_atomically(path, text);
    try {
      read_lock_file(path);
    } catch (const UserError& error) {
      return error.what();
    }
    return {};
  };
  const std::string file = R"({"path":"a","size":1,"hash":")" + std::string(40, 'a') + R"(","hash_kind":"git-sha1"})";
  const auto lock = [&](const std::string& files, const std::string& version = "1", const std::string& commit = kCommit) {
    return R"({"schema":"grm.lock","version":)" + version +
           R"(,"repositories":[{"repository":"org/judge","type":"model","commit":")" + commit + R"(","files":[)" + files + "]}]}";
  };
  EXPECT_EQ(failure(lock(file)), "");
  EXPECT_THAT(failure("{"), HasSubstr("no usable lock file"));
  EXPECT_THAT(failure("{\"schema\":\"other\"}"), HasSubstr("schema grm.lock"));
  EXPECT_THAT(failure(lock(file, "2")), HasSubstr("use a newer program"));
  EXPECT_THAT(failure(lock(file, "1", "main")), HasSubstr("40 hex digits"));
  EXPECT_THAT(failure(lock(file + "," + file)), HasSubstr("named twice"));
  EXPECT_THAT(failure(lock("{}")), HasSubstr("without path"));
  for (const char* bad : {"../x", "/x", "a\\\\b", "C:x", ""}) {
    std::string entry = file;
    EXPECT_THAT(failure(lock(entry.replace(entry.find("\"a\"") + 1, 1, bad))), HasSubstr("is refused")) << bad;
  }
  std::string entry = file;
  EXPECT_THAT(failure(lock(entry.replace(entry.find("aaaa"), 4, "../."))), HasSubstr("the hash of 'a'"));
}

TEST(RepoIds, AreCheckedByTheHubsRules) {
  for (const char* good : {"gpt2", "org/name", "Org-1/na.me_2", "a/b"}) EXPECT_NO_THROW(parse_repo_spec(good)) << good;
  for (const char* bad : {"", "/", "a/", "/a", "a/b/c", "a--b", "a/..", "../a", "a..b", "a.git", "-a", "a-", ".a", "a b", "a\\b",
                          "a%2f", "é", "datasets/a/b"}) {
    EXPECT_THROW(parse_repo_spec(bad), UserError) << bad;
  }
  EXPECT_THROW(parse_repo_spec(std::string(97, 'a')), UserError);
  const RepoRef repo = parse_repo_spec("org/name@refs/pr/2", RepoType::kDataset);
  EXPECT_EQ(repo.revision, "refs/pr/2");
  EXPECT_EQ(cache_folder_name(repo), "datasets--org--name");
  EXPECT_EQ(resolve_path(repo, repo.revision, "a b/ü#?%.txt"),
            "/datasets/org/name/resolve/refs%2Fpr%2F2/a%20b/%C3%BC%23%3F%25.txt");
  for (const char* bad : {"a@", "a@..", "a@/x", "a@x/../y", "a@x y", "a@-x", "a@x.lock", "a@x\ny"})
    EXPECT_THROW(parse_repo_spec(bad), UserError) << bad;
}

using Variables = std::map<std::string, std::string>;
HubOptions options_of(const Variables& variables) {
  return hub_options_from([&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(Settings, ComeFromTheEnvironmentAsHuggingfaceHubReadsIt) {
  const TemporaryFolder home;
  const std::string h = home.path().string();
  EXPECT_EQ(options_of({{"HOME", h}}).cache, home.path() / ".cache/huggingface/hub");
  EXPECT_EQ(options_of({{"HOME", h}, {"XDG_CACHE_HOME", "/x"}}).cache, "/x/huggingface/hub");
  EXPECT_EQ(options_of({{"HOME", h}, {"XDG_CACHE_HOME", "/x"}, {"HF_HOME", "/hf"}}).cache, "/hf/hub");
  EXPECT_EQ(options_of({{"HF_HOME", "/hf"}, {"HUGGINGFACE_HUB_CACHE", "/old"}}).cache, "/old");
  EXPECT_EQ(options_of({{"HF_HOME", "/hf"}, {"HUGGINGFACE_HUB_CACHE", "/old"}, {"HF_HUB_CACHE", "/new"}}).cache, "/new");
  EXPECT_EQ(options_of({{"HOME", h}, {"HF_HOME", "~/hf"}}).cache, home.path() / "hf/hub");
  EXPECT_EQ(options_of({{"HOME", h}}).endpoint.origin(), "https://huggingface.co:443");
  EXPECT_EQ(options_of({{"HOME", h}, {"HF_ENDPOINT", "http://localhost:80/"}}).endpoint.origin(), "http://localhost:80");
  EXPECT_TRUE(options_of({{"HOME", h}, {"HF_HUB_OFFLINE", "Yes"}}).offline);
  EXPECT_TRUE(options_of({{"HOME", h}, {"TRANSFORMERS_OFFLINE", "1"}}).offline);
  EXPECT_FALSE(options_of({{"HOME", h}, {"HF_HUB_OFFLINE", "0"}}).offline);
  EXPECT_EQ(options_of({{"HOME", h}, {"HF_HUB_DOWNLOAD_TIMEOUT", "33"}}).download_timeout_seconds, 33);
  EXPECT_THROW(options_of({{"HOME", h}, {"HF_HUB_ETAG_TIMEOUT", "soon"}}), UserError);
  for (const char* bad : {"huggingface.co", "ftp://x", "https://user:secret@x", "https://x?y=1", "https://"}) {
    EXPECT_THROW(options_of({{"HOME", h}, {"HF_ENDPOINT", bad}}), UserError) << bad;
  }
}

TEST(Settings, TokenFromVariableOrFile) {
  const TemporaryFolder home;
  const Variables base = {{"HF_HOME", home.path().string()}};
  const auto with = [&](Variables more) {
    more.insert(base.begin(), base.end());
    return options_of(more).token;
  };
  EXPECT_EQ(with({}), "");
  write_file_atomically(home.path() / "token", "hf_file\n");
  EXPECT_EQ(with({}), "hf_file");
  EXPECT_EQ(with({{"HUGGING_FACE_HUB_TOKEN", "hf_old"}}), "hf_old");
  EXPECT_EQ(with({{"HUGGING_FACE_HUB_TOKEN", "hf_old"}, {"HF_TOKEN", " hf_new\r\n"}}), "hf_new");
  EXPECT_EQ(with({{"HF_TOKEN", "hf_new"}, {"HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"}}), "");
  write_file_atomically(home.path() / "other", "hf_other");
  EXPECT_EQ(with({{"HF_TOKEN_PATH", (home.path() / "other").string()}}), "hf_other");
  try {
    with({{"HF_TOKEN", "hf_a\r\nX-Evil: 1"}});
    ADD_FAILURE() << "a token with a line break was taken";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), testing::Not(HasSubstr("hf_a")));
  }
}

// The storage speaks plain http while the Hub speaks https: a downgrade nobody asked for.
TEST(Tls, NoRedirectFromHttpsToHttp) {
  HubFixture f;
  const auto folder = f.scratch.path() / "outside";
  fs::create_directories(folder);
  const std::string key = (folder / "key.pem").string();
  const std::string certificate = (folder / "certificate.pem").string();
  const std::string command = fmt::format(
      "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 "
      "-keyout {} -out {} 2>/dev/null",
      key, certificate);
  if (std::system(command.c_str()) != 0) GTEST_SKIP() << "the openssl program cannot make a certificate here";
  HubServer secure(0, certificate, key);
  secure.add(f.repo);
  f.options.hub.endpoint = *parse_url(secure.url());
  f.options.hub.endpoint.text = secure.url();
  EXPECT_THAT(f.failure(), HasSubstr("transfer failed"));  // nobody vouches for the certificate
  f.options.hub.ca_file = certificate;
  secure.store_at(f.storage.url());
  EXPECT_THAT(f.failure(), HasSubstr("from https to http"));
  EXPECT_THAT(f.leaks(), IsEmpty());
  secure.store_at("");
  EXPECT_EQ(f.failure(), "");
  EXPECT_THAT(f.faults_of_cache(false), IsEmpty());
}

}  // namespace
}  // namespace grm
