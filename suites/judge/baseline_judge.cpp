// Judges that read no text: what a real judge has to beat.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/error.h"
#include "suites/judge/judge.h"

namespace grm {

namespace {

/// Position (0 or 1) of the answer that the baseline prefers.
int preferred(const std::string& name, std::uint64_t seed, const JudgeRequest& request) {
  if (name == "first") return 0;
  if (name == "second") return 1;
  if (name == "random") {
    const char* purpose = request.order == Order::ab ? "baseline random ab" : "baseline random ba";
    const StreamKey coin = stream_key(seed, purpose, request.item->id, static_cast<std::uint64_t>(request.sample));
    return static_cast<int>(random_below(coin, 0, 2));
  }
  const auto length = [&](int position) {
    return code_points(request.item->answers[static_cast<std::size_t>(request.shown[static_cast<std::size_t>(position)])]);
  };
  const std::size_t first = length(0);
  const std::size_t second = length(1);
  if (first == second) {
    // The coin falls for an answer, not for a position, so both orders agree.
    const int answer = random_below(stream_key(seed, "baseline length", request.item->id), 0, 2) == 0
                           ? std::min(request.shown[0], request.shown[1])
                           : std::max(request.shown[0], request.shown[1]);
    return request.shown[0] == answer ? 0 : 1;
  }
  return (first > second) == (name == "longer") ? 0 : 1;
}

class BaselineJudge final : public Judge {
 public:
  BaselineJudge(std::string name, std::uint64_t seed) : name_(std::move(name)), seed_(seed) {}

  JudgeIdentity identity() const override {
    JudgeIdentity identity;
    identity.effective = {{"kind", "baseline"}, {"name", name_}};
    return identity;
  }

  void judge(std::span<const JudgeRequest> requests, const std::function<void(std::size_t, JudgeOutput)>& done,
             const std::function<bool()>& stopped) override {
    for (std::size_t i = 0; i < requests.size() && !stopped(); ++i) {
      JudgeOutput output;
      output.rendered_prompt = requests[i].prompt;
      output.text = preferred(name_, seed_, requests[i]) == 0 ? "[[A]]" : "[[B]]";
      done(i, std::move(output));
    }
  }

 private:
  std::string name_;
  std::uint64_t seed_;
};

}  // namespace

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::unique_ptr<Judge> make_baseline_judge(const std::string& name, std::uint64_t seed) {
  for (const std::string_view known : {"first", "second", "longer", "shorter", "random"}) {
    if (name == known) return std::make_unique<BaselineJudge>(name, seed);
  }
  throw UserError(fmt::format("--judge baseline:{}: first, second, longer, shorter or random was expected", name));
}

}  // namespace grm
