# Whether the simulator's library exports what NVIDIA's does, by name and version:
# cmake -DNM=… -DOURS=… -DTHEIRS=… -P exports.cmake
foreach(library OURS THEIRS)
  execute_process(COMMAND ${NM} -D --defined-only --with-symbol-versions ${${library}}
                  OUTPUT_VARIABLE listed COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "_*cuda[A-Za-z0-9_]*@@[A-Za-z0-9.]+" ${library}_names "${listed}")
endforeach()
list(LENGTH THEIRS_names count)
if(count LESS 400)
  message(FATAL_ERROR "Expected ${THEIRS} to export some 400 functions, got ${count}")
endif()
set(missing ${THEIRS_names})
list(REMOVE_ITEM missing ${OURS_names})
set(extra ${OURS_names})
list(REMOVE_ITEM extra ${THEIRS_names})
if(missing OR extra)
  message(FATAL_ERROR "Expected the same exports, got\n missing: ${missing}\n more: ${extra}")
endif()
message(STATUS "${count} exports, each with its version")
