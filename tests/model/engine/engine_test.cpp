#include "model/engine/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "model/engine/runner.h"
#include "model/error.h"
#include "tests/model/engine/tiny_decoder.h"

namespace grm {
namespace {

std::vector<Request> some_requests(std::size_t count, double temperature) {
  std::vector<Request> requests;
  for (std::size_t i = 0; i < count; ++i) {
    Request request;
    request.id = i;
    const std::size_t length = 1 + (i * 37) % 150;
    // Every third shares a long beginning with the others of its kind.
    for (std::size_t t = 0; t < length + (i % 3 == 0 ? 130 : 0); ++t) {
      const std::size_t salt = i % 3 == 0 && t < 130 ? 0 : i;
      request.prompt.push_back(static_cast<std::int32_t>((t * 31 + t * t * 7 + salt * 101) % 301));
    }
    if (i % 4 == 1) request.forced = {5, 6, 7};
    request.max_new_tokens = 5 + static_cast<std::int64_t>(i * 47 % 190);  // some need blocks that others hold
    request.sampling = {temperature, i % 2 == 0 ? 1.0 : 0.9, i % 5 == 0 ? 20 : 0};
    request.stream = stream_key(3, "sampling", std::to_string(i));
    request.stop_tokens = {7};
    request.log_probs = true;
    requests.push_back(request);
  }
  return requests;
}

std::map<std::uint64_t, Completion> run(Engine& engine, const std::vector<Request>& requests) {
  for (const Request& request : requests) engine.submit(request);
  std::map<std::uint64_t, Completion> done;
  while (!engine.idle()) {
    for (Completion& completion : engine.step()) done[completion.id] = std::move(completion);
  }
  return done;
}

void expect_same_bits(const std::map<std::uint64_t, Completion>& a, const std::map<std::uint64_t, Completion>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [id, completion] : a) {
    EXPECT_EQ(completion.tokens, b.at(id).tokens) << "request " << id;
    EXPECT_EQ(completion.log_probs, b.at(id).log_probs) << "request " << id;  // floats, compared exactly
    EXPECT_EQ(completion.finish, b.at(id).finish) << "request " << id;
  }
}

class EngineInvariance : public testing::TestWithParam<at::ScalarType> {};
INSTANTIATE_TEST_SUITE_P(Dtypes, EngineInvariance, testing::Values(at::kFloat, at::kBFloat16),
                         [](const auto& param) { return std::string(at::toString(param.param)); });

TEST_P(EngineInvariance, BatchOrderThreadsChunksAndPreemptionChangeNoBit) {
  const Decoder decoder = random_decoder(tiny_config(), GetParam());
  for (const double temperature : {0.0, 1.0}) {
    std::vector<Request> requests = some_requests(23, temperature);
    Engine one_by_one(decoder, {.threads = 1, .max_sequences = 1, .max_step_tokens = 1000});
    const auto expected = run(one_by_one, requests);
    Engine together(decoder, {.threads = 2, .max_sequences = 32, .max_step_tokens = 512});
    expect_same_bits(expected, run(together, requests));
    EXPECT_GT(together.stats().shared_tokens, 0);
    std::reverse(requests.begin(), requests.end());
    Engine small_chunks(decoder, {.threads = 2, .max_sequences = 5, .max_step_tokens = 17});
    expect_same_bits(expected, run(small_chunks, requests));
    // Room for little more than one long sequence: the newest are put back and computed again.
    Engine starved(decoder, {.threads = 2, .max_sequences = 8, .max_step_tokens = 64, .kv_cache_bytes = 9 * kv_block_bytes(decoder)});
    expect_same_bits(expected, run(starved, requests));
    EXPECT_GT(starved.stats().put_back, 0);
  }
}

TEST(Engine, GreedyFollowsTheReference) {
  const Decoder decoder = random_decoder(tiny_config(), at::kFloat);
  Engine engine(decoder, {.threads = 2});
  std::vector<Request> requests = some_requests(6, 0);
  for (Request& request : requests) request.stop_tokens.clear();
  for (const auto& [id, completion] : run(engine, requests)) {
    std::vector<std::int32_t> tokens = requests[id].prompt;
    tokens.insert(tokens.end(), completion.tokens.begin(), completion.tokens.end());
    const at::Tensor logits = full_logits(decoder, tokens);
    const at::Tensor log_probs = at::log_softmax(logits, -1);
    const std::size_t forced = requests[id].forced.size();
    for (std::size_t i = forced; i < completion.tokens.size(); ++i) {
      const auto before = static_cast<std::int64_t>(requests[id].prompt.size() + i - 1);
      EXPECT_EQ(logits[before].argmax().item<std::int64_t>(), completion.tokens[i]) << "request " << id << " token " << i;
      EXPECT_NEAR(log_probs[before][completion.tokens[i]].item<float>(), completion.log_probs[i - forced], 1e-4);
    }
  }
}

TEST(Engine, SlidingWindowFollowsTheReference) {
  DecoderConfig config = tiny_config();
  config.sliding_window = {0, 70, 9};
  const Decoder decoder = random_decoder(config, at::kFloat);
  Engine engine(decoder, {.threads = 2});
  Request request = some_requests(1, 0)[0];
  request.prompt.resize(131);
  request.max_new_tokens = 30;
  request.stop_tokens.clear();
  const auto done = run(engine, {request});
  std::vector<std::int32_t> tokens = request.prompt;
  tokens.insert(tokens.end(), done.at(0).tokens.begin(), done.at(0).tokens.end());
  const at::Tensor log_probs = at::log_softmax(full_logits(decoder, tokens), -1);
  for (std::int64_t i = 0; i < 30; ++i) {
    EXPECT_NEAR(log_probs[130 + i][tokens[static_cast<std::size_t>(131 + i)]].item<float>(), done.at(0).log_probs[static_cast<std::size_t>(i)], 1e-4);
  }
}

TEST(Engine, EveryWayToEnd) {
  const Decoder decoder = random_decoder(tiny_config(), at::kFloat);
  Engine engine(decoder, {.threads = 1});
  Request request = some_requests(2, 0)[1];
  request.stop_tokens.clear();
  request.max_new_tokens = 12;
  request.forced = {9, 9};
  const Completion whole = run(engine, {request}).at(1);
  ASSERT_EQ(whole.tokens.size(), 14u);
  EXPECT_EQ(whole.finish, FinishReason::kLength);
  EXPECT_EQ(whole.tokens[0], 9);
  EXPECT_EQ(whole.log_probs.size(), 12u);

  request.stop_tokens = {whole.tokens[6]};
  const Completion stopped = run(engine, {request}).at(1);
  EXPECT_EQ(stopped.finish, FinishReason::kStop);
  EXPECT_EQ(stopped.tokens.back(), whole.tokens[6]);
  EXPECT_LE(stopped.tokens.size(), 7u);

  request.stop_tokens.clear();
  request.stop = [](std::span<const std::int32_t> answer) { return answer.size() == 5; };
  EXPECT_EQ(run(engine, {request}).at(1).tokens.size(), 5u);

  request.stop = nullptr;
  request.prompt.resize(505, 1);
  request.max_new_tokens = 100;  // the context of 512 cuts it
  EXPECT_EQ(run(engine, {request}).at(1).tokens.size(), 7u);
}

TEST(Engine, RefusesWhatItCannotRun) {
  Engine engine(random_decoder(tiny_config(), at::kFloat), {.threads = 1});
  Request request;
  request.max_new_tokens = 4;
  EXPECT_THROW(engine.submit(request), ModelError);  // empty prompt
  request.prompt = {301};
  EXPECT_THROW(engine.submit(request), ModelError);  // outside the vocabulary
  request.prompt = {-1};
  EXPECT_THROW(engine.submit(request), ModelError);
  request.prompt.assign(512, 1);
  EXPECT_THROW(engine.submit(request), ModelError);  // no room for an answer
  request.prompt = {1};
  request.max_new_tokens = 0;
  EXPECT_THROW(engine.submit(request), ModelError);
  EXPECT_TRUE(engine.idle());
}

}  // namespace
}  // namespace grm
