/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* weir keys new: a client key, shown once, and the YAML that lets it in. */
#include "app.h"
#include "options.h"

#include "crypto/digest.h"
#include "crypto/secret.h"

#include <stdio.h>
#include <string.h>

/* Ids and paths go into YAML as they are: plain words only. */
static bool plain(const char *text)
{
    return text[0] != '\0' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./") ==
               strlen(text);
}

static void print_key(const char *tenant, const char *id)
{
    char key[KEY_TEXT_SIZE];
    char made[64];
    char hex[SHA256_HEX_SIZE];
    uint8_t digest[SHA256_SIZE];
    key_generate(key);
    sha256(span_from_string(key), digest);
    hex_format(digest, sizeof digest, hex);
    if (id == NULL) {
        snprintf(made, sizeof made, "key-%.8s", hex);
        id = made;
    }
    printf("# The key, shown this once; only its hash is kept:\n%s\n\n", key);
    printf("# For the configuration:\ntenants:\n  %s:\n    keys:\n"
           "      - {id: %s, sha256: %s}\n",
           tenant, id, hex);
    secret_wipe(key, sizeof key);
}

int cmd_keys(int argc, char **argv)
{
    const char *tenant = NULL, *id = NULL;
    const struct option_spec specs[] = {{"--tenant", "-t", &tenant}, {"--id", NULL, &id}};
    if (argc < 2 || strcmp(argv[1], "new") != 0) {
        fprintf(stderr, "weir keys: the command is: weir keys new --tenant T [--id ID]\n");
        return 2;
    }
    if (!options_read(argc, argv, 2, specs, 2))
        return 2;
    if (tenant == NULL || !plain(tenant) || (id != NULL && !plain(id))) {
        fprintf(stderr, "weir keys: --tenant (and --id) take letters, digits and -_./\n");
        return 2;
    }
    print_key(tenant, id);
    return 0;
}
