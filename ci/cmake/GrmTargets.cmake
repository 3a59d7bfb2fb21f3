# Flags for our own files, and one function that declares a room.

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # Without these two ccache passes every file with a precompiled header by.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_NOHASHDIR=1
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} ${CCACHE_PROGRAM})
  add_compile_options(-fpch-preprocess)
endif()

add_library(grm_compile_options INTERFACE)
target_compile_features(grm_compile_options INTERFACE cxx_std_20)
target_compile_options(grm_compile_options INTERFACE -Wall -Wextra -Wshadow -Wconversion
                       $<$<BOOL:${GRM_WERROR}>:-Werror> -fno-omit-frame-pointer)
if(GRM_SANITIZE)
  target_compile_options(grm_compile_options INTERFACE -fsanitize=${GRM_SANITIZE} -fno-sanitize-recover=undefined)
  target_link_options(grm_compile_options INTERFACE -fsanitize=${GRM_SANITIZE})
  # GCC's -Wmaybe-uninitialized and friends misfire on instrumented code.
  target_compile_options(grm_compile_options INTERFACE -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-restrict)
endif()
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# grm_room(NAME SOURCES … LINK …): static library grm_NAME with alias grm::NAME; headers are found from the project's root.
function(grm_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(grm_${name} STATIC ${ROOM_SOURCES})
  add_library(grm::${name} ALIAS grm_${name})
  target_include_directories(grm_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(grm_${name} PUBLIC ${ROOM_LINK} PRIVATE grm_compile_options ${ROOM_PRIVATE_LINK})
endfunction()
