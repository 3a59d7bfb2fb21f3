// Which program wrote a run: captured at every build, not at configure time.
#pragma once

#include <string>

namespace grm {

struct BuildInfo {
  std::string version;
  std::string commit;  // 40 hex digits; empty: built outside a git checkout
  bool dirty = false;  // tracked files differ from the commit
  std::string build_type;
  std::string compiler;  // name and version
};

const BuildInfo& build_info();

/// True when the commit alone says what was built.
bool is_committed(const BuildInfo& build);

/// One fact a line, as `grm --version` prints it.
std::string version_text(const BuildInfo& build);

}  // namespace grm
