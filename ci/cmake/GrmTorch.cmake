# libtorch as imported targets of our own: its CMake files stop without a CUDA toolkit when the build is a CUDA one,
# and set flags for the whole project. Looked for in CMAKE_PREFIX_PATH (variable or environment: an unpacked archive,
# a wheel's folder, or what torch.utils.cmake_prefix_path prints), then in .venv.

function(grm_find_torch result)
  set(candidates ${CMAKE_PREFIX_PATH})
  if(DEFINED ENV{CMAKE_PREFIX_PATH})
    string(REPLACE ":" ";" from_environment "$ENV{CMAKE_PREFIX_PATH}")
    list(APPEND candidates ${from_environment})
  endif()
  file(GLOB from_venv ${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch)
  foreach(candidate ${candidates} ${from_venv})
    foreach(up "" "/.." "/../..")
      if(EXISTS "${candidate}${up}/lib/libtorch_cpu.so" AND EXISTS "${candidate}${up}/include/ATen/ATen.h")
        get_filename_component(found "${candidate}${up}" REALPATH)
        set(${result} ${found} PARENT_SCOPE)
        return()
      endif()
    endforeach()
  endforeach()
  message(FATAL_ERROR "libtorch not found in CMAKE_PREFIX_PATH or .venv: run ci/setup, or name its folder with -DCMAKE_PREFIX_PATH=…")
endfunction()

# Remembered, so that a build that configures again does not depend on the environment.
if(NOT EXISTS "${GRM_TORCH_ROOT}/lib/libtorch_cpu.so")
  grm_find_torch(found_root)
  set(GRM_TORCH_ROOT ${found_root} CACHE PATH "libtorch's folder" FORCE)
endif()
set(GRM_TORCH_LIBRARY_DIR ${GRM_TORCH_ROOT}/lib)
message(STATUS "libtorch: ${GRM_TORCH_ROOT}")

# CUDA only where the build has it and the machine a toolkit; the CPU needs neither.
set(cuda_default OFF)
if(EXISTS ${GRM_TORCH_LIBRARY_DIR}/libtorch_cuda.so)
  find_package(CUDAToolkit QUIET)
  if(CUDAToolkit_FOUND)
    set(cuda_default ON)
  endif()
endif()
option(GRM_CUDA "Link the CUDA half of libtorch" ${cuda_default})

add_library(grm_torch INTERFACE)
target_include_directories(grm_torch SYSTEM INTERFACE ${GRM_TORCH_ROOT}/include ${GRM_TORCH_ROOT}/include/torch/csrc/api/include)
find_package(Threads REQUIRED)
target_link_libraries(grm_torch INTERFACE ${GRM_TORCH_LIBRARY_DIR}/libtorch_cpu.so ${GRM_TORCH_LIBRARY_DIR}/libc10.so Threads::Threads)
# A CUDA build's libraries name CUDA ones that lie elsewhere; the loader finds them by their own run-paths.
target_link_options(grm_torch INTERFACE -Wl,--allow-shlib-undefined)
if(GRM_CUDA)
  # Nothing refers to it by symbol; it registers its kernels when loaded.
  target_link_libraries(grm_torch INTERFACE -Wl,--no-as-needed ${GRM_TORCH_LIBRARY_DIR}/libtorch_cuda.so
                                            ${GRM_TORCH_LIBRARY_DIR}/libc10_cuda.so ${GRM_TORCH_LIBRARY_DIR}/libtorch.so -Wl,--as-needed)
endif()
