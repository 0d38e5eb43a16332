# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# share/ in the program: src/llm/tokens_data.c includes the files with the assembler. Without link
# time optimisation, which would move the symbols away from those who name them.

file(GLOB share_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/share/*/*.bin)
set_source_files_properties(${CMAKE_SOURCE_DIR}/src/llm/tokens_data.c PROPERTIES
                            COMPILE_DEFINITIONS "WEIR_SHARE=\"${CMAKE_SOURCE_DIR}/share\""
                            COMPILE_OPTIONS "-fno-lto"
                            OBJECT_DEPENDS "${share_files}")

set_source_files_properties(${CMAKE_SOURCE_DIR}/src/llm/catalogue_data.c PROPERTIES
                            COMPILE_DEFINITIONS "WEIR_SHARE=\"${CMAKE_SOURCE_DIR}/share\""
                            COMPILE_OPTIONS "-fno-lto"
                            OBJECT_DEPENDS "${CMAKE_SOURCE_DIR}/share/prices.json")
