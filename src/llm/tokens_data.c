/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of share/ as read-only data: their pages come from the program's file when they are
 * first read, so a vocabulary that is not used takes no memory. cmake/share.cmake gives the folder,
 * and builds this file again when one of them changes.
 */
#include "tokens_data.h"

#define EMBED(NAME, FILE)                             \
    __asm__(".pushsection .rodata.share, \"a\"\n"     \
            ".balign 64\n"                            \
            ".globl " #NAME "\n"                      \
            ".hidden " #NAME "\n"                     \
            ".type " #NAME ", %object\n" #NAME ":\n"  \
            ".incbin \"" WEIR_SHARE "/" FILE "\"\n"   \
            ".globl " #NAME "_end\n"                  \
            ".hidden " #NAME "_end\n" #NAME "_end:\n" \
            ".size " #NAME ", . - " #NAME "\n"        \
            ".byte 0\n"                               \
            ".popsection\n")

EMBED(tokens_cl100k_base, "tokens/cl100k_base.bin");
EMBED(tokens_o200k_base, "tokens/o200k_base.bin");
EMBED(tokens_unicode_classes, "unicode/classes.bin");
EMBED(tokens_nfc_status, "unicode/nfc_status.bin");
EMBED(tokens_nfc_decompose, "unicode/nfc_decompose.bin");
EMBED(tokens_nfc_compose, "unicode/nfc_compose.bin");
