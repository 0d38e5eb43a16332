# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# Warnings for our own code, and the flags that must hold for every object of a build.

set(WEIR_WARNINGS -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
                  -Wvla -Werror)

add_compile_definitions(_GNU_SOURCE)
add_compile_options(-fno-common -fno-omit-frame-pointer)

if(WEIR_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
endif()
if(WEIR_TSAN)
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
endif()
if((WEIR_SANITIZE OR WEIR_TSAN) AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
  # With its own code around every access gcc sees reads where there are none; the release build keeps
  # the warning.
  list(APPEND WEIR_WARNINGS -Wno-maybe-uninitialized)
endif()
if(WEIR_COVERAGE)
  # Threads count too; lost counts would make gcov's sums come out wrong.
  add_compile_options(--coverage -fprofile-update=atomic)
  add_link_options(--coverage)
  # (gcov is gcc's.) At -O0 gcc does not know how long a text can be, and takes it for too long.
  list(APPEND WEIR_WARNINGS -Wno-format-truncation)
endif()
if(WEIR_FUZZ)
  # All our code tells libFuzzer which way it went; the drivers alone get its main (fuzz.cmake).
  if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "libFuzzer comes with clang: use the fuzz preset")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(WEIR_HARDEN)
  # The OpenSSF compiler hardening guide's list, as far as Debian 12's gcc and clang know it.
  add_compile_options(-U_FORTIFY_SOURCE -fstack-protector-strong -fstack-clash-protection
                      -fcf-protection=full -fno-delete-null-pointer-checks -fno-strict-overflow)
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-D_FORTIFY_SOURCE=3 -ftrivial-auto-var-init=zero)
  else()
    add_compile_options(-D_FORTIFY_SOURCE=2)
  endif()
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
