/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The files of share/ in the program (tokens_data.c). */
#ifndef LLM_TOKENS_DATA_H
#define LLM_TOKENS_DATA_H

/* share/tokens/NAME.bin: each token's length in a byte, then its bytes. */
extern const unsigned char tokens_cl100k_base[];
extern const unsigned char tokens_cl100k_base_end[];
extern const unsigned char tokens_o200k_base[];
extern const unsigned char tokens_o200k_base_end[];

/* share/unicode/nfc_*.bin: see tokens_nfc.c. (classes.bin is declared in tokens_class.h.) */
extern const unsigned char tokens_nfc_status[];
extern const unsigned char tokens_nfc_decompose[];
extern const unsigned char tokens_nfc_decompose_end[];
extern const unsigned char tokens_nfc_compose[];
extern const unsigned char tokens_nfc_compose_end[];

#endif
