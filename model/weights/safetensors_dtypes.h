// The dtypes of the safetensors format, in the reference implementation's order: narrow to wide, which its writer sorts by.
#pragma once

#include <string_view>

#include "model/weights/safetensors.h"

namespace grm {

inline constexpr SafetensorsDtype kSafetensorsDtypes[] = {
    {"BOOL", 8, at::ScalarType::Bool},
    {"F4", 4, at::ScalarType::Undefined},
    {"F6_E2M3", 6, at::ScalarType::Undefined},
    {"F6_E3M2", 6, at::ScalarType::Undefined},
    {"U8", 8, at::ScalarType::Byte},
    {"I8", 8, at::ScalarType::Char},
    {"F8_E5M2", 8, at::ScalarType::Float8_e5m2},
    {"F8_E4M3", 8, at::ScalarType::Float8_e4m3fn},
    {"F8_E8M0", 8, at::ScalarType::Float8_e8m0fnu},
    {"F8_E4M3FNUZ", 8, at::ScalarType::Float8_e4m3fnuz},
    {"F8_E5M2FNUZ", 8, at::ScalarType::Float8_e5m2fnuz},
    {"I16", 16, at::ScalarType::Short},
    {"U16", 16, at::ScalarType::UInt16},
    {"F16", 16, at::ScalarType::Half},
    {"BF16", 16, at::ScalarType::BFloat16},
    {"I32", 32, at::ScalarType::Int},
    {"U32", 32, at::ScalarType::UInt32},
    {"F32", 32, at::ScalarType::Float},
    {"C64", 64, at::ScalarType::ComplexFloat},
    {"F64", 64, at::ScalarType::Double},
    {"I64", 64, at::ScalarType::Long},
    {"U64", 64, at::ScalarType::UInt64},
};

/// The dtype of that name, or null.
inline const SafetensorsDtype* find_safetensors_dtype(std::string_view name) {
  for (const SafetensorsDtype& dtype : kSafetensorsDtypes) {
    if (dtype.name == name) return &dtype;
  }
  return nullptr;
}

/// The dtype that stores `type`, or null.
inline const SafetensorsDtype* find_safetensors_dtype(at::ScalarType type) {
  for (const SafetensorsDtype& dtype : kSafetensorsDtypes) {
    if (dtype.scalar_type == type && type != at::ScalarType::Undefined) return &dtype;
  }
  return nullptr;
}

}  // namespace grm
