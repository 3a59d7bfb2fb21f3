#include "harness/ui/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace grm {
namespace {

constexpr auto kRedrawEvery = std::chrono::milliseconds(100);
constexpr auto kLineEvery = std::chrono::seconds(10);
constexpr int kBarWidth = 24;

std::string shown_byte_rate(double rate) { return shown_bytes(rate) + "/s"; }

std::string shown_count(double count) { return fmt::format("{:.0f}", count); }

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

std::string shown_seconds(double seconds) {
  const auto whole = static_cast<long>(seconds + 0.5);
  if (whole >= 3600) return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
  if (whole >= 60) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} s", whole);
}

std::string shown_rate(double per_second) {
  if (per_second >= 1) return fmt::format("{:.1f}/s", per_second);
  if (per_second >= 1.0 / 60) return fmt::format("{:.1f}/min", per_second * 60);
  return fmt::format("{:.1f}/h", per_second * 3600);
}

ProgressUnit counted(std::string name) { return {shown_count, shown_rate, std::move(name)}; }

ProgressUnit bytes_unit() { return {shown_bytes, shown_byte_rate, {}}; }

Progress::Progress(std::string title, std::int64_t total, ProgressUnit unit, std::int64_t already, std::FILE* stream)
    : title_(std::move(title)),
      total_(total),
      unit_(std::move(unit)),
      stream_(stream),
      terminal_(stream != nullptr && ::isatty(::fileno(stream)) == 1),
      start_(Clock::now()),
      done_(already),
      shown_(start_) {}

Progress::~Progress() {
  const std::lock_guard guard(mutex_);
  if (bar_is_there_ && !finished_) fmt::print(stream_, "\n");
}

void Progress::add(std::int64_t count, bool worked) {
  done_ += count;
  if (worked && count > 0) worked_ += count;
  if (stream_ != nullptr) show(false);
}

void Progress::finish() {
  if (stream_ != nullptr) show(true);
}

std::string Progress::state(Clock::time_point now) const {
  const double done = static_cast<double>(std::max<std::int64_t>(0, done_.load()));
  const double seconds = std::max(1e-3, std::chrono::duration<double>(now - start_).count());
  const double rate = static_cast<double>(worked_.load()) / seconds;
  const double total = static_cast<double>(total_);
  std::string text = fmt::format("{} of {}{}{}, {}", unit_.amount(done), unit_.amount(total), unit_.name.empty() ? "" : " ", unit_.name,
                                 unit_.rate(rate));
  if (done < total && rate > 0) text += ", " + shown_seconds((total - done) / rate) + " left";
  return text;
}

void Progress::show(bool last) {
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

void Progress::say(const std::string& line) {
  if (stream_ == nullptr) return;
  const std::lock_guard guard(mutex_);
  fmt::print(stream_, "{}{}\n", bar_is_there_ ? "\r\x1b[K" : "", line);
  std::fflush(stream_);
}

}  // namespace grm
