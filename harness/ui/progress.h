// How far long work is: a bar with rate and time left on a terminal, else a line now and then. Safe to call from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>

namespace grm {

/// How amounts are shown: `12 of 16 judgements, 42/min` or `1.5 GB of 3.0 GB, 20 MB/s`.
struct ProgressUnit {
  std::string (*amount)(double);     // of what is done and expected
  std::string (*rate)(double);       // of units a second
  std::string name;                  // behind the amounts; empty where `amount` says it
};
/// Things that are counted.
ProgressUnit counted(std::string name);
ProgressUnit bytes_unit();

class Progress {
 public:
  /// `total` units are expected in all; `already` of them were there before and do not count towards the rate. Writes to
  /// `stream` (null: silent).
  Progress(std::string title, std::int64_t total, ProgressUnit unit, std::int64_t already = 0, std::FILE* stream = stderr);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `count` more units are done; negative where some have to be done again. `worked`: counts towards the rate.
  void add(std::int64_t count = 1, bool worked = true);
  /// Prints a line of text without tearing the bar.
  void say(const std::string& line);
  /// The last state, once.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  void show(bool last);
  std::string state(Clock::time_point now) const;

  const std::string title_;
  const std::int64_t total_;
  const ProgressUnit unit_;
  std::FILE* const stream_;
  const bool terminal_;
  const Clock::time_point start_;
  std::atomic<std::int64_t> done_;
  std::atomic<std::int64_t> worked_{0};
  std::mutex mutex_;  // guards what follows, and the stream
  Clock::time_point shown_;
  bool bar_is_there_ = false;
  bool finished_ = false;
};

/// "1.5 GB": three digits, decimal units.
std::string shown_bytes(double bytes);
/// "2 min 05 s".
std::string shown_seconds(double seconds);
/// Of things a second: "12.3/s", "42.0/min" or "3.5/h".
std::string shown_rate(double per_second);

}  // namespace grm
