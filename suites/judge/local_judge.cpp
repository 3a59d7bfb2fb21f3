#include "suites/judge/local_judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <utility>

#include "harness/error.h"
#include "harness/files/hash.h"
#include "harness/hub/hub.h"
#include "model/engine/engine.h"
#include "model/text/chat_template.h"
#include "model/text/tokenizer.h"

namespace grm {

namespace {

/// A template that asks for today's date gets this one, so that a benchmark's prompts do not depend on the day.
constexpr std::string_view kTemplateDate = "2026-01-01";
constexpr std::time_t kTemplateTime = 1767225600;
/// Ids of the rendered prompt that a record keeps: enough to see a BOS that came twice.
constexpr std::size_t kFirstTokens = 32;
/// Requests given to the engine ahead of those that run; more would only age in its queue.
constexpr std::int64_t kAhead = 16;

/// Says when what was drawn of an answer holds one of the stop texts. Decodes only what is new since the last call.
class StopText {
 public:
  StopText(const Tokenizer& tokenizer, const std::vector<std::string>& stops, std::size_t forced)
      : stops_(&stops), decoder_(tokenizer, false), forced_(forced) {}
  bool operator()(std::span<const std::int32_t> answer) {
    while (seen_ < forced_) text_ += decoder_.push(answer[seen_++]);
    if (seen_ == forced_) drawn_from_ = text_.size();
    const std::size_t before = text_.size();
    while (seen_ < answer.size()) text_ += decoder_.push(answer[seen_++]);
    return std::ranges::any_of(*stops_, [&](const std::string& stop) {
      return text_.find(stop, std::max(drawn_from_, before - std::min(before, stop.size()))) != std::string::npos;
    });
  }

 private:
  const std::vector<std::string>* stops_;
  IncrementalDecoder decoder_;
  std::string text_;
  std::size_t forced_, seen_ = 0, drawn_from_ = 0;
};

class LocalJudge final : public Judge {
 public:
  explicit LocalJudge(const LocalJudgeOptions& options);
  JudgeIdentity identity() const override;
  void judge(std::span<const JudgeRequest> requests, const std::function<void(std::size_t, JudgeOutput)>& done,
             const std::function<bool()>& stopped) override;
  std::optional<std::int64_t> token_count(std::string_view text) const override {
    return static_cast<std::int64_t>(tokenizer_.encode(text, false).size());
  }

 private:
  /// Renders and tokenises; false, with the error in `output`, if the prompt does not fit.
  bool prepare(const JudgeRequest& request, Request& engine_request, JudgeOutput& output) const;
  void answer(const Completion& completion, JudgeOutput& output) const;

