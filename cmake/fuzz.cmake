# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# One libFuzzer program a driver: tests/fuzz/fuzz_NAME.c with tests/fuzz/entry.c becomes
# build/fuzz/fuzz/fuzz_NAME. scripts/run_fuzz.py runs them. What is fuzzed lies in config and below.

set(fuzz_dir ${CMAKE_SOURCE_DIR}/tests/fuzz)
file(GLOB drivers CONFIGURE_DEPENDS ${fuzz_dir}/fuzz_*.c)
add_custom_target(fuzzers)
foreach(driver IN LISTS drivers)
  get_filename_component(name ${driver} NAME_WE)
  add_executable(${name} ${driver} ${fuzz_dir}/entry.c)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  target_include_directories(${name} PRIVATE ${fuzz_dir})
  target_compile_definitions(${name} PRIVATE FUZZ_DRIVER=${name})
  target_compile_options(${name} PRIVATE ${WEIR_WARNINGS})
  target_link_libraries(${name} PRIVATE weir_config)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(fuzzers ${name})
endforeach()
