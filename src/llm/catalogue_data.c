/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* share/prices.json in the program; see cmake/share.cmake. */
#include "llm/catalogue.h"

extern const char catalogue_prices[];
extern const char catalogue_prices_end[];

__asm__(".pushsection .rodata.share, \"a\"\n"
        ".globl catalogue_prices\n"
        ".hidden catalogue_prices\n"
        ".type catalogue_prices, %object\n"
        "catalogue_prices:\n"
        ".incbin \"" WEIR_SHARE "/prices.json\"\n"
        ".globl catalogue_prices_end\n"
        ".hidden catalogue_prices_end\n"
        "catalogue_prices_end:\n"
        ".size catalogue_prices, . - catalogue_prices\n"
        ".byte 0\n"
        ".popsection\n");

struct span catalogue_shipped(void)
{
    return span_make(catalogue_prices, (size_t)(catalogue_prices_end - catalogue_prices));
}
