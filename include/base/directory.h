/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the names in a directory. Any thread. */
#ifndef BASE_DIRECTORY_H
#define BASE_DIRECTORY_H

#include <dirent.h>

/* As opendir(), closed by closedir(); NULL with errno. Through open(): opendir()'s own escapes the
 * thread sanitizer, which then takes the close for one of a number that another thread gave back. */
DIR *directory_open(const char *path);

#endif
