#include "tests/harness/hub/hub_server.h"

#define CPPHTTPLIB_OPENSSL_SUPPORT
#include <fmt/format.h>
#include <httplib.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "harness/files/hash.h"

namespace grm {
namespace {

using Json = nlohmann::json;

std::string git_sha1_of(const std::string& content) {
  GitBlobSha1 digest(content.size());
  digest.update(content);
  return digest.finish_hex();
}

std::string hash_of(const ServedFile& file) { return file.lfs ? sha256_hex(*file.content) : git_sha1_of(*file.content); }

std::string decoded(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      result += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      result += text[i];
    }
  }
  return result;
}

Json tree_entry(const ServedFile& file) {
  const std::string pointer = fmt::format("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n",
                                          file.lfs ? hash_of(file) : "", file.content->size());
  Json entry = {{"type", "file"},
                {"path", file.path},
                {"size", file.content->size()},
                {"oid", file.lfs ? git_sha1_of(pointer) : hash_of(file)}};
  if (file.lfs) entry["lfs"] = {{"oid", hash_of(file)}, {"size", file.content->size()}, {"pointerSize", pointer.size()}};
  return entry;
}

}  // namespace

void ServedAnswer::remove_header(const std::string& name) {
  std::erase_if(headers, [&](const auto& header) { return header.first == name; });
}

void ServedAnswer::set_header(const std::string& name, const std::string& value) {
  remove_header(name);
  headers.emplace_back(name, value);
}

void ServedAnswer::set_body(std::string text) {
  content = std::make_shared<const std::string>(std::move(text));
  begin = 0;
}

void ServedAnswer::replace(int new_status, const std::string& error_code, const std::string& message) {
  *this = ServedAnswer{};
  status = new_status;
  if (!error_code.empty()) set_header("X-Error-Code", error_code);
  if (!message.empty()) set_header("X-Error-Message", message);
  set_header("X-Request-Id", "Root=1-fixture");
  set_body(Json{{"error", message}}.dump());
}

struct HubServer::State {
  std::unique_ptr<httplib::Server> server;
  std::string scheme = "http";
  int port = 0;
  std::thread thread;
  std::atomic<bool> stopping{false};
  mutable std::mutex mutex;  // guards what follows
  std::vector<ServedRepo> repos;
  std::map<std::string, std::string> collections;
  std::string storage_base;
  std::map<std::string, std::shared_ptr<const std::string>> stored;
  std::size_t page_size = 1000;
  std::function<void(const SeenRequest&, ServedAnswer&)> fault;
  std::vector<SeenRequest> seen;

  void handle(const httplib::Request& request, httplib::Response& response);
  ServedAnswer answer(SeenRequest& seen_request) const;
  ServedAnswer answer_api(const std::string& path, const std::string& query) const;
  ServedAnswer answer_tree(const ServedRepo& repo, const std::string& path, const std::string& query) const;
  ServedAnswer answer_file(const ServedRepo& repo, const std::string& revision, SeenRequest& seen_request) const;
  void send(const ServedAnswer& answer, const std::string& method, httplib::Response& response);
  const ServedRepo* find(const std::string& type, const std::string& path, std::string& rest) const;
  static bool has_revision(const ServedRepo& repo, const std::string& revision) {
    return revision == "main" || revision == repo.commit || repo.refs.count(revision) != 0;
  }
};

const ServedRepo* HubServer::State::find(const std::string& type, const std::string& path, std::string& rest) const {
  for (const auto& repo : repos) {
    if (repo.type != type || path.compare(0, repo.id.size(), repo.id) != 0) continue;
    if (path.size() != repo.id.size() && path[repo.id.size()] != '/') continue;
    rest = path.substr(repo.id.size());
    return &repo;
  }
  return nullptr;
}

ServedAnswer HubServer::State::answer_tree(const ServedRepo& repo, const std::string& path, const std::string& query) const {
  std::size_t first = 0;
  const auto cursor = query.find("cursor=");
  if (cursor != std::string::npos) first = std::stoul(query.substr(cursor + 7));
  Json entries = Json::array();
  for (std::size_t i = first; i < std::min(repo.files.size(), first + page_size); ++i)
    entries.push_back(tree_entry(repo.files[i]));
  ServedAnswer answer;
  answer.set_header("Content-Type", "application/json");
  answer.set_body(entries.dump());
  if (first + page_size < repo.files.size()) {
    answer.set_header("Link", fmt::format("<{}://127.0.0.1:{}{}?recursive=true&cursor={}>; rel=\"next\"", scheme, port, path,
                                          first + page_size));
  }
  return answer;
}

