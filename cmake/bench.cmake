# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# The C parts of ./dev bench, in build/release/bench/. Built only when they are named.

function(weir_bench name)
  add_executable(${name} EXCLUDE_FROM_ALL ${ARGN})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/bench)
  target_compile_options(${name} PRIVATE ${WEIR_WARNINGS})
endfunction()

weir_bench(bench_json ${CMAKE_SOURCE_DIR}/bench/json.c ${CMAKE_SOURCE_DIR}/bench/bodies.c)
target_link_libraries(bench_json PRIVATE weir_wire PkgConfig::CJSON)

file(GLOB bench_streams_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bench/streams*.c)
weir_bench(bench_streams ${bench_streams_sources})
target_link_libraries(bench_streams PRIVATE weir_base)

weir_bench(bench_tokens ${CMAKE_SOURCE_DIR}/bench/tokens.c)
target_link_libraries(bench_tokens PRIVATE weir_llm)

weir_bench(bench_ledger ${CMAKE_SOURCE_DIR}/bench/ledger.c)
target_link_libraries(bench_ledger PRIVATE weir_ledger)

weir_bench(bench_budgets ${CMAKE_SOURCE_DIR}/bench/budgets.c)
target_link_libraries(bench_budgets PRIVATE weir_policy)
