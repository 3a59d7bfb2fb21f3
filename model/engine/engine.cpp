#include "model/engine/engine.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <fstream>
#include <limits>
#include <thread>
#include <utility>

#include "model/decoder/decoder.h"
#include "model/engine/block_manager.h"
#include "model/engine/runner.h"
#include "model/engine/sampler.h"
#include "model/engine/scheduler.h"
#include "model/error.h"
#include "model/kernels/kernels.h"

namespace grm {
namespace {

static_assert(kBlockTokens == kPanel);

// Bytes the system could give without swapping; 0 if it does not say.
std::int64_t available_memory() {
  std::ifstream file("/proc/meminfo");
  for (std::string name, unit; file >> name;) {
    std::int64_t kibibytes = 0;
    file >> kibibytes >> unit;
    if (name == "MemAvailable:") return kibibytes * 1024;
  }
  return 0;
}

std::int64_t blocks_for(std::int64_t tokens) { return (tokens + kBlockTokens - 1) / kBlockTokens; }

std::int64_t pool_blocks(const Decoder& decoder, const EngineOptions& options) {
  const std::int64_t block = kv_block_bytes(decoder);
  // At least one whole context: what a prompt may be must not depend on the memory that happens to be free.
  const std::int64_t context = blocks_for(decoder.config.max_position);
  if (options.kv_cache_bytes > 0) {
    if (options.kv_cache_bytes < context * block) {
      throw ModelError("key-value cache of " + std::to_string(options.kv_cache_bytes) + " bytes is less than the model's context of " +
                       std::to_string(decoder.config.max_position) + " tokens takes; give at least " + std::to_string(context * block));
    }
    return options.kv_cache_bytes / block;
  }
  return std::clamp(available_memory() / 4 / block, context, options.max_sequences * context);
}

int thread_count(int asked) {
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  if (asked > 4 * cores) {
    throw ModelError(std::to_string(asked) + " threads: this machine has " + std::to_string(cores) + " cores; give at most " +
                     std::to_string(4 * cores) + ", or 0 for one a core");
  }
  return asked > 0 ? asked : cores;
}

std::int64_t parameter_count(const Decoder& decoder) {
  std::int64_t count = decoder.embed_tokens.numel() + decoder.norm.numel();
  if (!decoder.head.is_same(decoder.embed_tokens)) count += decoder.head.numel();
  for (const DecoderLayer& layer : decoder.layers) {
    for (const at::Tensor* one : {&layer.input_norm, &layer.post_attention_norm, &layer.q_norm, &layer.k_norm}) {
      count += one->defined() ? one->numel() : 0;
    }
    for (const Linear* linear : {&layer.q_proj, &layer.k_proj, &layer.v_proj, &layer.o_proj, &layer.gate_proj, &layer.up_proj, &layer.down_proj}) {
      count += linear->weight.numel() + (linear->bias.defined() ? linear->bias.numel() : 0);
    }
  }
  return count;
}

double seconds(Sequence::Clock::duration time) { return std::chrono::duration<double>(time).count(); }

bool ends(Sequence& sequence, FinishReason& finish) {
  const Request& request = sequence.request;
  const std::span<const std::int32_t> answer = std::span<const std::int32_t>(sequence.tokens).subspan(request.prompt.size());
  if (answer.back() < 0) {
    finish = FinishReason::kFailed;
    sequence.tokens.pop_back();
    return true;
  }
  const bool stop = std::ranges::find(request.stop_tokens, answer.back()) != request.stop_tokens.end() ||
                    (request.stop && request.stop(answer));
  finish = stop ? FinishReason::kStop : FinishReason::kLength;
  return stop || sequence.size() >= sequence.limit;
}

Completion complete(Sequence& sequence, FinishReason finish) {
  Completion done;
  done.id = sequence.request.id;
  done.tokens.assign(sequence.tokens.begin() + sequence.prompt_size(), sequence.tokens.end());
  done.log_probs = std::move(sequence.log_probs);
  done.finish = finish;
  done.shared_tokens = sequence.shared_tokens;
  done.queue_seconds = seconds(sequence.started - sequence.submitted);
  done.prefill_seconds = seconds(sequence.first_drawn - sequence.started);
  done.decode_seconds = seconds(Sequence::Clock::now() - sequence.first_drawn);
  return done;
}

}  // namespace

struct Engine::State {
  State(const Decoder& decoder, const EngineOptions& options)
      : vocab(decoder.head.size(0)),
        ids(decoder.config.vocab_size),
        block_count(pool_blocks(decoder, options)),
        context(std::min(decoder.config.max_position, block_count * kBlockTokens)),
        kv_bytes(block_count * kv_block_bytes(decoder)),
        limits{std::max(options.max_step_tokens, options.max_sequences), options.max_sequences},
        pool(thread_count(options.threads)),
        runner(make_runner(decoder, block_count, limits.max_tokens, pool)),
        blocks(block_count),
        scheduler(limits, blocks, options.share_prefixes),
        logits(static_cast<std::size_t>(limits.max_sequences * vocab)) {}