  LocalJudgeOptions options_;
  Tokenizer tokenizer_;
  ChatTemplate template_;
  std::vector<std::int32_t> stop_tokens_;
  LoadedEngine loaded_;
};

EngineOptions engine_options(const LocalJudgeOptions& options) {
  EngineOptions engine;
  engine.threads = options.threads;
  engine.kv_cache_bytes = options.kv_memory;
  if (options.batch > 0) engine.max_sequences = options.batch;
  return engine;
}

LocalJudge::LocalJudge(const LocalJudgeOptions& options)
    : options_(options),
      tokenizer_(Tokenizer::load(options.folder)),
      template_(ChatTemplate::load(options.folder)),
      loaded_(load_engine(options.folder, options.dtype, engine_options(options))) {
  if (tokenizer_.id_bound() > loaded_.facts.vocab_size) {
    throw UserError(fmt::format("{}: tokenizer.json has ids up to {}, the model {} embeddings; they do not belong together",
                                options.folder.string(), tokenizer_.id_bound() - 1, loaded_.facts.vocab_size));
  }
  // A chat turn ends with the tokenizer's own end token, which generation_config.json of some checkpoints leaves out.
  stop_tokens_ = loaded_.facts.eos_token_ids;
  if (const auto end = template_.special_tokens().find("eos_token"); end != template_.special_tokens().end()) {
    if (const auto id = tokenizer_.token_id(end->second)) stop_tokens_.push_back(*id);
  }
  std::ranges::sort(stop_tokens_);
  stop_tokens_.erase(std::unique(stop_tokens_.begin(), stop_tokens_.end()), stop_tokens_.end());
}

/// The files a judgement depends on: configuration, weights, tokenizer and template.
std::map<std::string, std::string> hash_checkpoint(const std::filesystem::path& folder) {
  std::map<std::string, std::string> hashes;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool counts = name.ends_with(".safetensors") || name.ends_with(".json") || name.ends_with(".jinja");
    if (counts && entry.is_regular_file()) hashes[name] = sha256_file(entry.path());
  }
  return hashes;
}

JudgeIdentity LocalJudge::identity() const {
  const ComputeFacts facts = compute_facts();
  JudgeIdentity identity;
  identity.effective = {{"kind", "local"},
                        {"architecture", loaded_.facts.architecture},
                        {"parameters", loaded_.facts.parameters},
                        {"dtype", loaded_.facts.dtype},
                        {"context", loaded_.engine->max_context()},
                        {"kernels", facts.kernels},
                        {"batch_invariant", true},
                        {"stop_token_ids", stop_tokens_},
                        {"chat_template_sha256", sha256_hex(template_.source())},
                        {"template_variables", {{"enable_thinking", false}, {"date", kTemplateDate}}}};
  identity.tuning = {{"kv_cache_bytes", loaded_.engine->kv_cache_bytes()}, {"max_sequences", engine_options(options_).max_sequences}};
  const std::string name = options_.repository.empty() ? options_.folder.string() : options_.repository;
  identity.artifacts.push_back({"judge", name, options_.commit, hash_checkpoint(options_.folder)});
  identity.machine.threads = loaded_.engine->threads();
  identity.machine.libtorch = facts.libtorch;
  identity.machine.capability = facts.capability;
  return identity;
}

bool LocalJudge::prepare(const JudgeRequest& request, Request& engine_request, JudgeOutput& output) const {
  const nlohmann::ordered_json messages = nlohmann::ordered_json::array({{{"role", "user"}, {"content", request.prompt}}});
  ChatOptions chat;
  chat.variables = {{"enable_thinking", false}};  // Qwen3's own switch; other templates do not ask
  chat.now = std::tm{};
  gmtime_r(&kTemplateTime, &*chat.now);
  output.rendered_prompt = template_.render(messages, chat);
  // The template prints the BOS itself, where the model has one.
  engine_request.prompt = tokenizer_.encode(output.rendered_prompt, false);
  engine_request.forced = tokenizer_.encode(request.forced, false);
  engine_request.sampling = {options_.decoding.temperature, options_.decoding.top_p, options_.decoding.top_k};
  engine_request.max_new_tokens = options_.decoding.max_new;
  engine_request.stop_tokens = stop_tokens_;
  if (!options_.decoding.stop.empty()) engine_request.stop = StopText(tokenizer_, options_.decoding.stop, engine_request.forced.size());
  engine_request.stream = request.stream;
  output.prompt_tokens = static_cast<std::int64_t>(engine_request.prompt.size());
  output.first_token_ids.assign(engine_request.prompt.begin(),
                                engine_request.prompt.begin() + static_cast<std::ptrdiff_t>(std::min(kFirstTokens, engine_request.prompt.size())));
  const auto given = static_cast<std::int64_t>(engine_request.prompt.size() + engine_request.forced.size());
  if (given < loaded_.engine->max_context()) return true;
  output.finish = Finish::error;
  output.error = fmt::format("prompt of {} tokens does not fit the context of {}", given, loaded_.engine->max_context());
  return false;
}

void LocalJudge::answer(const Completion& completion, JudgeOutput& output) const {
  std::span<const std::int32_t> tokens = completion.tokens;
  output.output_tokens = static_cast<std::int64_t>(tokens.size());
  output.finish = completion.finish == FinishReason::kStop ? Finish::stop : Finish::length;
  if (completion.finish == FinishReason::kFailed) {
    output.finish = Finish::error;
    output.error = fmt::format("the model's logits are not numbers after {} tokens: its weights are damaged, or overflow in {}",
                               tokens.size(), loaded_.facts.dtype);
  }
  if (!tokens.empty() && std::ranges::binary_search(stop_tokens_, tokens.back())) tokens = tokens.first(tokens.size() - 1);
  output.text = tokenizer_.decode(tokens, false);
  output.seconds = {completion.queue_seconds, completion.prefill_seconds, completion.decode_seconds};
}

void LocalJudge::judge(std::span<const JudgeRequest> requests, const std::function<void(std::size_t, JudgeOutput)>& done,
                       const std::function<bool()>& stopped) {
  Engine& engine = *loaded_.engine;
  const std::int64_t most = engine_options(options_).max_sequences + kAhead;
  std::map<std::uint64_t, JudgeOutput> running;
  std::size_t next = 0;
  while ((next < requests.size() || !engine.idle()) && !stopped()) {
    while (next < requests.size() && static_cast<std::int64_t>(running.size()) < most) {
      Request request;
      request.id = next;
      JudgeOutput output;
      if (prepare(requests[next], request, output)) {
        running.emplace(next, std::move(output));
        engine.submit(std::move(request));
      } else {
        done(next, std::move(output));
      }
      ++next;
    }
    for (const Completion& completion : engine.step()) {
      auto ended = running.extract(completion.id);
      answer(completion, ended.mapped());
      done(completion.id, std::move(ended.mapped()));
    }
  }
  engine.clear();
}

}  // namespace

std::unique_ptr<Judge> make_local_judge(const LocalJudgeOptions& options) { return std::make_unique<LocalJudge>(options); }

LocalJudgeOptions find_checkpoint(const std::string& spec, bool offline) {
  LocalJudgeOptions found;
  if (std::filesystem::is_directory(spec)) {
    found.folder = spec;
    return found;
  }
  if (std::filesystem::exists(spec)) {
    throw UserError(fmt::format("--judge {}: a file; a local judge is the folder that holds config.json and the weights", spec));
  }
  FetchOptions fetch = fetch_options_from_environment();
  take_only_runnable_model(fetch);
  fetch.hub.offline = fetch.hub.offline || offline;
  const Snapshot snapshot = fetch_snapshot(parse_repo_spec(spec, RepoType::kModel), fetch);
  found.folder = snapshot.folder;
  found.repository = spec.substr(0, spec.find('@'));
  found.commit = snapshot.commit;
  return found;
}

}  // namespace grm
