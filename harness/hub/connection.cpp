#include "harness/hub/connection.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>
#include <thread>

#include "harness/error.h"
#include "harness/hub/shown_text.h"
#include "harness/hub/untrusted_json.h"

namespace grm {
namespace {

constexpr int kMaxRedirects = 10;
constexpr double kShortestWait = 1;  // seconds, doubled with every try
constexpr double kLongestUntoldWait = 8;
constexpr int kUnreachableRetries = 2;  // a wrong name or a closed port rarely mends itself

bool is_redirect(long status) { return status == 301 || status == 302 || status == 303 || status == 307 || status == 308; }

bool may_pass(const HttpResponse& response) {
  switch (response.fault) {
    case HttpFault::kNone:
      break;
    case HttpFault::kUnreachable:
    case HttpFault::kTimeout:
    case HttpFault::kCut:
      return true;
    default:
      return false;
  }
  const long status = response.status;
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

std::optional<double> seconds_in(std::string_view text) {
  double seconds = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || !(seconds >= 0) || seconds > 1e9) return std::nullopt;
  return seconds;
}

/// The wait the server asks for: Retry-After (seconds or a date), else RateLimit's `t` when nothing is left.
std::optional<double> told_wait(const HttpResponse& response) {
  if (response.status != 429 && response.status != 503) return std::nullopt;
  if (const auto after = response.header("Retry-After")) {
    const bool number = !after->empty() && after->front() >= '0' && after->front() <= '9';
    if (number) return seconds_in(*after);
    const std::time_t date = curl_getdate(after->c_str(), nullptr);
    if (date != -1) return std::max(0.0, std::difftime(date, std::time(nullptr)));
  }
  if (const auto limit = response.header("RateLimit")) {
    const auto at = limit->find("t=");
    if (at != std::string::npos) return seconds_in(std::string_view(*limit).substr(at + 2));
  }
  return std::nullopt;
}

std::string quoted_id(const Asked& asked) { return "'" + asked.repo_id + "'"; }

}  // namespace

HubConnection::HubConnection(const HubOptions& options, const Talk& talk, std::function<bool()> stop)
    : options_(options), talk_(talk), stop_(stop), client_("grm/0.1; libcurl", std::move(stop)) {}

Url HubConnection::endpoint_url(const std::string& path_and_query) const {
  const auto url = parse_url(options_.endpoint.text + path_and_query);
  if (!url) throw UserError(fmt::format("cannot form an address from {} and {}", options_.endpoint.text, path_and_query));
  return *url;
}

std::string HubConnection::redact(std::string text) const {
  if (options_.token.empty()) return text;
  for (auto at = text.find(options_.token); at != std::string::npos; at = text.find(options_.token, at)) {
    text.replace(at, options_.token.size(), "***");
  }
  return text;
}

HttpRequest HubConnection::request_for(const Url& url, const std::string& method) const {
  HttpRequest request;
  request.method = method;
  request.url = url.text;
  request.ca_file = options_.ca_file;
  request.connect_timeout_seconds = options_.metadata_timeout_seconds;
  request.stall_timeout_seconds = options_.metadata_timeout_seconds;
  request.headers.emplace_back("Accept-Encoding", "identity");
  if (!options_.token.empty() && is_endpoint(url)) request.headers.emplace_back("Authorization", "Bearer " + options_.token);
  return request;
}

void HubConnection::throw_if_stopped() const {
  if (stop_ && stop_()) throw Unfinished("stopped; run the same command again to go on");
}

void HubConnection::wait(double seconds) const {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  while (Clock::now() < end) {
    throw_if_stopped();
    std::this_thread::sleep_for(std::min<Clock::duration>(end - Clock::now(), std::chrono::milliseconds(100)));
  }
}

HttpResponse HubConnection::follow_within_origin(Url url, const std::string& method, const Asked& asked, bool stop_at_storage) {
  for (int hop = 0; hop <= kMaxRedirects; ++hop) {
    HttpResponse response = client_.send(request_for(url, method));
    if (response.fault != HttpFault::kNone || !is_redirect(response.status)) return response;
    const auto location = response.header("Location");
    const auto target = location ? resolve_reference(url, *location) : std::nullopt;
    if (!target) {
      throw Unfinished(redact(fmt::format("{}: the server redirects without a usable address ({})", asked.what, url.shown())));
    }
    // The Hub answers a HEAD of a stored file by its description and the storage's address: that is the answer.
    if (stop_at_storage && response.header("X-Repo-Commit")) return response;
    if (!is_endpoint(*target)) {
      throw Unfinished(
          redact(fmt::format("{}: {} redirects to {}, another host, which is not followed for metadata; if that is "
                             "where the Hub is, set HF_ENDPOINT to it",
                             asked.what, url.shown(), shown_text(target->shown()))));
    }
    url = *target;
  }
  throw Unfinished(
      redact(fmt::format("{}: redirect loop: more than {} redirects from {}", asked.what, kMaxRedirects, url.shown())));
}

HttpResponse HubConnection::get_metadata(const Url& url, const Asked& asked) {
  RetryState state;
  while (true) {
    HttpResponse response = follow_within_origin(url, "GET", asked, false);
    if (const auto warning = response.header("X-HF-Warning")) say("the Hub warns: " + shown_text(*warning));
    if (response.fault == HttpFault::kNone && response.status == 200) return response;
    wait_or_throw(response, state, asked);
  }
}

HttpResponse HubConnection::head_file(const Url& url, const Asked& asked) {
  RetryState state;
  while (true) {
    HttpResponse response = follow_within_origin(url, "HEAD", asked, true);
    const bool answered = response.status == 200 || is_redirect(response.status);
    if (response.fault == HttpFault::kNone && answered) return response;
    wait_or_throw(response, state, asked);
  }
}

HttpResponse HubConnection::get_file_once(const Url& start, std::uint64_t offset, const HttpSink& sink,
                                          const std::function<void(const HttpResponse& head)>& on_first_head,
                                          const Asked& asked) {
  Url url = start;
  for (int hop = 0; hop <= kMaxRedirects; ++hop) {
    HttpRequest request = request_for(url, "GET");
    request.stall_timeout_seconds = options_.download_timeout_seconds;
    if (offset > 0) request.headers.emplace_back("Range", fmt::format("bytes={}-", offset));
    HttpSink here;  // the body of a redirect or of an error is nobody's file
    bool wanted = false;
    here.on_head = [&](const HttpResponse& head) {
      wanted = head.status == 200 || head.status == 206;
      return !wanted || sink.on_head(head);
    };
    here.on_body = [&](std::string_view piece) { return !wanted || sink.on_body(piece); };
    HttpResponse response = client_.send(request, &here);
    if (hop == 0 && response.status != 0) on_first_head(response);
    if (response.fault != HttpFault::kNone) return response;
    if (response.status >= 400 && response.status != 416 && !is_endpoint(url) && !may_pass(response)) {
      // Not the Hub's word on the repository. A signed address may have run out: the next try asks for a new one.
      response.fault = HttpFault::kCut;
      response.fault_text = fmt::format("the storage {} answers with status {}", url.host, response.status);
    }
    if (!is_redirect(response.status)) return response;
    const auto location = response.header("Location");
    const auto target = location ? resolve_reference(url, *location) : std::nullopt;
    if (!target) {
      throw Unfinished(redact(fmt::format("{}: the server redirects without a usable address ({})", asked.what, url.shown())));
    }
    if (url.scheme == "https" && target->scheme == "http") {
      throw Unfinished(redact(fmt::format("{}: {} redirects from https to http ({}), which is refused", asked.what, url.shown(),
                                          shown_text(target->shown()))));
    }
    url = *target;
  }
  throw Unfinished(
      redact(fmt::format("{}: redirect loop: more than {} redirects from {}", asked.what, kMaxRedirects, start.shown())));
}

void HubConnection::wait_or_throw(const HttpResponse& failed, RetryState& state, const Asked& asked) {
  throw_if_stopped();
  const int allowed =
      failed.fault == HttpFault::kUnreachable ? std::min(kUnreachableRetries, options_.retries) : options_.retries;
  if (!may_pass(failed) || state.tries >= allowed) throw_refusal(failed, asked);
  const auto told = told_wait(failed);
  const double seconds =
      told ? *told : std::min(kLongestUntoldWait, kShortestWait * static_cast<double>(1 << std::min(state.tries, 10)));
  if (state.waited_seconds + seconds > options_.longest_wait_seconds) {
    throw Unfinished(
        redact(fmt::format("{}: the server asks to wait {:.0f} s ({}), more than is waited ({:.0f} s in all); run the same "
                           "command again later{}",
                           asked.what, seconds, failed.status == 429 ? "rate limit reached" : "unavailable",
                           options_.longest_wait_seconds, options_.token.empty() ? ", or set HF_TOKEN for a higher limit" : "")));
  }
  ++state.tries;
  state.waited_seconds += seconds;
  const std::string cause = failed.fault != HttpFault::kNone ? shown_text(failed.fault_text)
                            : failed.status == 429           ? std::string("rate limit reached (429)")
                                                             : fmt::format("status {}", failed.status);
  say(fmt::format("{}: {}; {} {:.0f} s, then try {} of {}", asked.what, cause, told ? "waiting as told" : "waiting", seconds,
                  state.tries + 1, allowed + 1));
  wait(seconds * options_.wait_scale);
}

std::string HubConnection::reason_given(const HttpResponse& response) const {
  std::string reason = response.header("X-Error-Message").value_or("");
  if (reason.empty()) {
    if (const auto body = parse_untrusted_json(response.body)) reason = text_member(*body, "error").value_or("");
  }
  std::string text = reason.empty() ? "" : fmt::format(" (server: {})", shown_text(redact(reason)));
  const auto id = response.header("X-Request-Id");
  const auto trace = id ? id : response.header("X-Amzn-Trace-Id");
  return trace ? text + fmt::format(" [request {}]", shown_text(redact(*trace), 80)) : text;
}

void HubConnection::throw_refusal(const HttpResponse& response, const Asked& asked) const {
  const auto& endpoint = options_.endpoint.text;
  const bool anonymous = options_.token.empty();
  if (response.fault == HttpFault::kUnreachable || response.fault == HttpFault::kTimeout) {
    throw Unfinished(redact(fmt::format(
        "{}: {} {}: {}; check the network and HF_ENDPOINT, or use --offline for what is in the cache", asked.what,
        options_.endpoint.host, response.fault == HttpFault::kTimeout ? "does not answer in time" : "cannot be reached",
        shown_text(response.fault_text))));
  }
  if (response.fault != HttpFault::kNone) {
    throw Unfinished(redact(fmt::format("{}: the transfer failed: {}; run the same command again to go on", asked.what,
                                        shown_text(response.fault_text))));
  }
  const std::string code = response.header("X-Error-Code").value_or("");
  const std::string why = reason_given(response);
  const long status = response.status;
  const std::string message_header = response.header("X-Error-Message").value_or("");
  const auto fail = [&](const std::string& text) { throw UserError(redact(text + why)); };
  if (code == "GatedRepo") {
    fail(fmt::format("{} is gated: {} {}/{}", quoted_id(asked),
                     anonymous ? "set HF_TOKEN to a token of an account with access; access is asked for at"
                               : "the token's account has no access yet; ask for it at",
                     endpoint, asked.repo_id));
  }
  if (code == "RevisionNotFound") {
    fail(fmt::format("{} has no revision '{}': check the branch, tag or commit", quoted_id(asked), asked.revision));
  }
  if (code == "EntryNotFound") {
    fail(fmt::format("{} has no file '{}' at {}", quoted_id(asked), shown_text(asked.path), asked.revision));
  }
  if (message_header.find("is disabled") != std::string::npos) fail(fmt::format("{} is disabled on the Hub", quoted_id(asked)));
  const bool bad_credentials = message_header.find("nvalid") != std::string::npos || why.find("nvalid cred") != std::string::npos;
  if (status == 401 && !anonymous && (bad_credentials || code.empty())) {
    fail(fmt::format(
        "{}: unauthorised (401): the token is not accepted, or the repository is private; renew HF_TOKEN, or unset it "
        "to ask anonymously",
        asked.what));
  }
  if (code == "RepoNotFound" || status == 404 || status == 401) {
    fail(fmt::format("{} not found on {}, or it is private: check the spelling and model or dataset{}", quoted_id(asked),
                     endpoint, anonymous ? "; for a private one set HF_TOKEN" : ", and that the token may read it"));
  }
  if (status == 403)
    fail(fmt::format("{}: forbidden (403){}", asked.what, anonymous ? "; set HF_TOKEN" : ": the token may not read it"));
  if (status == 429) {
    throw Unfinished(
        redact(fmt::format("{}: rate limit reached (429), still after {} tries; run the same command again later{}{}", asked.what,
                           options_.retries + 1, anonymous ? ", or set HF_TOKEN for a higher limit" : "", why)));
  }
  throw Unfinished(
      redact(fmt::format("{}: the server answers with status {}{}; run the same command again later", asked.what, status, why)));
}

}  // namespace grm