ServedAnswer HubServer::State::answer_api(const std::string& path, const std::string& query) const {
  ServedAnswer answer;
  answer.set_header("Content-Type", "application/json");
  const std::string collections_prefix = "/api/collections/";
  if (path.rfind(collections_prefix, 0) == 0) {
    const auto found = collections.find(path.substr(collections_prefix.size()));
    if (found == collections.end()) {
      answer.replace(404, "", "Collection not found");
    } else {
      answer.set_body(found->second);
    }
    return answer;
  }
  for (const std::string type : {"model", "dataset"}) {
    const std::string prefix = "/api/" + type + "s/";
    if (path.rfind(prefix, 0) != 0) continue;
    std::string rest;
    const ServedRepo* repo = find(type, path.substr(prefix.size()), rest);
    if (repo == nullptr) break;
    const auto slash = rest.find('/', 1);
    const std::string revision = slash == std::string::npos ? "main" : decoded(rest.substr(slash + 1));
    if (!has_revision(*repo, revision)) {
      answer.replace(404, "RevisionNotFound", "Invalid rev id: " + revision);
      return answer;
    }
    if (rest.rfind("/tree/", 0) == 0) return answer_tree(*repo, path, query);
    Json siblings = Json::array();
    for (const auto& file : repo->files) siblings.push_back({{"rfilename", file.path}});
    answer.set_body(Json{
        {"_id", "0"},
        {"id", repo->id},
        {"sha", repo->commit},
        {"private", false},
        {"downloads", 0},
        {"likes", 0},
        {"tags", Json::array()},
        {"siblings",
         siblings}}.dump());
    return answer;
  }
  answer.replace(404, "RepoNotFound", "Repository not found");
  return answer;
}

ServedAnswer HubServer::State::answer_file(const ServedRepo& repo, const std::string& revision, SeenRequest& seen_request) const {
  ServedAnswer answer;
  if (!has_revision(repo, revision)) {
    answer.replace(404, "RevisionNotFound", "Invalid rev id: " + revision);
    return answer;
  }
  const auto file =
      std::find_if(repo.files.begin(), repo.files.end(), [&](const auto& f) { return f.path == seen_request.file; });
  if (file == repo.files.end()) {
    answer.replace(404, "EntryNotFound", "Entry not found");
    answer.set_header("X-Repo-Commit", repo.commit);
    return answer;
  }
  answer.set_header("X-Repo-Commit", repo.commit);
  answer.set_header("Accept-Ranges", "bytes");
  if (file->lfs) {
    answer.set_header("X-Linked-Etag", "\"" + hash_of(*file) + "\"");
    answer.set_header("X-Linked-Size", std::to_string(file->content->size()));
  }
  if (file->lfs && !storage_base.empty()) {
    answer.status = 302;
    answer.set_header("ETag", "\"storage-names-it-otherwise\"");
    answer.set_header("Location", storage_base + "/storage/" + hash_of(*file) + "?signature=secret");
    return answer;
  }
  answer.set_header("ETag", "\"" + hash_of(*file) + "\"");
  answer.content = file->content;
  return answer;
}

ServedAnswer HubServer::State::answer(SeenRequest& request) const {
  const std::string path = request.target.substr(0, request.target.find('?'));
  const std::string query = request.target.size() > path.size() ? request.target.substr(path.size() + 1) : "";
  ServedAnswer answer;
  if (path.rfind("/storage/", 0) == 0) {
    const auto found = stored.find(path.substr(9));
    request.file = "storage";
    if (!request.authorization.empty()) {
      answer.replace(400, "", "a token came to the storage");
    } else if (found == stored.end()) {
      answer.replace(404);
    } else {
      answer.set_header("ETag", "\"of-the-storage\"");
      answer.content = found->second;
    }
    return answer;
  }
  if (path.rfind("/api/", 0) == 0) return answer_api(path, query);
  const bool dataset = path.rfind("/datasets/", 0) == 0;
  std::string rest;
  const ServedRepo* repo = find(dataset ? "dataset" : "model", path.substr(dataset ? 10 : 1), rest);
  const std::string marker = "/resolve/";
  if (repo == nullptr || rest.rfind(marker, 0) != 0) {
    answer.replace(404, "RepoNotFound", "Repository not found");
    return answer;
  }
  const auto slash = rest.find('/', marker.size());
  request.file = slash == std::string::npos ? "" : decoded(rest.substr(slash + 1));
  return answer_file(*repo, decoded(rest.substr(marker.size(), slash - marker.size())), request);
}

void HubServer::State::handle(const httplib::Request& request, httplib::Response& response) {
  SeenRequest seen_request{request.method, request.target, request.get_header_value("Authorization"),
                           request.get_header_value("Range"), ""};
  ServedAnswer served;
  std::function<void(const SeenRequest&, ServedAnswer&)> change;
  {
    const std::lock_guard guard(mutex);
    served = answer(seen_request);
    change = fault;
    seen.push_back(seen_request);
  }
  std::size_t first = 0;
  const bool ranged =
      served.status == 200 && served.content && std::sscanf(seen_request.range.c_str(), "bytes=%zu-", &first) == 1;
  if (ranged && first >= served.content->size()) {
    served.status = 416;
    served.set_header("Content-Range", fmt::format("bytes */{}", served.content->size()));
    served.content = nullptr;
  } else if (ranged) {
    served.status = 206;
    served.begin = first;
    served.set_header("Content-Range", fmt::format("bytes {}-{}/{}", first, served.content->size() - 1, served.content->size()));
  }
  if (change) change(seen_request, served);
  // The library would cut the range out of the body a second time.
  const_cast<httplib::Request&>(request).ranges.clear();
  send(served, request.method, response);
}

