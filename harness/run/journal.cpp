#include "harness/run/journal.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "harness/error.h"
#include "harness/files/hash.h"
#include "harness/run/json_fields.h"

namespace grm {
namespace {

using nlohmann::json;

constexpr std::array<const char*, 4> kTaskNames{"pair", "rank", "rate", "score"};
constexpr std::array<const char*, 2> kOrderNames{"ab", "ba"};
constexpr std::array<const char*, 3> kFinishNames{"stop", "length", "error"};
constexpr std::array<const char*, 3> kErrorNames{"none", "item", "passing"};
constexpr std::array<const char*, 4> kMechanismNames{"breadth", "depth", "raw", "unmatched"};

template <class Enum, std::size_t N>
const char* name_of(Enum value, const std::array<const char*, N>& names) {
  return names.at(static_cast<std::size_t>(value));
}

template <class Enum, std::size_t N>
Enum read_name(JsonFields& fields, const std::string& field, const std::array<const char*, N>& names) {
  const auto text = fields.get<std::string>(field);
  for (std::size_t i = 0; i < N; ++i) {
    if (text == names[i]) return static_cast<Enum>(i);
  }
  fields.wrong(field, fmt::format("one of {}", fmt::join(names, ", ")), text);
}

template <class T>
json or_null(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

std::string stream_hex(const StreamKey& stream) { return fmt::format("{:016x}{:016x}", stream.high, stream.low); }

StreamKey read_stream(JsonFields& fields) {
  const auto text = fields.get<std::string>("stream");
  StreamKey stream;
  const auto half = [&](std::size_t begin, std::uint64_t& word) {
    const auto result = std::from_chars(text.data() + begin, text.data() + begin + 16, word, 16);
    return result.ec == std::errc() && result.ptr == text.data() + begin + 16;
  };
  if (text.size() != 32 || !half(0, stream.high) || !half(16, stream.low)) fields.wrong("stream", "32 hex digits", text);
  return stream;
}

bool is_finite_number(const std::string& text) {
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() && result.ptr == text.data() + text.size() && std::isfinite(value);
}

/// What is wrong with a record, empty if nothing. Holds for what is written and for what is read.
std::string fault_of(const Judgement& j) {
  const std::size_t n = j.task.answers.size();
  const bool needs_one = j.task.kind == TaskKind::rate || j.task.kind == TaskKind::score;
  if (j.item.empty() || j.suite.empty()) return "item and suite must not be empty";
  if (needs_one ? n != 1 : (j.task.kind == TaskKind::pair ? n != 2 : n < 2)) {
    return fmt::format("task {} has {} answers", name_of(j.task.kind, kTaskNames), n);
  }
  for (const int answer : j.task.answers) {
    if (answer < 0) return "a negative answer index";
  }
  if (j.sample < 0 || j.prompt_tokens < 0 || j.output_tokens < 0 || j.distinct_verdicts < 0 || j.units < 0 || j.invalid_bytes < 0) {
    return "a negative count";
  }
  if ((j.finish == Finish::error) != (j.error_kind != ErrorKind::none)) return "finish and error contradict each other";
  if (j.verdict && needs_one && !is_finite_number(*j.verdict)) return "the verdict of a rating or score must be a finite number";
  for (const auto& letter : {j.verdict, j.label}) {
    if (j.task.kind == TaskKind::pair && letter && *letter != "A" && *letter != "B") {
      return fmt::format("verdict and label of a pair are A or B, not '{}'", *letter);
    }
  }
  if (j.tokens_per_unit && !(std::isfinite(*j.tokens_per_unit) && *j.tokens_per_unit >= 0)) return "tokens_per_unit is no count";
  for (const double seconds : {j.seconds.queue, j.seconds.prefill, j.seconds.decode}) {
    if (!std::isfinite(seconds) || seconds < 0) return "seconds must be finite and not negative";
  }
  return {};
}

void warn_if_torn(const JsonLinesEnd& end, const std::filesystem::path& path, std::vector<std::string>& warnings) {
  if (end.torn_bytes == 0) return;
  warnings.push_back(fmt::format("{}: the last line was torn ({} bytes) when the run was broken off; it is dropped and done again",
                                 path.string(), end.torn_bytes));
}

}  // namespace

JudgementKey key_of(const Judgement& judgement) { return {judgement.item, judgement.task, judgement.order, judgement.sample}; }

std::string describe(const JudgementKey& key) {
  return fmt::format("{} {}({}) {} sample {}", key.item, name_of(key.task.kind, kTaskNames), fmt::join(key.task.answers, ","),
                     name_of(key.order, kOrderNames), key.sample);
}

json to_json(const Judgement& j) {
  if (const std::string fault = fault_of(j); !fault.empty()) throw UserError(fmt::format("judgement {}: {}", describe(key_of(j)), fault));
  SafeText text = safe_utf8(j.text);
  const json error = j.finish == Finish::error
                         ? json{{"kind", name_of(j.error_kind, kErrorNames)}, {"message", safe_utf8(j.error).text}}
                         : json(nullptr);
  return {{"item", j.item},
          {"suite", j.suite},
          {"subset", j.subset},
          {"domain", or_null(j.domain)},
          {"cluster", j.cluster},
          {"task", {{"kind", name_of(j.task.kind, kTaskNames)}, {"answers", j.task.answers}}},
          {"order", name_of(j.order, kOrderNames)},
          {"sample", j.sample},
          {"prompt_hash", j.prompt_hash},
          {"prompt_tokens", j.prompt_tokens},
          {"text", std::move(text.text)},
          {"invalid_bytes", j.invalid_bytes + text.invalid_bytes},
          {"output_tokens", j.output_tokens},
          {"finish", name_of(j.finish, kFinishNames)},
          {"error", error},
          {"verdict", or_null(j.verdict)},
          {"label", or_null(j.label)},
          {"correct", or_null(j.correct)},
          {"distinct_verdicts", j.distinct_verdicts},
          {"mechanism", j.mechanism ? json(name_of(*j.mechanism, kMechanismNames)) : json(nullptr)},
          {"units", j.units},
          {"trigger", j.trigger},
          {"tokens_per_unit", or_null(j.tokens_per_unit)},
          {"first_token_ids", j.first_token_ids},
          {"stream", stream_hex(j.stream)},
          {"seconds", {{"queue", j.seconds.queue}, {"prefill", j.seconds.prefill}, {"decode", j.seconds.decode}}}};
}

Judgement judgement_from_json(const json& object, const std::string& place) {
  JsonFields fields(object, place);
  Judgement j;
  j.item = fields.get<std::string>("item");
  j.suite = fields.get<std::string>("suite");
  j.subset = fields.get<std::string>("subset");
  j.domain = fields.get_optional<std::string>("domain");
  j.cluster = fields.get<std::string>("cluster");
  JsonFields task = fields.object("task");
  j.task = {read_name<TaskKind>(task, "kind", kTaskNames), task.get_list<int>("answers")};
  task.refuse_unknown();
  j.order = read_name<Order>(fields, "order", kOrderNames);
  j.sample = fields.get<int>("sample");
  j.prompt_hash = fields.get<std::string>("prompt_hash");
  j.prompt_tokens = fields.get<std::int64_t>("prompt_tokens");
  j.text = fields.get<std::string>("text");
  j.invalid_bytes = fields.get<std::int64_t>("invalid_bytes");
  j.output_tokens = fields.get<std::int64_t>("output_tokens");
  j.finish = read_name<Finish>(fields, "finish", kFinishNames);
  if (!fields.at("error").is_null()) {
    JsonFields error = fields.object("error");
    j.error_kind = read_name<ErrorKind>(error, "kind", kErrorNames);
    j.error = error.get<std::string>("message");
    error.refuse_unknown();
  }
  j.verdict = fields.get_optional<std::string>("verdict");
  j.label = fields.get_optional<std::string>("label");
  j.correct = fields.get_optional<bool>("correct");
  j.distinct_verdicts = fields.get<int>("distinct_verdicts");
  if (!fields.at("mechanism").is_null()) j.mechanism = read_name<Mechanism>(fields, "mechanism", kMechanismNames);
  j.units = fields.get<int>("units");
  j.trigger = fields.get<bool>("trigger");
  j.tokens_per_unit = fields.get_optional<double>("tokens_per_unit");
  j.first_token_ids = fields.get_list<std::int64_t>("first_token_ids");
  j.stream = read_stream(fields);
  JsonFields seconds = fields.object("seconds");
  j.seconds = {seconds.get<double>("queue"), seconds.get<double>("prefill"), seconds.get<double>("decode")};
  seconds.refuse_unknown();
  fields.refuse_unknown();
  if (const std::string fault = fault_of(j); !fault.empty()) throw UserError(fmt::format("{}: {}", place, fault));
  return j;
}

JournalContents read_journal(const std::filesystem::path& path) {
  JournalContents contents;
  contents.end = read_json_lines(path, kJournalSchema, [&](json&& object, const std::string& place) {
    Judgement judgement = judgement_from_json(object, place);
    JudgementKey key = key_of(judgement);
    contents.judgements.insert_or_assign(std::move(key), std::move(judgement));
  });
  return contents;
}

PromptContents read_prompts(const std::filesystem::path& path) {
  PromptContents contents;
  contents.end = read_json_lines(path, kPromptsSchema, [&](json&& object, const std::string& place) {
    JsonFields fields(object, place);
    auto hash = fields.get<std::string>("hash");
    auto text = fields.get<std::string>("text");
    fields.refuse_unknown();
    if (sha256_hex(text) != hash) throw UserError(fmt::format("{}: the text does not have the hash {}", place, hash));
    contents.prompts.insert_or_assign(std::move(hash), std::move(text));
  });
  return contents;
}

Journal::Journal(const std::filesystem::path& path, std::vector<std::string>& warnings)
    : Journal(read_journal(path), path, warnings) {}

Journal::Journal(JournalContents contents, const std::filesystem::path& path, std::vector<std::string>& warnings)
    : judgements_(std::move(contents.judgements)), writer_(path, kJournalSchema, contents.end) {
  warn_if_torn(contents.end, path, warnings);
}

bool Journal::is_done(const JudgementKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = judgements_.find(key);
  return found != judgements_.end() && found->second.error_kind != ErrorKind::passing;
}

void Journal::append(Judgement judgement) {
  const json object = to_json(judgement);
  // What is kept is what a reader of the file will see.
  judgement.text = object["text"].get<std::string>();
  judgement.invalid_bytes = object["invalid_bytes"].get<std::int64_t>();
  const std::lock_guard lock(mutex_);
  writer_.append(object);
  JudgementKey key = key_of(judgement);
  judgements_.insert_or_assign(std::move(key), std::move(judgement));
}

Judgements Journal::judgements() const {
  const std::lock_guard lock(mutex_);
  return judgements_;
}

PromptStore::PromptStore(const std::filesystem::path& path, std::vector<std::string>& warnings)
    : PromptStore(read_prompts(path), path, warnings) {}

PromptStore::PromptStore(PromptContents contents, const std::filesystem::path& path, std::vector<std::string>& warnings)
    : writer_(path, kPromptsSchema, contents.end) {
  for (auto& [hash, text] : contents.prompts) hashes_.insert(hash);
  warn_if_torn(contents.end, path, warnings);
}

std::string PromptStore::add(std::string_view prompt) {
  std::string hash = sha256_hex(prompt);
  const std::lock_guard lock(mutex_);
  if (!hashes_.contains(hash)) {
    writer_.append({{"hash", hash}, {"text", prompt}});
    hashes_.insert(hash);
  }
  return hash;
}

}  // namespace grm
