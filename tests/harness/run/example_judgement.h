#pragma once

#include <fmt/format.h>

#include "harness/run/journal.h"

namespace grm {

/// The i-th record of an invented run: a pure function of i, as a judge's output is.
inline Judgement example_judgement(int i) {
  Judgement j;
  j.item = fmt::format("toy/pairs/{:04}", i / 2);
  j.suite = "toy";
  j.subset = "easy";
  if (i % 3 != 0) j.domain = "preference";
  j.cluster = fmt::format("c{}", i / 4);
  j.task = {TaskKind::pair, {0, 1}};
  j.order = i % 2 == 0 ? Order::ab : Order::ba;
  j.prompt_hash = std::string(64, 'a');
  j.prompt_tokens = 100 + i;
  j.text = fmt::format("Answer A is \"better\"\n\tbecause … {} [[A]]", std::string(static_cast<std::size_t>(i % 50), 'x'));
  j.output_tokens = 20 + i % 50;
  j.finish = i % 7 == 0 ? Finish::length : Finish::stop;
  if (i % 7 != 0) j.verdict = std::string(1, 'A');
  j.label = std::string(1, i % 2 == 0 ? 'A' : 'B');
  j.correct = j.verdict == j.label;
  j.distinct_verdicts = j.verdict ? 1 : 0;
  j.mechanism = Mechanism::depth;
  j.units = 2;
  j.trigger = true;
  j.tokens_per_unit = (20.0 + i % 50) / 2;
  j.first_token_ids = {1, 2, 40000 + i};
  j.stream = stream_key(7, "sampling", j.item, 0);
  j.seconds = {0.5, 0.1, 1.25};
  return j;
}

}  // namespace grm
