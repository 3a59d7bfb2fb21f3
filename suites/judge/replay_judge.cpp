// Recorded outputs as a judge.
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "harness/error.h"
#include "harness/files/atomic_file.h"
#include "harness/files/hash.h"
#include "suites/benchmarks/data_file.h"
#include "suites/judge/judge.h"

namespace grm {

namespace {

struct Recorded {
  std::string text;
  Finish finish;
  std::string where;
};

using Presentation = std::tuple<std::string, Order, std::int64_t>;  // item, order, sample

Finish read_finish(const Row& row) {
  const std::string finish = row.optional_text("finish").value_or("stop");
  if (finish == "stop") return Finish::stop;
  if (finish == "length") return Finish::length;
  row.fail(fmt::format("finish '{}': stop or length was expected", finish));
}

class ReplayJudge final : public Judge {
 public:
  explicit ReplayJudge(const std::filesystem::path& file) : name_(file.filename().string()) {
    const std::string content = read_file(file);
    sha256_ = sha256_hex(content);
    for (const Row& row : rows_of_lines(content, file.string())) {
      const std::string order = row.text("order");
      if (order != "ab" && order != "ba") row.fail(fmt::format("order '{}': ab or ba was expected", order));
      const std::int64_t sample = row.has("sample") ? row.integer("sample") : 0;
      const Presentation key{row.text("item"), order == "ab" ? Order::ab : Order::ba, sample};
      const auto [other, fresh] = records_.try_emplace(key, Recorded{row.text("text"), read_finish(row), row.where()});
      if (!fresh) row.fail(fmt::format("the same item, order and sample as {}", other->second.where));
    }
    if (records_.empty()) throw UserError(fmt::format("--judge replay:{}: the file holds no record", file.string()));
  }

  JudgeIdentity identity() const override {
    JudgeIdentity identity;
    identity.effective = {{"kind", "replay"}, {"records", records_.size()}};
    identity.artifacts = {{"judge", name_, "", {{name_, sha256_}}}};
    return identity;
  }

  void judge(std::span<const JudgeRequest> requests, const std::function<void(std::size_t, JudgeOutput)>& done,
             const std::function<bool()>& stopped) override {
    for (std::size_t i = 0; i < requests.size() && !stopped(); ++i) {
      const JudgeRequest& request = requests[i];
      JudgeOutput output;
      output.rendered_prompt = request.prompt;
      const auto found = records_.find({request.item->id, request.order, request.sample});
      if (found != records_.end()) {
        output.text = found->second.text;
        output.finish = found->second.finish;
      } else {
        output.finish = Finish::error;
        output.error = fmt::format("no record of item {}, order {}, sample {} in {}", request.item->id, 
                                   request.order == Order::ab ? "ab" : "ba", request.sample, name_);
      }
      done(i, std::move(output));
    }
  }

 private:
  std::string name_;
  std::string sha256_;
  std::map<Presentation, Recorded> records_;
};

}  // namespace

std::unique_ptr<Judge> make_replay_judge(const std::filesystem::path& file) {
  if (file.empty()) throw UserError("--judge replay: needs the path of a JSON-lines file, as in replay:OUTPUTS.jsonl");
  return std::make_unique<ReplayJudge>(file);
}

}  // namespace grm
