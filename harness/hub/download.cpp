#include "harness/hub/download.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <exception>
#include <optional>
#include <thread>

#include "harness/error.h"
#include "harness/files/file_lock.h"
#include "harness/hub/partial_file.h"
#include "harness/hub/shown_text.h"

namespace grm {
namespace {

// A transfer that got this far since the last break does not use up a retry.
constexpr std::uint64_t kProgressThatCounts = std::uint64_t{1} << 20U;

std::string without_quotes(std::string etag) {
  if (etag.substr(0, 2) == "W/") etag.erase(0, 2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return etag;
}

std::optional<std::uint64_t> number_in(const std::optional<std::string>& text) {
  if (!text || text->empty()) return std::nullopt;
  std::uint64_t number = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

/// `bytes FIRST-LAST/TOTAL` begins where asked and belongs to a file of the right size.
bool range_fits(const std::optional<std::string>& content_range, std::uint64_t first, std::uint64_t total) {
  const std::string expected = fmt::format("bytes {}-{}/{}", first, total - 1, total);
  return content_range && *content_range == expected;
}

/// What is being fetched, for the functions below.
struct Job {
  HubConnection& hub;
  const RepoCache& cache;
  const RepoRef& repo;
  const std::string& commit;
  const RemoteFile& file;
  const CountBytes& count;
  Asked asked;
  Url url;
};

[[noreturn]] void throw_changed(const Job& job, const std::string& what, const std::string& expected, const std::string& got) {
  throw Unfinished(
      job.hub.redact(fmt::format("{}: the server's file differs from its list: {} {} was expected, {} is offered; nothing "
                                 "was kept. Run the same command again; if it stays so, tell the repository's owner",
                                 job.asked.what, what, expected, shown_text(got, 80))));
}

/// The endpoint's own words about a file must agree with the list (or the lock file).
void check_description(const Job& job, const HttpResponse& head, bool must_be_complete) {
  const auto commit = head.header("X-Repo-Commit");
  if (must_be_complete && !commit) {
    throw Unfinished(fmt::format("{}: the answer of {} names no commit (X-Repo-Commit): it is no Hub; check HF_ENDPOINT",
                                 job.asked.what, job.hub.options().endpoint.host));
  }
  if (commit && *commit != job.commit) throw_changed(job, "commit", job.commit, *commit);
  const auto linked = head.header("X-Linked-Etag");
  const std::string etag = without_quotes(linked ? *linked : head.header("ETag").value_or(""));
  // Servers without the Hub's naming send etags of their own; only what looks like a hash can disagree.
  if ((is_sha256(etag) || is_commit_hash(etag)) && etag != job.file.hash) throw_changed(job, "hash", job.file.hash, etag);
  const auto linked_size = number_in(head.header("X-Linked-Size"));
  if (linked_size && *linked_size != job.file.size) {
    throw_changed(job, "size", std::to_string(job.file.size), std::to_string(*linked_size));
  }
}

/// What one try came to.
enum class Outcome { kComplete, kTryAgain, kWrongLength };

enum class HeadVerdict { kTake, kWrongRange, kWrongLength };

void restart(const Job& job, PartialFile& partial) {
  job.count(-static_cast<std::int64_t>(partial.size()), false);
  partial.restart();
}

/// Decides from the head of an answer to a GET whether its body belongs at the end of the partial file.
HeadVerdict judge_head(const Job& job, PartialFile& partial, const HttpResponse& head) {
  const auto encoding = head.header("Content-Encoding");
  if (encoding && *encoding != "identity") return HeadVerdict::kWrongLength;
  if (head.status == 206) {
    return range_fits(head.header("Content-Range"), partial.size(), job.file.size) ? HeadVerdict::kTake
                                                                                   : HeadVerdict::kWrongRange;
  }
  const auto length = number_in(head.header("Content-Length"));
  if (length && *length != job.file.size) return HeadVerdict::kWrongLength;
  if (partial.size() > 0) restart(job, partial);  // 200: the server sends all of it again
  return HeadVerdict::kTake;
}

Outcome try_once(const Job& job, PartialFile& partial, HttpResponse& response) {
  HeadVerdict verdict = HeadVerdict::kTake;
  std::exception_ptr error;  // must not pass through libcurl
  HttpSink sink;
  sink.on_head = [&](const HttpResponse& head) {
    try {
      verdict = judge_head(job, partial, head);
      return verdict == HeadVerdict::kTake;
    } catch (...) {
      error = std::current_exception();
      return false;
    }
  };
  sink.on_body = [&](std::string_view piece) {
    if (!partial.append(piece)) return false;
    job.count(static_cast<std::int64_t>(piece.size()), true);
    return true;
  };
  const auto on_first_head = [&](const HttpResponse& head) {
    if (head.status < 400) check_description(job, head, false);
  };
  response = job.hub.get_file_once(job.url, partial.size(), sink, on_first_head, job.asked);
  if (error) std::rethrow_exception(error);
  if (partial.write_failed()) partial.throw_write_error();
  if (verdict == HeadVerdict::kWrongLength || partial.overflowed()) {
    restart(job, partial);
    return Outcome::kWrongLength;
  }
  const bool range_refused = response.status == 416 && response.fault == HttpFault::kNone && partial.size() != job.file.size;
  if (range_refused || verdict == HeadVerdict::kWrongRange) {
    restart(job, partial);  // the server's file is shorter than what is here, or its ranges do not work: without them then
    if (verdict == HeadVerdict::kWrongRange) {
      response.fault = HttpFault::kCut;
      response.fault_text = "the server sends another range than asked for";
    }
    return Outcome::kTryAgain;
  }
  const bool answered = response.fault == HttpFault::kNone && (response.status == 200 || response.status == 206);
  const bool all_there = partial.size() == job.file.size && (answered || job.file.size > 0);
  return all_there ? Outcome::kComplete : Outcome::kTryAgain;
}

[[noreturn]] void throw_wrong_length(const Job& job, const HttpResponse& response) {
  throw Unfinished(job.hub.redact(
      fmt::format("{}: the server sends another length or encoding than its list says ({} bytes; status {}, "
                  "Content-Length {}, Content-Range {}, Content-Encoding {}); nothing was kept",
                  job.asked.what, job.file.size, response.status, shown_text(response.header("Content-Length").value_or("-"), 60),
                  shown_text(response.header("Content-Range").value_or("-"), 60),
                  shown_text(response.header("Content-Encoding").value_or("-"), 60))));
}

/// True when the complete file has the right hash; else it is emptied, and the second time that is an error.
bool verify(const Job& job, PartialFile& partial, int& wrong_hashes) {
  const std::string hash = partial.finish_hash();
  if (hash == job.file.hash) return true;
  restart(job, partial);
  if (++wrong_hashes >= 2) {
    partial.remove();
    throw Unfinished(
        fmt::format("{}: wrong hash twice: {} {} was expected, {} came; nothing was kept. The server or something between "
                    "changes the file",
                    job.asked.what, job.file.kind == HashKind::kSha256 ? "sha256" : "git sha1", job.file.hash, hash));
  }
  job.hub.say(fmt::format("{}: wrong hash, fetched once more from the beginning", job.asked.what));
  return false;
}

void fetch_blob(const Job& job) {
  PartialFile partial(job.cache.blob(job.file.hash), job.file);
  if (partial.size() > 0) job.count(static_cast<std::int64_t>(partial.size()), false);
  RetryState retries;
  int wrong_hashes = 0;
  bool asked_once = false;
  while (true) {
    job.hub.throw_if_stopped();
    const std::uint64_t before = partial.size();
    HttpResponse response;
    Outcome outcome = Outcome::kComplete;
    if (!asked_once && job.file.size > 0 && before == job.file.size) {
      asked_once = true;  // a killed process had all of it: only the hash is left to check
    } else {
      asked_once = true;
      outcome = try_once(job, partial, response);
    }
    if (outcome == Outcome::kComplete && verify(job, partial, wrong_hashes)) break;
    if (outcome == Outcome::kComplete) continue;
    if (partial.size() >= before + kProgressThatCounts) retries = {};
    const bool wrong = outcome == Outcome::kWrongLength;
    if (wrong && retries.tries >= 1) throw_wrong_length(job, response);
    if (wrong ||
        (response.fault == HttpFault::kNone && (response.status == 200 || response.status == 206 || response.status == 416))) {
      // Over in good order, yet not the file: as a cut.
      response.fault = HttpFault::kCut;
      response.fault_text = wrong ? "another length than listed" : "fewer bytes than listed";
    }
    job.hub.wait_or_throw(response, retries, job.asked);
  }
  partial.keep();
}

FileLock wait_for_lock(const Job& job) {
  const auto path = job.cache.lock_path(job.file.hash);
  auto pause = std::chrono::milliseconds(5);
  auto waited = std::chrono::milliseconds(0);
  for (bool told = false;;) {
    if (auto lock = FileLock::try_acquire(path)) return std::move(*lock);
    job.hub.throw_if_stopped();
    if (!told && waited > std::chrono::seconds(2)) {
      job.hub.say(
          fmt::format("{}: being downloaded already (by another process, or under another name); waiting", job.asked.what));
      told = true;
    }
    std::this_thread::sleep_for(pause);
    waited += pause;
    pause = std::min(2 * pause, std::chrono::milliseconds(100));
  }
}

}  // namespace

void download_file(HubConnection& hub, const RepoCache& cache, const RepoRef& repo, const std::string& commit,
                   const RemoteFile& file, const CountBytes& count) {
  const Asked asked{fmt::format("'{}' of {}", shown_text(file.path), repo.id), repo.id, commit, file.path};
  const Job job{hub, cache, repo, commit, file, count, asked, hub.endpoint_url(resolve_path(repo, commit, file.path))};
  const FileLock lock = wait_for_lock(job);
  if (cache.has_blob(file)) {
    count(static_cast<std::int64_t>(file.size), false);
  } else {
    check_description(job, hub.head_file(job.url, asked), true);
    fetch_blob(job);
  }
  cache.link(commit, file);
}

}  // namespace grm
