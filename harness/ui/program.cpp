#include "harness/ui/program.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <system_error>
#include <utility>

#include "harness/error.h"
#include "harness/run/provenance.h"

namespace grm {
namespace {

/// TOML in which keys outside any section belong to the command that was chosen; `[eval]` names a command.
class CommandConfig : public CLI::ConfigTOML {
 public:
  explicit CommandConfig(const CLI::App& root) : root_(root) {}

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    std::vector<std::string> chosen;
    for (const CLI::App* app = &root_; !app->get_subcommands().empty();) {
      app = app->get_subcommands().front();
      chosen.push_back(app->get_name());
    }
    std::vector<CLI::ConfigItem> found = CLI::ConfigTOML::from_config(input);
    for (CLI::ConfigItem& item : found) {
      if (item.parents.empty()) item.parents = chosen;
    }
    return found;
  }

 private:
  const CLI::App& root_;
};

void add_shared_options(Program& program) {
  program.app.set_version_flag("--version", version_text(build_info()), "Print version, commit, build and compiler");
  program.app.set_config("--config", "", "Read options from a TOML file; the command line wins")->type_name("FILE");
  program.app.config_formatter(std::make_shared<CommandConfig>(program.app));
  program.app.allow_config_extras(CLI::config_extras_mode::error);
}

int fail(int code, const char* message) {
  fmt::print(stderr, "grm: {}\n", message);
  return code;
}

/// Results go to stdout: if it does not take them, the work is not done.
int flushed(int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  return fail(kUnfinished, fmt::format("standard output does not take the results: {}", std::strerror(errno)).c_str());
}

}  // namespace

CLI::App* add_command(Program& program, const std::string& name, const std::string& description, const std::string& example,
                      std::function<int()> run) {
  CLI::App* command = program.app.add_subcommand(name, description);
  command->footer("Every option can also stand in a TOML file: --config FILE.\nExample:\n  " + example);
  command->fallthrough();  // so that --config may stand behind the command's name
  command->option_defaults()->always_capture_default();
  command->callback([&program, run = std::move(run)] { program.exit_code = run(); });
  return command;
}

int run_program(Program& program, int argc, char** argv) {
  add_shared_options(program);
  try {
    program.app.parse(argc, argv);
    return flushed(program.exit_code);
  } catch (const CLI::ParseError& error) {
    return program.app.exit(error) == 0 ? flushed(kDone) : kUserFault;
  } catch (const Unfinished& error) {
    return fail(kUnfinished, error.what());
  } catch (const std::bad_alloc&) {
    return fail(kUnfinished, "out of memory; use a smaller batch or model, or a machine with more");
  } catch (const std::system_error& error) {  // of the operating system, files included
    return fail(kUnfinished, error.what());
  } catch (const std::runtime_error& error) {  // UserError, ModelError
    return fail(kUserFault, error.what());
  } catch (const std::exception& error) {
    return fail(kUnfinished, fmt::format("unexpected error: {}", error.what()).c_str());
  }
}

}  // namespace grm
