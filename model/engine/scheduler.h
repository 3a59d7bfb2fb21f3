// Which tokens are computed in the next step. Sees sequences and blocks, no tensor.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "model/engine/block_manager.h"
#include "model/engine/sequence.h"

namespace grm {

/// Tokens [first, first + count) of a sequence; after the last of all its tokens the next one is drawn.
struct ScheduledTokens {
  Sequence* sequence;
  std::int64_t first, count;
  bool draws() const { return first + count == sequence->size(); }
};

struct SchedulerLimits {
  std::int64_t max_tokens = 512;    // in a step
  std::int64_t max_sequences = 64;  // at once
};

/// Continuous batching with chunked prefill: every running answer gets its next token first, what is left of the step goes to
/// prompts in order of arrival. When blocks run out the newest sequence is put back; what it had drawn is computed again as a
/// prompt, which gives the same bits.
class Scheduler {
 public:
  Scheduler(SchedulerLimits limits, BlockManager& blocks, bool share_prefixes)
      : limits_(limits), blocks_(blocks), share_prefixes_(share_prefixes) {}

  void add(std::unique_ptr<Sequence> sequence) { waiting_.push_back(std::move(sequence)); }
  std::vector<ScheduledTokens> schedule();
  /// Takes an ended sequence out and frees its blocks.
  std::unique_ptr<Sequence> remove(Sequence* sequence);
  /// Forgets every sequence.
  void clear();
  std::int64_t put_back() const { return put_back_; }  // how often a sequence lost its blocks
  bool idle() const { return waiting_.empty() && running_.empty(); }

 private:
  bool make_room(Sequence& sequence, std::int64_t tokens);
  void put_back_newest();
  void admit(std::vector<ScheduledTokens>& step, std::int64_t& budget);

  SchedulerLimits limits_;
  BlockManager& blocks_;
  bool share_prefixes_;
  std::deque<std::unique_ptr<Sequence>> waiting_;
  std::vector<std::unique_ptr<Sequence>> running_;  // in order of arrival
  std::int64_t put_back_ = 0;
};

}  // namespace grm
