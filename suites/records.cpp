#include "suites/records.h"

#include <utility>

#include "suites/judge/mechanism.h"
#include "suites/judge/verdict.h"

namespace grm {

namespace {

/// The streams of an item's two orders are apart, so that a draw in one says nothing about the other.
StreamKey sampling_stream(std::uint64_t seed, const Item& item, Order order, int sample) {
  return stream_key(seed, order == Order::ab ? "judge ab" : "judge ba", item.id, static_cast<std::uint64_t>(sample));
}

std::optional<double> mean_tokens(const std::vector<Unit>& units, const Judge& judge) {
  double sum = 0;
  for (const Unit& unit : units) {
    const auto tokens = judge.token_count(unit.text);
    if (!tokens) return std::nullopt;
    sum += static_cast<double>(*tokens);
  }
  if (units.empty()) return std::nullopt;
  return sum / static_cast<double>(units.size());
}

void read_text(Judgement& record, const Judge& judge) {
  const std::string text = safe_utf8(record.text).text;
  const PairVerdict verdict = parse_pair_verdict(text);
  if (verdict.verdict) record.verdict = std::string(1, *verdict.verdict);
  record.distinct_verdicts = verdict.distinct;
  const Structure structure = indicate_mechanism(text);
  record.mechanism = structure.mechanism;
  record.units = static_cast<int>(structure.units.size());
  record.trigger = structure.trigger;
  record.tokens_per_unit = mean_tokens(structure.units, judge);
}

}  // namespace

std::vector<JudgeRequest> make_requests(const std::vector<Suite>& suites, const PromptTemplate& prompt,
                                        const Presenting& presenting) {
  std::vector<JudgeRequest> requests;
  for (const Suite& suite : suites) {
    for (const Item& item : suite.items) {
      for (const Order order : orders_of(presenting.order, item.id, presenting.order_seed)) {
        const std::array<int, 2> shown = shown_answers(order);
        const std::string text = prompt.render({{"instruction", item.instruction},
                                                {"answer_a", item.answers[static_cast<std::size_t>(shown[0])]},
                                                {"answer_b", item.answers[static_cast<std::size_t>(shown[1])]}});
        for (int sample = 0; sample < presenting.samples; ++sample) {
          requests.push_back({&item, shown, order, sample, text, presenting.forced,
                              sampling_stream(presenting.sampling_seed, item, order, sample)});
        }
      }
    }
  }
  return requests;
}

JudgementKey key_of(const JudgeRequest& request) {
  return {request.item->id, Task{TaskKind::pair, {0, 1}}, request.order, request.sample};
}

Judgement make_record(const JudgeRequest& request, JudgeOutput output, const Judge& judge) {
  const Item& item = *request.item;
  Judgement record;
  record.item = item.id;
  record.suite = item.suite;
  record.subset = item.subset;
  record.domain = item.domain;
  record.cluster = item.cluster;
  record.task = {TaskKind::pair, {0, 1}};
  record.order = request.order;
  record.sample = request.sample;
  record.prompt_tokens = output.prompt_tokens;
  record.text = std::move(output.text);
  record.output_tokens = output.output_tokens;
  record.finish = output.finish;
  if (output.finish == Finish::error) {
    record.error_kind = output.may_pass ? ErrorKind::passing : ErrorKind::item;
    record.error = output.error;
  } else {
    read_text(record, judge);
  }
  record.label = std::string(1, shown_letter(item.label, request.order));
  record.correct = record.verdict && record.verdict == record.label;
  record.first_token_ids = std::move(output.first_token_ids);
  record.stream = request.stream;
  record.seconds = output.seconds;
  return record;
}

}  // namespace grm
