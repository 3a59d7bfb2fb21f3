#include "harness/run/provenance.h"

#include <fmt/format.h>

#include "grm_build_commit.h"

namespace grm {

const BuildInfo& build_info() {
  static const BuildInfo info{.version = GRM_VERSION,
                              .commit = GRM_BUILD_COMMIT,
                              .dirty = GRM_BUILD_DIRTY != 0,
                              .build_type = GRM_BUILD_TYPE,
                              .compiler = GRM_COMPILER};
  return info;
}

bool is_committed(const BuildInfo& build) { return !build.commit.empty() && !build.dirty; }

std::string version_text(const BuildInfo& build) {
  return fmt::format("grm {}\ncommit {}{}\nbuild {}\ncompiler {}", build.version,
                     build.commit.empty() ? "unknown (built outside a git checkout)" : build.commit,
                     build.dirty ? " with uncommitted changes" : "", build.build_type, build.compiler);
}

}  // namespace grm
