# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# Third-party libraries, all from Debian 12 or 13 packages. Each is used by one module only
# (libuv and OpenSSL: two); cmake/modules.cmake says which.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(UV REQUIRED IMPORTED_TARGET libuv)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(SSL REQUIRED IMPORTED_TARGET libssl)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)

# llhttp: Debian 13 has a library; Debian 12's node-llhttp ships the generated C source, which
# must be built with strict mode (its header's default is off, which lets CVE-2023-30589 through).
find_library(LLHTTP_LIBRARY llhttp)
find_path(LLHTTP_INCLUDE llhttp.h PATHS /usr/include /usr/share/include/llhttp NO_DEFAULT_PATH)
if(NOT LLHTTP_INCLUDE)
  message(FATAL_ERROR "llhttp not found: apt install libllhttp-dev (Debian 13) or node-llhttp (12)")
endif()
if(LLHTTP_LIBRARY)
  add_library(llhttp INTERFACE)
  target_link_libraries(llhttp INTERFACE ${LLHTTP_LIBRARY})
  target_include_directories(llhttp SYSTEM INTERFACE ${LLHTTP_INCLUDE})
else()
  file(GLOB llhttp_sources /usr/share/llhttp/*.c)
  add_library(llhttp STATIC ${llhttp_sources})
  target_compile_definitions(llhttp PUBLIC LLHTTP_STRICT_MODE=1)
  target_include_directories(llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE})
  target_compile_options(llhttp PRIVATE -w)
endif()