void HubServer::State::send(const ServedAnswer& served, const std::string& method, httplib::Response& response) {
  response.status = served.status;
  std::string type = "application/octet-stream";
  for (const auto& [name, value] : served.headers) {
    if (name == "Content-Type") type = value;
    // Written past the library's check, which refuses some of the bytes that faults need.
    else
      response.headers.emplace(name, value);
  }
  if (!served.content) return;
  const std::size_t begin = std::min(served.begin, served.content->size());
  const std::size_t length = served.claimed_length.value_or(served.content->size() - begin);
  if (length == 0 || method == "HEAD") {
    response.headers.emplace("Content-Length", std::to_string(length));
    response.headers.emplace("Content-Type", type);
    return;
  }
  response.set_content_provider(length, type,
                                [this, served, begin](std::size_t offset, std::size_t want, httplib::DataSink& sink) {
                                  std::size_t count = std::min(want, std::size_t{64} << 10U);
                                  if (served.bytes_per_second > 0) {
                                    count = std::min(count, std::max<std::size_t>(1, served.bytes_per_second / 50));
                                    std::this_thread::sleep_for(std::chrono::milliseconds(20));
                                  }
                                  const auto limit = served.cut_after ? served.cut_after : served.stall_after;
                                  if (limit && offset >= *limit) {
                                    while (served.stall_after && !stopping)
                                      std::this_thread::sleep_for(std::chrono::milliseconds(10));
                                    return false;
                                  }
                                  if (limit) count = std::min(count, *limit - offset);
                                  if (begin + offset >= served.content->size()) return false;  // the length was a lie
                                  count = std::min(count, served.content->size() - begin - offset);
                                  return sink.write(served.content->data() + begin + offset, count);
                                });
}

HubServer::HubServer(int port, const std::string& certificate, const std::string& key) : state_(std::make_unique<State>()) {
  if (certificate.empty()) {
    state_->server = std::make_unique<httplib::Server>();
  } else {
    state_->server = std::make_unique<httplib::SSLServer>(certificate.c_str(), key.c_str());
    state_->scheme = "https";
  }
  auto& server = *state_->server;
  server.new_task_queue = [] { return new httplib::ThreadPool(32); };
  server.set_keep_alive_max_count(1);
  server.set_tcp_nodelay(true);
  server.set_pre_routing_handler([state = state_.get()](const httplib::Request& request, httplib::Response& response) {
    state->handle(request, response);
    return httplib::Server::HandlerResponse::Handled;
  });
  if (port == 0) {
    state_->port = server.bind_to_any_port("127.0.0.1");
  } else {
    state_->port = server.bind_to_port("127.0.0.1", port) ? port : -1;
  }
  if (state_->port <= 0) throw std::runtime_error(fmt::format("cannot listen on 127.0.0.1:{}", port));
  state_->thread = std::thread([&server] { server.listen_after_bind(); });
  while (!server.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

HubServer::~HubServer() {
  state_->stopping = true;
  state_->server->stop();
  state_->thread.join();
}

int HubServer::port() const { return state_->port; }
std::string HubServer::url() const { return fmt::format("{}://127.0.0.1:{}", state_->scheme, state_->port); }

void HubServer::add(ServedRepo repo) {
  const std::lock_guard guard(state_->mutex);
  std::erase_if(state_->repos, [&](const auto& other) { return other.id == repo.id && other.type == repo.type; });
  state_->repos.push_back(std::move(repo));
}

void HubServer::add_collection(const std::string& slug, const std::string& json) {
  const std::lock_guard guard(state_->mutex);
  state_->collections[slug] = json;
}

void HubServer::store_at(const std::string& base) {
  const std::lock_guard guard(state_->mutex);
  state_->storage_base = base;
}

void HubServer::be_storage_of(const HubServer& hub) {
  const std::scoped_lock guard(state_->mutex, hub.state_->mutex);
  for (const auto& repo : hub.state_->repos) {
    for (const auto& file : repo.files) {
      if (file.lfs) state_->stored[hash_of(file)] = file.content;
    }
  }
}

void HubServer::set_page_size(std::size_t entries) {
  const std::lock_guard guard(state_->mutex);
  state_->page_size = entries;
}

void HubServer::set_fault(std::function<void(const SeenRequest&, ServedAnswer&)> fault) {
  const std::lock_guard guard(state_->mutex);
  state_->fault = std::move(fault);
}

std::vector<SeenRequest> HubServer::seen() const {
  const std::lock_guard guard(state_->mutex);
  return state_->seen;
}

void HubServer::forget_seen() {
  const std::lock_guard guard(state_->mutex);
  state_->seen.clear();
}

}  // namespace grm
