#pragma once

#include <stdexcept>

namespace grm {

/// A checkpoint, configuration, tokenizer or template given by the user cannot be used. The message says what, where,
/// the value and the next step.
struct ModelError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace grm
