# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# weir_modules(NAME...): one static library for each folder src/NAME, lowest layer first. A module
# may link every module named before it; that it includes none of its own layer is
# scripts/check_layers.py's to say.

set(WEIR_LIBS_base Threads::Threads m)
set(WEIR_LIBS_loop PkgConfig::UV)
set(WEIR_LIBS_wire llhttp PkgConfig::CJSON PkgConfig::ZLIB)
set(WEIR_LIBS_crypto PkgConfig::CRYPTO)
set(WEIR_LIBS_net PkgConfig::UV PkgConfig::SSL)
set(WEIR_LIBS_upstream PkgConfig::CURL)
set(WEIR_LIBS_ledger PkgConfig::SQLITE)
set(WEIR_LIBS_config PkgConfig::YAML)

function(weir_modules)
  set(below "")
  foreach(module IN LISTS ARGN)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${module}/*.c)
    if(sources)
      add_library(weir_${module} STATIC ${sources})
      target_include_directories(weir_${module} PUBLIC ${CMAKE_SOURCE_DIR}/include
                                 PRIVATE ${CMAKE_SOURCE_DIR}/src/${module})
      target_compile_options(weir_${module} PRIVATE ${WEIR_WARNINGS})
      target_link_libraries(weir_${module} PUBLIC ${below} ${WEIR_LIBS_${module}})
      list(PREPEND below weir_${module})
    endif()
  endforeach()
  set(WEIR_MODULE_LIBRARIES ${below} PARENT_SCOPE)
endfunction()
