// From a judge's output to a line of the journal.
#pragma once

#include <vector>

#include "harness/run/journal.h"
#include "suites/benchmarks/item.h"
#include "suites/judge/judge.h"
#include "suites/judge/prompt_template.h"
#include "suites/presentation.h"

namespace grm {

/// How items are shown to a judge.
struct Presenting {
  OrderMode order = OrderMode::both;
  int samples = 1;
  std::uint64_t order_seed = 0;
  std::uint64_t sampling_seed = 0;
  std::string forced;  ///< beginning of each rationale
};

/// All that is asked of a judge, suite by suite, item by item; the items must outlive the requests.
std::vector<JudgeRequest> make_requests(const std::vector<Suite>& suites, const PromptTemplate& prompt,
                                        const Presenting& presenting);

JudgementKey key_of(const JudgeRequest& request);

/// The record of an output, read by rule: verdict, mechanism, correct. The prompt's hash is left to the prompt store.
Judgement make_record(const JudgeRequest& request, JudgeOutput output, const Judge& judge);

}  // namespace grm
