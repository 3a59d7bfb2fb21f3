// One HTTP exchange at a time over libcurl. Redirects, retries and what a status means are the caller's affair.
#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace grm {

struct HttpRequest {
  std::string method = "GET";  // GET, HEAD or POST
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;     // POST only
  std::string ca_file;  // roots to trust for https; empty: the system's
  long connect_timeout_seconds = 10;
  long stall_timeout_seconds = 10;                      // no byte for so long: given up
  std::size_t max_body_bytes = std::size_t{64} << 20U;  // for a body kept in memory
};

/// How an exchange failed below HTTP.
enum class HttpFault {
  kNone,
  kUnreachable,  // name unknown, connection refused
  kTimeout,
  kCut,  // the connection broke, or fewer bytes came than promised
  kTls,
  kTooLarge,  // body or headers over the limit
  kStopped,   // the sink or the stop flag asked for it
  kOther,
};

struct HttpResponse {
  long status = 0;                                           // 0 when no answer came
  std::vector<std::pair<std::string, std::string>> headers;  // of the final answer, as sent
  std::string body;                                          // empty when a sink took it
  HttpFault fault = HttpFault::kNone;
  std::string fault_text;

  /// The first header of this name in any case, without surrounding blanks.
  std::optional<std::string> header(std::string_view name) const;
};

/// Takes the body as it comes instead of HttpResponse::body. Returning false stops the exchange (HttpFault::kStopped).
struct HttpSink {
  std::function<bool(const HttpResponse& head)> on_head;  // status and headers are known, no body yet
  std::function<bool(std::string_view piece)> on_body;
};

/// Keeps its connections open between exchanges. Use one in each thread.
class HttpClient {
 public:
  /// `stop`, if given, is asked during every exchange; true ends it (HttpFault::kStopped). Neither it nor a sink may throw.
  explicit HttpClient(std::string user_agent, std::function<bool()> stop = {});
  HttpResponse send(const HttpRequest& request, const HttpSink* sink = nullptr);

 private:
  struct CleanUp {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  };
  std::unique_ptr<CURL, CleanUp> handle_;
  std::string user_agent_;
  std::function<bool()> stop_;
};

}  // namespace grm
