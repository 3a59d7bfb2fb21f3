// Talk with the Hub: who gets the token, where redirects may lead, what is tried again, how a refusal is told.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "harness/http/http_client.h"
#include "harness/hub/options.h"
#include "harness/hub/repo_ref.h"

namespace grm {

using Talk = std::function<void(const std::string& line)>;

/// What is being asked for, for messages.
struct Asked {
  std::string what;     // "the file list of org/name"
  std::string repo_id;  // repository or collection
  std::string revision;
  std::string path;  // empty unless one file is meant
};

/// Tries and waits of one piece of work.
struct RetryState {
  int tries = 0;
  double waited_seconds = 0;
};

class HubConnection {
 public:
  /// `options` and `talk` must outlive the connection. `talk` is called from this connection's thread.
  HubConnection(const HubOptions& options, const Talk& talk, std::function<bool()> stop);

  /// The answer to a GET of metadata below the endpoint: follows redirects within the origin, tries again what may pass.
  /// Throws UserError or Unfinished unless the status is 200.
  HttpResponse get_metadata(const Url& url, const Asked& asked);
  /// HEAD of a file: follows redirects within the origin until the answer carries X-Repo-Commit. Status 200 or a redirect to
  /// storage.
  HttpResponse head_file(const Url& url, const Asked& asked);
  /// One try of a GET of a file, redirects followed to any host (never from https to http), the token sent to the endpoint's
  /// origin alone. `on_first_head` sees the endpoint's own answer. A failed try is returned, not thrown.
  HttpResponse get_file_once(const Url& url, std::uint64_t offset, const HttpSink& sink,
                             const std::function<void(const HttpResponse& head)>& on_first_head, const Asked& asked);

  /// After a failed try: waits and returns if another one makes sense, else throws what went wrong.
  void wait_or_throw(const HttpResponse& failed, RetryState& state, const Asked& asked);
  void throw_if_stopped() const;

  Url endpoint_url(const std::string& path_and_query) const;
  const HubOptions& options() const { return options_; }
  void say(const std::string& line) const { talk_(redact(line)); }
  /// The text without the token, should a server have echoed it.
  std::string redact(std::string text) const;

 private:
  HttpRequest request_for(const Url& url, const std::string& method) const;
  bool is_endpoint(const Url& url) const { return url.origin() == options_.endpoint.origin(); }
  HttpResponse follow_within_origin(Url url, const std::string& method, const Asked& asked, bool stop_at_storage);
  [[noreturn]] void throw_refusal(const HttpResponse& response, const Asked& asked) const;
  std::string reason_given(const HttpResponse& response) const;
  void wait(double seconds) const;

  const HubOptions& options_;
  const Talk& talk_;
  std::function<bool()> stop_;
  HttpClient client_;
};

}  // namespace grm
