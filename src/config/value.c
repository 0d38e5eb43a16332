/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers with units, dates and names. YAML's own types are not used: it would read 0.15 as a
 * double, 010 as eight and 1:30 as ninety, and our own units as text anyhow.
 */
#include "value.h"

#include "base/clock.h"
#include "base/money.h"
#include "node.h"
#include "wire/url.h"

#include <arpa/inet.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t factor;
};

/* Digits at the start. */
static size_t digits_length(struct span text)
{
    size_t len = 0;
    while (len < text.len && text.ptr[len] >= '0' && text.ptr[len] <= '9')
        len++;
    return len;
}

/* Digits and one of the units (the list ends in a NULL name). */
static bool with_unit(struct span text, const struct unit *units, int64_t *out)
{
    uint64_t number;
    size_t len = digits_length(text);
    if ((len > 1 && text.ptr[0] == '0') || !span_to_u64(span_make(text.ptr, len), &number))
        return false;
    for (const struct unit *unit = units; unit->name != NULL; unit++) {
        int64_t product;
        if (!span_equal(span_from(text, len), span_from_string(unit->name)))
            continue;
        if (__builtin_mul_overflow(number, unit->factor, &product))
            return false;
        *out = product;
        return true;
    }
    return false;
}

bool value_count(struct span text, int64_t *out)
{
    static const struct unit units[] = {{"", 1}, {"k", 1000}, {"M", 1000000}, {NULL, 0}};
    return with_unit(text, units, out);
}

bool value_size(struct span text, int64_t *bytes)
{
    static const struct unit units[] = {{"", 1},          {"k", 1000},      {"M", 1000000},
                                        {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
                                        {NULL, 0}};
    return with_unit(text, units, bytes);
}

bool value_duration(struct span text, int64_t *ms)
{
    static const struct unit units[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                        {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
    return with_unit(text, units, ms);
}

bool value_usd(struct span text, int64_t *nusd)
{
    int64_t factor = span_ends_with(text, SPAN("k")) ? 1000 : 1;
    int64_t value;
    int64_t product;
    if (span_ends_with(text, SPAN("M")))
        factor = 1000000;
    if (factor > 1)
        text.len--;
    if (!money_parse_nusd(text, &value) || __builtin_mul_overflow(value, factor, &product))
        return false;
    *nusd = product;
    return true;
}

bool value_percent(struct span text, int64_t *millionths)
{
    /* As money a percent is 10^9 units, so a ten-thousandth of it is 10^5. */
    const int64_t ten_thousandth = NUSD_PER_USD / 10000;
    int64_t value;
    if (!span_ends_with(text, SPAN("%")) ||
        !money_parse_nusd(span_make(text.ptr, text.len - 1), &value) || value % ten_thousandth != 0)
        return false;
    *millionths = value / ten_thousandth;
    return true;
}

bool value_date(struct span text, int64_t *wall_ns)
{
    uint64_t year;
    uint64_t month;
    uint64_t day;
    if (text.len != strlen("YYYY-MM-DD") || text.ptr[4] != '-' || text.ptr[7] != '-' ||
        !span_to_u64(span_make(text.ptr, 4), &year) ||
        !span_to_u64(span_make(text.ptr + 5, 2), &month) ||
        !span_to_u64(span_make(text.ptr + 8, 2), &day))
        return false;
    /* 64 bits of nanoseconds end in 2262. */
    if (year < 1970 || year > 2200 || month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    struct civil date = {(int)year, (int)month, (int)day};
    int64_t days = civil_to_days(date);
    struct civil back = civil_from_days(days);
    if (back.month != date.month || back.day != date.day)
        return false; /* 30 February */
    *wall_ns = days * 86400 * NS_PER_S;
    return true;
}

bool value_bool(struct span text, bool *out)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (span_equal_nocase(text, span_from_string(words[i]))) {
            *out = i % 2 == 1;
            return true;
        }
    }
    return false;
}

static bool all_of(struct span text, bool (*is_good)(char c))
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_good(text.ptr[i]))
            return false;
    return true;
}

/* Neither space nor anything beyond ASCII: such names go into headers and labels as they are. */
static bool is_visible(char c)
{
    return c > 0x20 && c < 0x7f;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("._-@:+", c) != NULL);
}

static bool is_model_char(char c)
{
    return is_visible(c) && strchr("\"'\\", c) == NULL;
}

bool value_is_name(struct span text)
{
    return text.len > 0 && text.len <= VALUE_NAME_MAX && all_of(text, is_name_char);
}

bool value_is_path(struct span text)
{
    if (text.len > VALUE_NAME_MAX || span_ends_with(text, SPAN("/")))
        return false;
    struct span name;
    do {
        text = span_cut(text, '/', &name);
        if (!value_is_name(name))
            return false;
    } while (text.len > 0);
    return true;
}

bool value_is_model(struct span text)
{
    return text.len > 0 && text.len <= VALUE_NAME_MAX && all_of(text, is_model_char);
}

bool value_is_visible(struct span text)
{
    return all_of(text, is_visible);
}

/* ---- addresses ---- */

#define HOST_SIZE 64

/* The host as a string; empty when it is too long for an address. */
static void host_text(struct span host, char out[HOST_SIZE])
{
    if (span_equal_nocase(host, SPAN("localhost")))
        host = SPAN("127.0.0.1");
    size_t len = host.len < HOST_SIZE ? host.len : 0;
    if (len > 0)
        memcpy(out, host.ptr, len);
    out[len] = '\0';
}

bool value_is_loopback(struct span host)
{
    char text[HOST_SIZE];
    struct in_addr v4;
    struct in6_addr v6;
    host_text(host, text);
    if (inet_pton(AF_INET, text, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

const char *value_address(struct span text, struct arena *arena, bool *is_loopback)
{
    struct span host;
    uint16_t port;
    char name[HOST_SIZE];
    struct in6_addr any;
    if (!address_parse(text, &host, &port))
        return NULL;
    host_text(host, name);
    bool is_v6 = inet_pton(AF_INET6, name, &any) == 1;
    if (!is_v6 && inet_pton(AF_INET, name, &any) != 1)
        return NULL;
    *is_loopback = value_is_loopback(host);
    struct span address = arena_printf(arena, is_v6 ? "[%s]:%u" : "%s:%u", name, (unsigned)port);
    ASSERT(address.ptr != NULL);
    return address.ptr;
}
