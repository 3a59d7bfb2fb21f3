// What every command of the program shares: registration, exit codes, the one place where errors become messages.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <string>

namespace grm {

enum ExitCode { kDone = 0, kAnswerIsNo = 1, kUserFault = 2, kUnfinished = 3 };

struct Program {
  CLI::App app;
  int exit_code = kDone;
};

/// Adds a command. The caller binds its options to a struct it shares with `run`, whose result is the program's exit code.
CLI::App* add_command(Program& program, const std::string& name, const std::string& description, const std::string& example,
                      std::function<int()> run);

/// Parses the command line, runs the chosen command and turns errors into one message on stderr and an exit code.
int run_program(Program& program, int argc, char** argv);

}  // namespace grm
