#include "harness/ui/program.h"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <utility>

#include "harness/error.h"

namespace grm {

CLI::App* add_command(Program& program, const std::string& name, const std::string& description, const std::string& example,
                      std::function<int()> run) {
  CLI::App* command = program.app.add_subcommand(name, description);
  command->footer("Example:\n  " + example);
  command->option_defaults()->always_capture_default();
  command->callback([&program, run = std::move(run)] { program.exit_code = run(); });
  return command;
}

int run_program(Program& program, int argc, char** argv) {
  try {
    program.app.parse(argc, argv);
    return program.exit_code;
  } catch (const CLI::ParseError& error) {
    return program.app.exit(error) == 0 ? kDone : kUserFault;
  } catch (const Unfinished& error) {
    fmt::print(stderr, "grm: {}\n", error.what());
    return kUnfinished;
  } catch (const std::exception& error) {
    fmt::print(stderr, "grm: {}\n", error.what());
    return kUserFault;
  }
}

}  // namespace grm