  std::int64_t vocab, ids, block_count, context, kv_bytes;
  SchedulerLimits limits;
  ThreadPool pool;
  std::unique_ptr<Runner> runner;
  BlockManager blocks;
  Scheduler scheduler;
  std::vector<float> logits;
  EngineStats stats;

  void run(const std::vector<ScheduledTokens>& step);
  void draw(const std::vector<ScheduledTokens>& step);
};

void Engine::State::run(const std::vector<ScheduledTokens>& step) {
  std::vector<TokenSpan> spans;
  for (const ScheduledTokens& part : step) {
    const std::span<const std::int32_t> tokens(part.sequence->tokens);
    spans.push_back({tokens.subspan(static_cast<std::size_t>(part.first), static_cast<std::size_t>(part.count)), part.first,
                     part.sequence->blocks, part.draws()});
    (part.sequence->drawn() > 0 && part.count == 1 ? stats.decode_tokens : stats.prefill_tokens) += part.count;
  }
  runner->forward(spans, logits.data());
  ++stats.steps;
}

// The rows of logits are independent, so they are drawn in parallel.
void Engine::State::draw(const std::vector<ScheduledTokens>& step) {
  std::vector<Sequence*> drawing;
  for (const ScheduledTokens& part : step) {
    const bool draws = part.draws();
    part.sequence->computed += part.count;
    blocks.publish(*part.sequence, part.first);
    if (draws) drawing.push_back(part.sequence);
  }
  std::vector<Drawn> drawn(drawing.size());
  pool.run(static_cast<std::int64_t>(drawing.size()), [&](std::int64_t i) {
    const Sequence& sequence = *drawing[static_cast<std::size_t>(i)];
    const std::span<const float> row(logits.data() + i * vocab, static_cast<std::size_t>(vocab));
    drawn[static_cast<std::size_t>(i)] = draw_token(row, sequence.request.sampling, sequence.request.stream,
                                                    static_cast<std::uint32_t>(sequence.size() - sequence.prompt_size()),
                                                    sequence.request.log_probs);
  });
  for (std::size_t i = 0; i < drawing.size(); ++i) {
    Sequence& sequence = *drawing[i];
    if (sequence.drawn() == 0) sequence.first_drawn = Sequence::Clock::now();
    sequence.tokens.push_back(drawn[i].token);
    if (sequence.request.log_probs && drawn[i].token >= 0) sequence.log_probs.push_back(drawn[i].log_prob);
  }
}

Engine::Engine(const Decoder& decoder, const EngineOptions& options) : state_(std::make_unique<State>(decoder, options)) {
  at::set_num_threads(state_->pool.threads());
}
Engine::~Engine() = default;

void Engine::submit(Request request) {
  const auto given = static_cast<std::int64_t>(request.prompt.size() + request.forced.size());
  if (request.prompt.empty()) throw ModelError("empty prompt: a model needs at least one token to begin with");
  if (given >= state_->context) {
    throw ModelError("prompt of " + std::to_string(given) + " tokens leaves no room for an answer: the context holds " +
                     std::to_string(state_->context));
  }
  if (request.max_new_tokens < 1) throw ModelError("max_new_tokens is " + std::to_string(request.max_new_tokens) + ", must be at least 1");
  for (const std::vector<std::int32_t>* tokens : {&request.prompt, &request.forced}) {
    for (const std::int32_t token : *tokens) {
      if (token < 0 || token >= state_->ids) {
        throw ModelError("token id " + std::to_string(token) + " is outside the model's vocabulary of " + std::to_string(state_->ids) +
                         ": tokenizer and checkpoint do not belong together");
      }
    }
  }
  auto sequence = std::make_unique<Sequence>();
  sequence->request = std::move(request);
  sequence->tokens = sequence->request.prompt;
  sequence->tokens.insert(sequence->tokens.end(), sequence->request.forced.begin(), sequence->request.forced.end());
  sequence->limit = given + std::min(sequence->request.max_new_tokens, state_->context - given);
  state_->scheduler.add(std::move(sequence));
}

std::vector<Completion> Engine::step() {
  const std::vector<ScheduledTokens> step = state_->scheduler.schedule();
  std::vector<Completion> done;
  if (step.empty()) return done;
  std::vector<Sequence*> drawing;
  for (const ScheduledTokens& part : step) {
    if (part.draws()) drawing.push_back(part.sequence);
  }
  state_->run(step);
  state_->draw(step);
  for (Sequence* sequence : drawing) {
    if (FinishReason finish; ends(*sequence, finish)) {
      state_->stats.shared_tokens += sequence->shared_tokens;
      done.push_back(complete(*sequence, finish));
      state_->scheduler.remove(sequence);
    }
  }
  return done;
}

void Engine::clear() {
  state_->scheduler.clear();
  state_->blocks.forget_unused();
}
bool Engine::idle() const { return state_->scheduler.idle(); }
std::int64_t Engine::max_context() const { return state_->context; }
int Engine::threads() const { return state_->pool.threads(); }
std::int64_t Engine::kv_cache_bytes() const { return state_->kv_bytes; }
EngineStats Engine::stats() const {
  EngineStats stats = state_->stats;
  stats.put_back = state_->scheduler.put_back();
  return stats;
}

namespace {

at::ScalarType compute_type(const std::string& dtype, const DecoderConfig& config) {
  if (dtype == "float32" || dtype == "fp32") return at::kFloat;
  if (dtype == "bfloat16" || dtype == "bf16") return at::kBFloat16;
  if (dtype == "auto") return config.dtype == "bfloat16" ? at::kBFloat16 : at::kFloat;  // float16 fits only the latter
  throw ModelError("dtype " + dtype + " is not one the engine computes in; give float32, bfloat16 or auto");
}

}  // namespace

LoadedEngine load_engine(const std::filesystem::path& folder, const std::string& dtype, const EngineOptions& options) {
  const DecoderConfig config = load_decoder_config(folder);
  if (config.num_labels > 0) {
    throw ModelError(folder.string() + ": a sequence classifier (" + std::to_string(config.num_labels) +
                     " labels), which scores and cannot write; give a checkpoint with a language-model head");
  }
  const at::ScalarType type = compute_type(dtype, config);
  const Decoder decoder = load_decoder(folder, type);
  LoadedEngine loaded;
  loaded.facts = {architecture_name(config.architecture), type == at::kFloat ? "float32" : "bfloat16",
                  config.vocab_size, config.max_position, parameter_count(decoder), config.eos_token_ids};
  loaded.engine = std::make_unique<Engine>(decoder, options);
  return loaded;
}

ComputeFacts compute_facts() { return {TORCH_VERSION, at::get_cpu_capability(), std::string(kernel_isa())}; }

}  // namespace grm
