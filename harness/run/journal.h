// The journal: one line per judgement, appended as it happens. Everything else about a run is derived from it.
#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "harness/random/philox.h"
#include "harness/run/json_lines.h"

namespace grm {

inline constexpr Schema kJournalSchema{"grm.journal", 1};
inline constexpr Schema kPromptsSchema{"grm.prompts", 1};

/// What is asked: which of two answers is better; the order of n answers; a rating of one; a scalar for one.
enum class TaskKind { pair, rank, rate, score };
/// As shown to the judge: `ab` in the order of Task::answers, `ba` the other way round.
enum class Order { ab, ba };
enum class Finish { stop, length, error };
/// `item`: this item cannot be judged, however often it is tried (its prompt does not fit). `passing`: it may work
/// another time (a server was down); such records are tried again at resume.
enum class ErrorKind { none, item, passing };
enum class Mechanism { breadth, depth, raw, unmatched };

struct Task {
  TaskKind kind = TaskKind::pair;
  std::vector<int> answers;  // indices into the item's answers, from 0
  friend auto operator<=>(const Task&, const Task&) = default;
};

/// What makes a judgement the same one: a later line with an equal key replaces an earlier one.
struct JudgementKey {
  std::string item;
  Task task;
  Order order = Order::ab;
  int sample = 0;
  friend auto operator<=>(const JudgementKey&, const JudgementKey&) = default;
};

struct Seconds {
  double queue = 0;
  double prefill = 0;
  double decode = 0;
};

struct Judgement {
  std::string item;  // suite/file-or-split/native key or row
  std::string suite;
  std::string subset;
  std::optional<std::string> domain;
  std::string cluster;  // hash of the prompt that the item shares with others
  Task task;
  Order order = Order::ab;
  int sample = 0;
  std::string prompt_hash;  // key into prompts.jsonl
  std::int64_t prompt_tokens = 0;
  std::string text;  // of the judge; UTF-8: parse verdicts from safe_utf8(text).text, which is what a rescore sees
  std::int64_t invalid_bytes = 0;  // bytes of the judge's text that were no UTF-8 and stand as U+FFFD; set when written
  std::int64_t output_tokens = 0;
  Finish finish = Finish::stop;
  ErrorKind error_kind = ErrorKind::none;  // none unless finish is error
  std::string error;                       // message
  std::optional<std::string> verdict;      // shown letter, rank, rating or number; absent: unscored
  std::optional<std::string> label;        // in the same shown letters
  std::optional<bool> correct;
  int distinct_verdicts = 0;  // different well-formed verdicts in the text
  std::optional<Mechanism> mechanism;
  int units = 0;                           // schema units of the rationale
  bool trigger = false;                    // the trigger sentence of depth occurs
  std::optional<double> tokens_per_unit;   // mean; absent without units
  std::vector<std::int64_t> first_token_ids;
  StreamKey stream;
  Seconds seconds;  // the only field that may differ between equal runs
};

JudgementKey key_of(const Judgement& judgement);
/// For messages: `judgebench/gpt/42 pair(0,1) ba sample 0`.
std::string describe(const JudgementKey& key);

/// One object, `text` made valid UTF-8. Throws UserError on a field out of its range (NaN, negative count, finish and
/// error that contradict each other), naming the key.
nlohmann::json to_json(const Judgement& judgement);
/// Throws UserError with `place` and the field. Unknown fields are errors.
Judgement judgement_from_json(const nlohmann::json& object, const std::string& place);

/// The records by key, the last line of a key winning.
using Judgements = std::map<JudgementKey, Judgement>;

struct JournalContents {
  Judgements judgements;
  JsonLinesEnd end;
};
/// Reads without changing anything; an absent journal is an empty one. A torn last line is not in the result.
JournalContents read_journal(const std::filesystem::path& path);

/// Each rendered prompt by the sha256 of its bytes. Throws UserError where a text does not have the hash it claims.
struct PromptContents {
  std::map<std::string, std::string> prompts;
  JsonLinesEnd end;
};
PromptContents read_prompts(const std::filesystem::path& path);

/// A journal that grows. Threads may share it.
class Journal {
 public:
  /// Goes on with what is there. `warnings` gets a line when a torn last line was dropped.
  Journal(const std::filesystem::path& path, std::vector<std::string>& warnings);

  /// True when the key needs no more work: it is recorded, and not as a passing error.
  bool is_done(const JudgementKey& key) const;
  /// Writes the record, then keeps it. Throws Unfinished when the disk is full.
  void append(Judgement judgement);
  /// A copy of all records so far.
  Judgements judgements() const;
  void sync() { writer_.sync(); }

 private:
  Journal(JournalContents contents, const std::filesystem::path& path, std::vector<std::string>& warnings);

  mutable std::mutex mutex_;
  Judgements judgements_;
  JsonLinesWriter writer_;
};

/// prompts.jsonl that grows. Threads may share it.
class PromptStore {
 public:
  PromptStore(const std::filesystem::path& path, std::vector<std::string>& warnings);
  /// Writes the prompt unless it is there; returns its sha256, the record's `prompt_hash`. UserError: not UTF-8.
  std::string add(std::string_view prompt);
  void sync() { writer_.sync(); }

 private:
  PromptStore(PromptContents contents, const std::filesystem::path& path, std::vector<std::string>& warnings);

  std::mutex mutex_;
  std::unordered_set<std::string> hashes_;
  JsonLinesWriter writer_;
};

}  // namespace grm
