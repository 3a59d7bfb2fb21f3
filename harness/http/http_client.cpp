#include "harness/http/http_client.h"

#include <strings.h>

#include <array>
#include <chrono>
#include <mutex>
#include <stdexcept>

namespace grm {
namespace {

constexpr std::size_t kMaxHeaderBytes = std::size_t{1} << 20U;

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

/// What libcurl's callbacks share during one exchange.
struct Exchange {
  CURL* handle;
  const HttpRequest* request;
  const HttpSink* sink;
  const std::function<bool()>* stop;
  HttpResponse response = {};
  std::size_t header_bytes = 0;
  bool head_done = false;
  HttpFault refusal = HttpFault::kNone;
  curl_off_t moved_bytes = 0;
  std::chrono::steady_clock::time_point moved_at = std::chrono::steady_clock::now();

  bool finish_head() {
    if (head_done) return true;
    head_done = true;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &response.status);
    return sink == nullptr || !sink->on_head || sink->on_head(response);
  }
};

// Exceptions must not pass through libcurl; the only ones thrown here are out-of-memory, which end the program.
std::size_t take_header(const char* data, std::size_t size, std::size_t count, void* user) noexcept {
  auto& exchange = *static_cast<Exchange*>(user);
  const std::string_view line(data, size * count);
  exchange.header_bytes += line.size();
  if (exchange.header_bytes > kMaxHeaderBytes) {
    exchange.refusal = HttpFault::kTooLarge;
    return 0;
  }
  if (exchange.head_done) return line.size();  // a trailer after the body
  if (line.substr(0, 5) == "HTTP/") {
    exchange.response.headers.clear();  // an interim answer (1xx) or a proxy's came before
    return line.size();
  }
  const auto colon = line.find(':');
  if (colon != std::string_view::npos) {
    exchange.response.headers.emplace_back(trim(line.substr(0, colon)), trim(line.substr(colon + 1)));
  }
  return line.size();
}

std::size_t take_body(const char* data, std::size_t size, std::size_t count, void* user) noexcept {
  auto& exchange = *static_cast<Exchange*>(user);
  const std::string_view piece(data, size * count);
  if (!exchange.finish_head()) {
    exchange.refusal = HttpFault::kStopped;
    return CURL_WRITEFUNC_ERROR;
  }
  if (exchange.sink != nullptr) {
    if (exchange.sink->on_body(piece)) return piece.size();
    exchange.refusal = HttpFault::kStopped;
    return CURL_WRITEFUNC_ERROR;
  }
  if (exchange.response.body.size() + piece.size() > exchange.request->max_body_bytes) {
    exchange.refusal = HttpFault::kTooLarge;
    return CURL_WRITEFUNC_ERROR;
  }
  exchange.response.body.append(piece);
  return piece.size();
}

/// Called for every piece and about once a second. libcurl's own speed limit averages over several seconds and would take a stall
/// after a fast start for progress, so silence is measured here.
int look_at_progress(void* user, curl_off_t, curl_off_t received, curl_off_t, curl_off_t sent) noexcept {
  auto& exchange = *static_cast<Exchange*>(user);
  const auto now = std::chrono::steady_clock::now();
  if (received + sent != exchange.moved_bytes) {
    exchange.moved_bytes = received + sent;
    exchange.moved_at = now;
  } else if (now - exchange.moved_at > std::chrono::seconds(exchange.request->stall_timeout_seconds)) {
    exchange.refusal = HttpFault::kTimeout;
    return 1;
  }
  if (!*exchange.stop || !(*exchange.stop)()) return 0;
  exchange.refusal = HttpFault::kStopped;
  return 1;
}

HttpFault fault_of(CURLcode code) {
  switch (code) {
    case CURLE_OK:
      return HttpFault::kNone;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
      return HttpFault::kUnreachable;
    case CURLE_OPERATION_TIMEDOUT:
      return HttpFault::kTimeout;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
      return HttpFault::kTls;
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_WEIRD_SERVER_REPLY:
      return HttpFault::kCut;
    default:
      return HttpFault::kOther;
  }
}

void set_method(CURL* handle, const HttpRequest& request) {
  if (request.method == "HEAD") {
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  } else if (request.method == "POST") {
    curl_easy_setopt(handle, CURLOPT_POST, 1L);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  } else if (request.method != "GET") {
    throw std::logic_error("HTTP method not supported: " + request.method);
  }
}

void set_limits(CURL* handle, const HttpRequest& request) {
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, request.connect_timeout_seconds);
  curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, 256L * 1024L);
  curl_easy_setopt(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

}  // namespace

std::optional<std::string> HttpResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key.size() == name.size() && ::strncasecmp(key.data(), name.data(), name.size()) == 0) return value;
  }
  return std::nullopt;
}

HttpClient::HttpClient(std::string user_agent, std::function<bool()> stop)
    : user_agent_(std::move(user_agent)), stop_(std::move(stop)) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  handle_.reset(curl_easy_init());
  if (!handle_) throw std::runtime_error("libcurl cannot be started");
}

HttpResponse HttpClient::send(const HttpRequest& request, const HttpSink* sink) {
  CURL* handle = handle_.get();
  curl_easy_reset(handle);  // keeps connections
  Exchange exchange{handle, &request, sink, &stop_};
  std::array<char, CURL_ERROR_SIZE> error_text{};
  struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };
  std::unique_ptr<curl_slist, FreeList> headers;
  for (const auto& [name, value] : request.headers) {
    curl_slist* longer = curl_slist_append(headers.get(), (name + ": " + value).c_str());
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(headers.release());
    headers.reset(longer);
  }
  set_method(handle, request);
  set_limits(handle, request);
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_USERAGENT, user_agent_.c_str());
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  if (!request.ca_file.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, request.ca_file.c_str());
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, error_text.data());
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &take_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &take_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &look_at_progress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &exchange);
  const CURLcode code = curl_easy_perform(handle);
  HttpResponse& response = exchange.response;
  if (code == CURLE_OK && !exchange.finish_head()) exchange.refusal = HttpFault::kStopped;  // a head without a body
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &response.status);
  response.fault = exchange.refusal != HttpFault::kNone ? exchange.refusal : fault_of(code);
  if (response.fault != HttpFault::kNone) {
    response.fault_text = error_text[0] != '\0' ? error_text.data() : curl_easy_strerror(code);
    if (exchange.refusal == HttpFault::kTimeout) {
      response.fault_text = "nothing came for " + std::to_string(request.stall_timeout_seconds) + " s";
    }
  }
  return std::move(response);
}

}  // namespace grm
