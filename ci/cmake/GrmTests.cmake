# GoogleTest (package or source folder) and one function that declares a test program.

if(GRM_GOOGLETEST_SOURCE)
  add_subdirectory(${GRM_GOOGLETEST_SOURCE} ${CMAKE_BINARY_DIR}/googletest EXCLUDE_FROM_ALL)
  foreach(library gtest_main gmock)
    if(NOT TARGET GTest::${library})
      add_library(GTest::${library} ALIAS ${library})
    endif()
  endforeach()
else()
  find_package(GTest REQUIRED)
endif()
include(GoogleTest)

# grm_test(NAME SOURCES … LINK … [SLOW]): a program test_NAME; its cases carry the ctest label fast or slow.
function(grm_test name)
  cmake_parse_arguments(TEST "SLOW" "" "SOURCES;LINK" ${ARGN})
  add_executable(test_${name} ${TEST_SOURCES})
  target_link_libraries(test_${name} PRIVATE ${TEST_LINK} GTest::gtest_main GTest::gmock grm_compile_options)
  target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(test_${name} PRIVATE GRM_SOURCE_DIR="${PROJECT_SOURCE_DIR}" GRM_BINARY_DIR="${PROJECT_BINARY_DIR}")
  gtest_discover_tests(test_${name} DISCOVERY_TIMEOUT 120
                       PROPERTIES LABELS $<IF:$<BOOL:${TEST_SLOW}>,slow,fast> TIMEOUT $<IF:$<BOOL:${TEST_SLOW}>,1500,300>)
endfunction()
