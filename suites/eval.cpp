#include "suites/eval.h"

#include <fmt/format.h>

#include <fstream>
#include <set>
#include <utility>

#include "harness/error.h"
#include "harness/files/atomic_file.h"
#include "harness/files/hash.h"
#include "harness/run/run_folder.h"
#include "harness/ui/interrupt.h"
#include "harness/ui/program.h"
#include "harness/ui/progress.h"
#include "suites/benchmarks/item.h"
#include "suites/judge/mechanism.h"
#include "suites/judge/prompt_template.h"
#include "suites/records.h"
#include "suites/run_scores.h"

namespace grm {

namespace {

using nlohmann::json;

std::vector<Suite> load_suites(const EvalOptions& options, const Seeds& seeds) {
  std::vector<Suite> suites;
  std::set<std::string> names;
  for (const std::string& name : split_suite_names(options.suite)) {
    suites.push_back(load_suite(name, {options.data, options.judging.offline}));
    if (!names.insert(suites.back().name).second) {
      throw UserError(fmt::format("--suite: {} is named twice{}", suites.back().name,
                                  name.starts_with("file:") ? " (two files of one name; rename one)" : ""));
    }
    select_items(suites.back(), options.limit, seeds.subset);
  }
  return suites;
}

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(std::min(line.find(':') + 2, line.size()));
  }
  return "unknown";
}

json requested(const EvalOptions& options) {
  return {{"judge", options.judge}, {"suite", options.suite}, {"data", options.data.string()}, {"limit", options.limit},
          {"order", options.order}, {"samples", options.samples}, {"mechanism", options.mechanism},
          {"prompt", options.prompt.string()}, {"seed", options.seed}, {"max_new", options.judging.decoding.max_new},
          {"temperature", options.judging.decoding.temperature}, {"top_p", options.judging.decoding.top_p},
          {"top_k", options.judging.decoding.top_k}, {"stop", options.judging.decoding.stop}, {"dtype", options.judging.dtype}, {"threads", options.judging.threads}};
}

json effective(const EvalOptions& options, const std::vector<Suite>& suites, const Presenting& presenting,
               const JudgeIdentity& judge) {
  json by_suite = json::object();
  for (const Suite& suite : suites) by_suite[suite.name] = suite_settings(suite, presenting);
  const Decoding& decoding = options.judging.decoding;
  const ValidityLimits limits;
  return {{"suites", by_suite},
          {"limit", options.limit},
          {"order", options.order},
          {"samples", options.samples},
          {"mechanism", options.mechanism},
          {"decoding", {{"temperature", decoding.temperature}, {"top_p", decoding.top_p}, {"top_k", decoding.top_k},
                        {"max_new", decoding.max_new},
                        {"stop", decoding.stop}}},
          {"validity", {{"unparsed_share", limits.unparsed_share}, {"truncated_share", limits.truncated_share},
                        {"min_items_for_interval", limits.min_items_for_interval}}},
          {"judge", judge.effective}};
}

Artifact prompt_artifact(const EvalOptions& options) {
  const std::string text = options.prompt.empty() ? std::string(default_pairwise_prompt()) : read_file(options.prompt);
  const std::string name = options.prompt.empty() ? "pairwise.txt" : options.prompt.filename().string();
  return {"prompt", options.prompt.empty() ? "built in" : options.prompt.string(), "", {{name, sha256_hex(text)}}};
}

Artifact data_artifact(const Suite& suite) {
  Artifact artifact;
  artifact.role = "data:" + suite.name;
  artifact.repository = suite.source.repository.empty() ? suite.source.folder.string() : suite.source.repository;
  artifact.commit = suite.source.commit;
  for (const DataFile& file : suite.source.files) artifact.sha256[file.path] = file.sha256;
  return artifact;
}

Manifest make_manifest(const EvalOptions& options, const std::vector<Suite>& suites, const Presenting& presenting,
                       const Judge& judge, const Seeds& seeds) {
  const JudgeIdentity identity = judge.identity();
  Manifest manifest;
  manifest.requested = requested(options);
  manifest.effective = effective(options, suites, presenting, identity);
  manifest.tuning = identity.tuning;
  manifest.seeds = seeds;
  manifest.artifacts = identity.artifacts;
  manifest.artifacts.push_back(prompt_artifact(options));
  for (const Suite& suite : suites) manifest.artifacts.push_back(data_artifact(suite));
  manifest.program = build_info();
  manifest.machine = identity.machine;
  if (manifest.machine.cpu.empty()) manifest.machine.cpu = cpu_name();
  return manifest;
}

/// The requests whose judgements the journal does not hold yet.
std::vector<JudgeRequest> still_to_do(std::vector<JudgeRequest> requests, const Journal& journal) {
  std::erase_if(requests, [&](const JudgeRequest& request) { return journal.is_done(key_of(request)); });
  return requests;
}

/// Judges what is missing; true when nothing was left out.
bool judge_all(Judge& judge, const std::vector<JudgeRequest>& requests, std::size_t planned, RunFolder& folder) {
  Progress progress("judged", static_cast<std::int64_t>(planned), counted("judgements"),
                    static_cast<std::int64_t>(planned - requests.size()));
  std::size_t done = 0;
  judge.judge(
      requests,
      [&](std::size_t index, JudgeOutput output) {
        const std::string hash = output.rendered_prompt.empty() ? "" : folder.prompts().add(output.rendered_prompt);
        Judgement record = make_record(requests[index], std::move(output), judge);
        record.prompt_hash = hash;
        folder.journal().append(std::move(record));
        ++done;
        progress.add();
      },
      [] { return interrupted(); });
  progress.finish();
  return done == requests.size();
}

}  // namespace

int run_eval(const EvalOptions& options) {
  const InterruptGuard guard;
  Presenting presenting;
  const Seeds seeds = seeds_from(options.seed);
  presenting.order = parse_order_mode(options.order);
  presenting.samples = options.samples;
  presenting.order_seed = seeds.order;
  presenting.sampling_seed = seeds.sampling;
  presenting.forced = forced_beginning(options.mechanism);
  const PromptTemplate prompt = load_pairwise_prompt(options.prompt);
  const std::vector<Suite> suites = load_suites(options, seeds);
  JudgeOptions judging = options.judging;
  judging.seed = seeds.sampling;
  const std::unique_ptr<Judge> judge = make_judge(options.judge, judging);

  RunFolder folder(options.out, make_manifest(options, suites, presenting, *judge, seeds));
  for (const std::string& warning : folder.warnings()) fmt::print(stderr, "grm: {}\n", warning);
  std::vector<JudgeRequest> requests = make_requests(suites, prompt, presenting);
  const std::size_t planned = requests.size();
  requests = still_to_do(std::move(requests), folder.journal());
  const bool complete = judge_all(*judge, requests, planned, folder);
  const Scores scores = score_run(folder.manifest(), folder.journal().judgements());
  folder.finish(scores, complete);
  if (!complete) {
    throw Unfinished(fmt::format("stopped with {} of {} judgements made; the same command goes on with {}",
                                 folder.journal().judgements().size(), planned, options.out.string()));
  }
  fmt::print("{}", score_table(scores));
  return options.strict && !scores.valid ? kAnswerIsNo : kDone;
}

}  // namespace grm
