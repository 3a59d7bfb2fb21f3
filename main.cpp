// The program: each folder registers its commands here, nothing else happens here.
#include "harness/hub/fetch_command.h"
#include "harness/ui/doctor_command.h"
#include "harness/ui/program.h"
#include "suites/commands.h"
#include "suites/perf/perf_command.h"

int main(int argc, char** argv) {
  grm::Program program;
  program.app.description("Benchmark and reproducibility harness for generative reward models");
  program.app.require_subcommand(1);
  grm::add_eval_command(program);
  grm::add_items_command(program);
  grm::add_rescore_command(program);
  grm::add_perf_command(program);
  grm::add_fetch_command(program);
  grm::add_doctor_command(program, grm::compute_findings);
  return grm::run_program(program, argc, argv);
}
