# The simulator as a library of its own, with the name, soname, symbols and symbol versions of CUDA
# 13's shared runtime: cmake --build <folder> --target cudart_simulator. Programs that are linked to
# libcudart.so.13 run on it by LD_LIBRARY_PATH.
if(CUDAToolkit_FOUND AND CUDAToolkit_VERSION VERSION_LESS 13)
  message(STATUS "CUDA toolkit ${CUDAToolkit_VERSION}: no target cudart_simulator, it is CUDA 13's")
  return()
endif()

file(GLOB library_sources CONFIGURE_DEPENDS native/simulator/library/*.cc)
add_library(cudart_simulator SHARED EXCLUDE_FROM_ALL ${simulator_sources} ${library_sources})
target_link_libraries(cudart_simulator PRIVATE cuda_shutdown_options cuda_runtime_header
                                               Threads::Threads)
set(exports ${CMAKE_CURRENT_SOURCE_DIR}/native/simulator/library/exports.map)
set_target_properties(cudart_simulator PROPERTIES
  OUTPUT_NAME cudart SOVERSION 13 CXX_VISIBILITY_PRESET default VISIBILITY_INLINES_HIDDEN OFF
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/cudart LINK_DEPENDS ${exports})
# nodelete: its streams' threads outlive a dlclose.
target_link_options(cudart_simulator PRIVATE -Wl,--version-script=${exports} -Wl,-z,nodelete
                                             -Wl,-Bsymbolic)
