#include "model/kernels/kernels.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#ifdef GRM_X86
#include <cpuid.h>
#endif

namespace grm {

#define GRM_DECLARE_KERNELS(isa)              \
  namespace isa {                             \
  extern const Kernels<float> kFloatKernels;  \
  extern const Kernels<Bf16> kBf16Kernels;    \
  }
GRM_DECLARE_KERNELS(generic)
#ifdef GRM_X86
GRM_DECLARE_KERNELS(avx2)
GRM_DECLARE_KERNELS(avx512)
GRM_DECLARE_KERNELS(avx512bf16)
#endif

namespace {

struct Copy {
  std::string_view name;
  bool supported;
  const Kernels<float>* for_float;
  const Kernels<Bf16>* for_bf16;
};

#ifdef GRM_X86
// CPUID leaf 7: AMX-BF16 and AMX-TILE.
bool has_amx_bf16() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d >> 22 & 1u) != 0 && (d >> 24 & 1u) != 0;
}
#endif

const Copy& chosen_copy() {
  static const Copy choice = [] {
#ifdef GRM_X86
    __builtin_cpu_init();
    const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                            __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    const bool has_bf16 = has_avx512 && __builtin_cpu_supports("avx512bf16");
    const char* asked = std::getenv("GRM_ISA");
    const bool asks_amx = asked != nullptr && std::string_view(asked) == "amx";
#endif
    const std::array copies = {
#ifdef GRM_X86
        Copy{"amx", has_bf16 && (has_amx_bf16() || asks_amx), &avx512bf16::kFloatKernels, &avx512bf16::kBf16Kernels},
        Copy{"avx512bf16", has_bf16, &avx512bf16::kFloatKernels, &avx512bf16::kBf16Kernels},
        Copy{"avx512", has_avx512, &avx512::kFloatKernels, &avx512::kBf16Kernels},
        Copy{"avx2", has_avx2, &avx2::kFloatKernels, &avx2::kBf16Kernels},
#endif
        Copy{"generic", true, &generic::kFloatKernels, &generic::kBf16Kernels}};
    const char* wanted = std::getenv("GRM_ISA");
    for (const Copy& copy : copies) {
      if (copy.supported && wanted != nullptr && copy.name == wanted) return copy;
    }
    return *std::find_if(copies.begin(), copies.end(), [](const Copy& copy) { return copy.supported; });
  }();
  return choice;
}

}  // namespace

template <>
const Kernels<float>& kernels<float>() {
  return *chosen_copy().for_float;
}
template <>
const Kernels<Bf16>& kernels<Bf16>() {
  return *chosen_copy().for_bf16;
}
std::string_view kernel_isa() { return chosen_copy().name; }

template <class T>
void pack_matrix(const T* w, std::int64_t n, std::int64_t k, T* packed) {
  const PackedMatrix<T> shape{packed, n, k};
  std::fill_n(packed, shape.panels() * shape.panel_elements(), T{});
  for (std::int64_t row = 0; row < n; ++row) {
    T* panel = packed + row / kPanel * shape.panel_elements() + row % kPanel * kStep<T>;
    for (std::int64_t i = 0; i < k; ++i) panel[i / kStep<T> * kPanel * kStep<T> + i % kStep<T>] = w[row * k + i];
  }
}
template void pack_matrix(const float*, std::int64_t, std::int64_t, float*);
template void pack_matrix(const Bf16*, std::int64_t, std::int64_t, Bf16*);

template <class T>
void store_key_value(const KvLayout<T>& layout, const T* key, const T* value, std::int64_t slot, T* key_block, T* value_block) {
  const std::int64_t padded = layout.padded_dim();
  T* value_row = value_block + slot / kStep<T> * padded * kStep<T> + slot % kStep<T>;
  for (std::int64_t i = 0; i < layout.head_dim; ++i) {
    key_block[i / kStep<T> * kPanel * kStep<T> + slot * kStep<T> + i % kStep<T>] = key[i];
    value_row[i * kStep<T>] = value[i];
  }
}
template void store_key_value(const KvLayout<float>&, const float*, const float*, std::int64_t, float*, float*);
template void store_key_value(const KvLayout<Bf16>&, const Bf16*, const Bf16*, std::int64_t, Bf16*, Bf16*);

}  // namespace grm
