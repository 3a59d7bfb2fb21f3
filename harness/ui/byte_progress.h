// How far a download is: a bar with rate and time left on a terminal, else a line now and then. Safe to call from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>

namespace grm {

class ByteProgress {
 public:
  /// `total` bytes are expected in all. Writes to `stream` (stderr; null: silent).
  ByteProgress(std::string title, std::uint64_t total, std::FILE* stream);
  ~ByteProgress();
  ByteProgress(const ByteProgress&) = delete;
  ByteProgress& operator=(const ByteProgress&) = delete;

  /// `count` more bytes are there; negative where some have to be fetched again. `from_network` counts towards the rate.
  void add(std::int64_t count, bool from_network = true);
  /// Prints a line of text without tearing the bar.
  void say(const std::string& line);
  /// The last state, once.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  void show(bool last);
  std::string state(Clock::time_point now) const;

  const std::string title_;
  const std::uint64_t total_;
  std::FILE* const stream_;
  const bool terminal_;
  const Clock::time_point start_;
  std::atomic<std::int64_t> done_{0};
  std::atomic<std::int64_t> received_{0};
  std::mutex mutex_;  // guards what follows, and the stream
  Clock::time_point shown_;
  bool bar_is_there_ = false;
  bool finished_ = false;
};

/// "1.5 GB": three digits, decimal units.
std::string shown_bytes(double bytes);

}  // namespace grm
