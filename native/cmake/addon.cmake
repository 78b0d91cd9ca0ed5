# The two addons: the same sources, once with NVIDIA's static runtime and once with the simulator.
file(GLOB addon_sources CONFIGURE_DEPENDS native/addon/*.cc)
execute_process(
  COMMAND node -p "require('node-addon-api').include_dir"
  WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
  OUTPUT_VARIABLE node_addon_api_dir
  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)

function(cuda_shutdown_addon name runtime)
  add_library(${name} MODULE ${addon_sources})
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX ".node")
  # swallow: in a worker that is being terminated no error can be thrown; without it the process aborts.
  target_compile_definitions(${name} PRIVATE NAPI_VERSION=9 NODE_ADDON_API_CPP_EXCEPTIONS_ALL
                                             NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS ${ARGN})
  target_include_directories(${name} SYSTEM PRIVATE ${CMAKE_JS_INC} ${node_addon_api_dir})
  target_link_libraries(${name} PRIVATE cuda_shutdown_options cuda_shutdown_core ${runtime}
                                        ${CMAKE_JS_LIB})
  # nodelete: device threads outlive a worker's environment, whose end unmaps its addons.
  # exclude-libs: a libcudart.so that another addon brought must not answer for ours, nor ours for it.
  target_link_options(${name} PRIVATE -Wl,-z,nodelete -Wl,--exclude-libs,ALL)
endfunction()

cuda_shutdown_addon(cuda_shutdown_simulated cuda_simulator CUDA_SHUTDOWN_SIMULATED)
if(CUDAToolkit_FOUND)
  cuda_shutdown_addon(cuda_shutdown CUDA::cudart_static)
endif()
