#include "harness/ui/byte_progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace grm {
namespace {

constexpr auto kRedrawEvery = std::chrono::milliseconds(100);
constexpr auto kLineEvery = std::chrono::seconds(10);
constexpr int kBarWidth = 24;

std::string shown_seconds(double seconds) {
  const auto whole = static_cast<long>(seconds + 0.5);
  if (whole >= 3600) return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
  if (whole >= 60) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} s", whole);
}

}  // namespace

std::string shown_bytes(double bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  while (bytes >= 999.5 && unit + 1 < kUnits.size()) {
    bytes /= 1000;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", bytes, unit == 0 || bytes >= 99.95 ? 0 : (bytes >= 9.995 ? 1 : 2), kUnits.at(unit));
}

ByteProgress::ByteProgress(std::string title, std::uint64_t total, std::FILE* stream)
    : title_(std::move(title)),
      total_(total),
      stream_(stream),
      terminal_(stream != nullptr && ::isatty(::fileno(stream)) == 1),
      start_(Clock::now()),
      shown_(start_) {}

ByteProgress::~ByteProgress() {
  const std::lock_guard guard(mutex_);
  if (bar_is_there_ && !finished_) fmt::print(stream_, "\n");
}

void ByteProgress::add(std::int64_t count, bool from_network) {
  done_ += count;
  if (from_network && count > 0) received_ += count;
  if (stream_ != nullptr) show(false);
}

void ByteProgress::finish() {
  if (stream_ != nullptr) show(true);
}

std::string ByteProgress::state(Clock::time_point now) const {
  const double done = static_cast<double>(std::max<std::int64_t>(0, done_.load()));
  const double seconds = std::max(1e-3, std::chrono::duration<double>(now - start_).count());
  const double rate = static_cast<double>(received_.load()) / seconds;
  const double total = static_cast<double>(total_);
  std::string text = fmt::format("{} of {}, {}/s", shown_bytes(done), shown_bytes(total), shown_bytes(rate));
  if (done < total && rate > 0) text += ", " + shown_seconds((total - done) / rate) + " left";
  return text;
}

void ByteProgress::show(bool last) {
  std::unique_lock lock(mutex_, std::defer_lock);
  // A download thread does not queue up to draw; the last state waits its turn.
  if (last) {
    lock.lock();
  } else if (!lock.try_lock()) {
    return;
  }
  const auto now = Clock::now();
  if (finished_ || (!last && now - shown_ < (terminal_ ? Clock::duration(kRedrawEvery) : Clock::duration(kLineEvery)))) return;
  shown_ = now;
  finished_ = last;
  if (!terminal_) {
    fmt::print(stream_, "{}: {}\n", title_, state(now));
    return;
  }
  const double share = total_ == 0 ? 1.0 : std::clamp(static_cast<double>(done_.load()) / static_cast<double>(total_), 0.0, 1.0);
  const int full = static_cast<int>(share * kBarWidth);
  fmt::print(stream_, "\r{} [{:=<{}}{: <{}}] {}\x1b[K{}", title_, "", full, "", kBarWidth - full, state(now), last ? "\n" : "");
  std::fflush(stream_);
  bar_is_there_ = !last;
}

void ByteProgress::say(const std::string& line) {
  if (stream_ == nullptr) return;
  const std::lock_guard guard(mutex_);
  fmt::print(stream_, "{}{}\n", bar_is_there_ ? "\r\x1b[K" : "", line);
  std::fflush(stream_);
}

}  // namespace grm
