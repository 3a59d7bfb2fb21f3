// `grm fetch` without the rest of the program: what the tests start, kill and start again.
#include "harness/hub/fetch_command.h"
#include "harness/ui/program.h"

int main(int argc, char** argv) {
  grm::Program program;
  program.app.require_subcommand(1);
  grm::add_fetch_command(program);
  return grm::run_program(program, argc, argv);
}
