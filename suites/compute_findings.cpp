#include "model/engine/engine.h"
#include "suites/commands.h"

namespace grm {

std::vector<std::pair<std::string, std::string>> compute_findings() {
  const ComputeFacts facts = compute_facts();
  return {{"libtorch", facts.libtorch + ", CPU capability " + facts.capability},
          {"kernels", facts.kernels + (facts.kernels == "generic" ? " (slow: no AVX2 on this CPU)" : "")}};
}

}  // namespace grm
