// A Hub in this process: real sockets on 127.0.0.1, every answer open to a fault.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace grm {

struct ServedFile {
  std::string path;
  std::shared_ptr<const std::string> content;
  bool lfs = false;
};

struct ServedRepo {
  std::string type = "model";
  std::string id;
  std::string commit;
  std::map<std::string, std::string> refs;  // besides main
  std::vector<ServedFile> files;
};

/// One request as it came.
struct SeenRequest {
  std::string method;
  std::string target;  // path and query, still encoded
  std::string authorization;
  std::string range;
  std::string file;  // the decoded path when a file is meant (or "storage"), else empty
};

/// One answer as it will go out.
struct ServedAnswer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::shared_ptr<const std::string> content;
  std::size_t begin = 0;                      // of the content
  std::optional<std::size_t> cut_after;       // body bytes after which the connection breaks
  std::optional<std::size_t> stall_after;     // body bytes after which nothing more comes
  std::optional<std::size_t> claimed_length;  // Content-Length, when it lies
  std::size_t bytes_per_second = 0;           // 0: as fast as it goes

  void set_header(const std::string& name, const std::string& value);
  void remove_header(const std::string& name);
  void set_body(std::string text);
  void replace(int new_status, const std::string& error_code = "", const std::string& message = "");
};

class HubServer {
 public:
  /// On a free port, or on the one given. With both files: over TLS.
  explicit HubServer(int port = 0, const std::string& certificate = "", const std::string& key = "");
  ~HubServer();
  HubServer(const HubServer&) = delete;
  HubServer& operator=(const HubServer&) = delete;

  int port() const;
  std::string url() const;  // http(s)://127.0.0.1:PORT
  void add(ServedRepo repo);
  void add_collection(const std::string& slug, const std::string& json);
  /// LFS files are answered by a redirect to `base`/storage/HASH, as the Hub does. Empty: served at once.
  void store_at(const std::string& base);
  /// Also serves the LFS files of another server's repositories, as storage does: refuses a request with a token.
  void be_storage_of(const HubServer& hub);
  void set_page_size(std::size_t entries);
  /// Sees each request with the right answer and may change it. Called from several threads.
  void set_fault(std::function<void(const SeenRequest&, ServedAnswer&)> fault);
  std::vector<SeenRequest> seen() const;
  void forget_seen();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace grm
