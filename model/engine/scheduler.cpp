#include "model/engine/scheduler.h"

#include <algorithm>
#include <cassert>

namespace grm {

void Scheduler::put_back_newest() {
  blocks_.release(*running_.back());
  waiting_.push_front(std::move(running_.back()));
  running_.pop_back();
  ++put_back_;
}

// Reserves for a running sequence, putting newer ones back; false if the sequence itself had to go.
bool Scheduler::make_room(Sequence& sequence, std::int64_t tokens) {
  while (!blocks_.reserve(sequence, tokens)) {
    const bool was_itself = running_.back().get() == &sequence;
    put_back_newest();
    if (was_itself) return false;
  }
  return true;
}

std::vector<ScheduledTokens> Scheduler::schedule() {
  std::vector<ScheduledTokens> step;
  std::int64_t budget = limits_.max_tokens;
  // By index: make_room may take sequences off the end.
  for (const bool decoding : {true, false}) {
    for (std::size_t i = 0; i < running_.size() && budget > 0; ++i) {
      Sequence& sequence = *running_[i];
      const std::int64_t missing = sequence.size() - sequence.computed;
      if ((missing == 1) != decoding) continue;
      const std::int64_t count = std::min(missing, budget);
      if (!make_room(sequence, sequence.computed + count)) break;
      step.push_back({&sequence, sequence.computed, count});
      budget -= count;
    }
  }
  // A sequence scheduled above may have been put back for an older one that came later in the pass.
  std::erase_if(step, [&](const ScheduledTokens& part) {
    return std::ranges::none_of(running_, [&](const auto& sequence) { return sequence.get() == part.sequence; });
  });
  admit(step, budget);
  assert(!step.empty() || idle());
  return step;
}

void Scheduler::admit(std::vector<ScheduledTokens>& step, std::int64_t& budget) {
  while (budget > 0 && !waiting_.empty() && static_cast<std::int64_t>(running_.size()) < limits_.max_sequences) {
    Sequence& sequence = *waiting_.front();
    if (share_prefixes_) blocks_.share_prefix(sequence);
    const std::int64_t count = std::min(sequence.size() - sequence.computed, budget);
    // One block is left free for each running sequence, so that a newcomer is not put back at once.
    const auto running = static_cast<std::int64_t>(running_.size());
    const std::int64_t all = (sequence.size() + kBlockTokens - 1) / kBlockTokens - static_cast<std::int64_t>(sequence.blocks.size());
    if ((running > 0 && blocks_.free_blocks() < all + running) || !blocks_.reserve(sequence, sequence.computed + count)) {
      blocks_.release(sequence);
      return;
    }
    if (sequence.started == Sequence::Clock::time_point{}) sequence.started = Sequence::Clock::now();
    step.push_back({&sequence, sequence.computed, count});
    budget -= count;
    running_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

std::unique_ptr<Sequence> Scheduler::remove(Sequence* sequence) {
  const auto found = std::ranges::find_if(running_, [&](const auto& one) { return one.get() == sequence; });
  assert(found != running_.end());
  std::unique_ptr<Sequence> removed = std::move(*found);
  running_.erase(found);
  blocks_.release(*removed);
  return removed;
}

void Scheduler::clear() {
  while (!running_.empty()) put_back_newest();
  waiting_.clear();
}

}  // namespace grm
