# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# One CMocka program a module: tests/M/test_NAME.c each define `int test_NAME(void)`, which runs a
# group and returns the number of failed tests; the main of build/tests/test_M is written here.

pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)

file(GLOB support_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/support/*.c)
if(support_sources)
  add_library(weir_test_support STATIC ${support_sources})
  target_include_directories(weir_test_support PUBLIC ${CMAKE_SOURCE_DIR}/include
                             ${CMAKE_SOURCE_DIR}/tests)
  target_compile_options(weir_test_support PRIVATE ${WEIR_WARNINGS})
  target_link_libraries(weir_test_support PUBLIC ${WEIR_MODULE_LIBRARIES} PkgConfig::CMOCKA)
endif()

file(GLOB test_dirs CONFIGURE_DEPENDS LIST_DIRECTORIES true ${CMAKE_SOURCE_DIR}/tests/*)
foreach(dir IN LISTS test_dirs)
  get_filename_component(module ${dir} NAME)
  file(GLOB tests CONFIGURE_DEPENDS ${dir}/test_*.c)
  if(NOT tests OR NOT (TARGET weir_${module} OR module STREQUAL "fuzz"))
    continue()
  endif()
  set(declarations "")
  set(calls "")
  foreach(test IN LISTS tests)
    get_filename_component(name ${test} NAME_WE)
    string(APPEND declarations "int ${name}(void);\n")
    string(APPEND calls "    failed += ${name}();\n")
  endforeach()
  set(main ${CMAKE_BINARY_DIR}/tests/${module}_main.c)
  file(CONFIGURE OUTPUT ${main} CONTENT
"/* written by cmake/tests.cmake */
${declarations}
int main(void);
int main(void)
{
    int failed = 0;
${calls}    return failed == 0 ? 0 : 1;
}
")
  file(GLOB drivers CONFIGURE_DEPENDS ${dir}/fuzz_*.c) # of tests/fuzz: their seeds are tests
  add_executable(test_${module} ${tests} ${drivers} ${main})
  set_target_properties(test_${module} PROPERTIES
                        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_include_directories(test_${module} PRIVATE ${CMAKE_SOURCE_DIR}/tests ${dir}
                             ${CMAKE_SOURCE_DIR}/src/${module})
  target_compile_options(test_${module} PRIVATE ${WEIR_WARNINGS} -Wno-missing-prototypes)
  target_compile_definitions(test_${module} PRIVATE
                             WEIR_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  if(TARGET weir_test_support)
    target_link_libraries(test_${module} PRIVATE weir_test_support)
  endif()
  target_link_libraries(test_${module} PRIVATE ${WEIR_MODULE_LIBRARIES} PkgConfig::CMOCKA)
endforeach()

# An oracle for the splitters of tokenizers; its tests are skipped where it is not there.
pkg_check_modules(PCRE2 IMPORTED_TARGET libpcre2-8)
if(PCRE2_FOUND AND TARGET test_llm)
  target_compile_definitions(test_llm PRIVATE HAVE_PCRE2)
  target_link_libraries(test_llm PRIVATE PkgConfig::PCRE2)
endif()
