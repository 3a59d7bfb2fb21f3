# Run at every build: cmake -DSOURCE=… -DHEADER=… -P GrmBuildCommit.cmake writes the commit and whether it is all that was
# built. The header is touched only when it changes, so nothing is compiled again for nothing. Without git, or outside a
# checkout of this very folder, the commit is empty. Untracked files do not count: sources are listed by name, so none of
# them is built without a change to a tracked file (and a run folder in the checkout must not change the answer).

set(commit "")
set(dirty 0)
find_program(GIT_PROGRAM git)
if(GIT_PROGRAM AND EXISTS ${SOURCE}/.git)
  # The folder may belong to another user (a container); and a look must not take the index lock from the user's own git.
  set(ENV{GIT_OPTIONAL_LOCKS} 0)
  set(git ${GIT_PROGRAM} -c safe.directory=* -C ${SOURCE})
  execute_process(COMMAND ${git} rev-parse --verify HEAD OUTPUT_VARIABLE head RESULT_VARIABLE failed
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT failed)
    set(commit ${head})
    execute_process(COMMAND ${git} status --porcelain --untracked-files=no OUTPUT_VARIABLE changes RESULT_VARIABLE failed ERROR_QUIET)
    if(failed OR NOT changes STREQUAL "")
      set(dirty 1)
    endif()
  endif()
endif()

set(text "#pragma once\n#define GRM_BUILD_COMMIT \"${commit}\"\n#define GRM_BUILD_DIRTY ${dirty}\n")
set(old "")
if(EXISTS ${HEADER})
  file(READ ${HEADER} old)
endif()
if(NOT old STREQUAL text)
  file(WRITE ${HEADER} "${text}")
endif()
