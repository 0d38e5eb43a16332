/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Which list it is, and what reading any of them needs. */
#include "price_import_private.h"

#include <stdarg.h>
#include <stdio.h>

#define SCRATCH_CAP ((size_t)64 << 20)

/* ---- values ---- */

void import_note(struct importing *importing, const char *format, ...)
{
    char what[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    struct span key = arena_printf(&importing->scratch, "%.*s/%.*s", SPAN_ARG(importing->provider),
                                   SPAN_ARG(importing->model));
    importing->notes->note(importing->notes->context, key, what);
}

struct value import_get(struct value object, const char *key)
{
    struct span name;
    struct value value;
    size_t at = 0;
    while (object.type == JSON_OBJECT &&
           json_walk(object.text, &at, &name, &value.text, &value.type))
        if (span_equal(name, span_from_string(key)))
            return value;
    return (struct value){.type = JSON_NULL};
}

/* What a price file may hold as a text. */
static bool is_text(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    return text.len > 0;
}

struct span import_string(struct importing *importing, struct value value)
{
    if (value.type != JSON_STRING)
        return SPAN_NONE;
    struct span text = json_decode_string(value.text, &importing->scratch);
    return is_text(text) ? text : SPAN_NONE;
}

int64_t import_tokens(struct value value)
{
    int64_t tokens;
    if (!import_decimal(value, 0, &tokens) || tokens > CATALOGUE_TOKENS_MAX)
        return 0;
    return tokens;
}

/* ---- decimals ---- */

#define DIGITS_MAX 15 /* what a double keeps of a decimal, whatever it is */

/* digits × 10^exponent */
struct decimal {
    int64_t digits;
    int64_t exponent;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The mantissa, whose grammar the scan has checked; returns where the exponent begins. */
static size_t read_mantissa(struct span text, struct decimal *decimal)
{
    size_t i = 0;
    int kept = 0;
    bool fraction = false;
    bool round_up = false;
    for (; i < text.len && (is_digit(text.ptr[i]) || text.ptr[i] == '.'); i++) {
        int digit = text.ptr[i] - '0';
        if (text.ptr[i] == '.') {
            fraction = true;
            continue;
        }
        if (kept < DIGITS_MAX) {
            decimal->digits = decimal->digits * 10 + digit;
            kept += decimal->digits > 0;
            decimal->exponent -= fraction;
            continue;
        }
        round_up |= kept++ == DIGITS_MAX && digit >= 5;
        decimal->exponent += !fraction;
    }
    decimal->digits += round_up;
    return i;
}

static bool read_decimal(struct span text, struct decimal *decimal)
{
    *decimal = (struct decimal){0, 0};
    size_t i = read_mantissa(text, decimal);
    if (i == 0 || i == text.len)
        return i > 0;
    struct span digits = span_from(text, i + 1);
    bool negative = digits.len > 0 && digits.ptr[0] == '-';
    if (digits.len > 0 && (digits.ptr[0] == '-' || digits.ptr[0] == '+'))
        digits = span_from(digits, 1);
    uint64_t exponent;
    if (!span_to_u64(digits, &exponent) || exponent > 400)
        return false;
    decimal->exponent += negative ? -(int64_t)exponent : (int64_t)exponent;
    return true;
}

bool import_decimal(struct value value, int power, int64_t *out)
{
    struct decimal decimal;
    if (value.type != JSON_NUMBER || !read_decimal(value.text, &decimal))
        return false;
    int64_t number = decimal.digits;
    int64_t exponent = decimal.exponent + power;
    for (; exponent > 0 && number > 0; exponent--)
        if (__builtin_mul_overflow(number, (int64_t)10, &number))
            return false;
    bool finer = false;
    for (; exponent < 0 && number > 0; exponent++) {
        finer |= number % 10 != 0;
        number /= 10;
    }
    *out = number + finer;
    return true;
}

/* ---- prices under way ---- */

void draft_init(struct price_draft *draft)
{
    *draft = (struct price_draft){.base = price_rates_unknown()};
}

/* NULL when there are too many steps, which the draft remembers. */
static struct price_rates *draft_rates(struct price_draft *draft, int64_t above_tokens)
{
    size_t i = 0;
    if (above_tokens == 0)
        return &draft->base;
    while (i < draft->step_count && draft->steps[i].above_tokens < above_tokens)
        i++;
    if (i < draft->step_count && draft->steps[i].above_tokens == above_tokens)
        return &draft->steps[i].rates;
    if (draft->step_count == DRAFT_STEPS) {
        draft->overflowed = true;
        return NULL;
    }
    memmove(&draft->steps[i + 1], &draft->steps[i],
            (draft->step_count - i) * sizeof(draft->steps[0]));
    draft->step_count++;
    draft->steps[i] =
        (struct price_step){.above_tokens = above_tokens, .rates = price_rates_unknown()};
    return &draft->steps[i].rates;
}

void draft_set(struct price_draft *draft, int64_t above_tokens, size_t rate, int64_t pusd)
{
    struct price_rates *rates = draft_rates(draft, above_tokens);
    if (rates != NULL)
        *rate_at(rates, rate) = pusd;
}

static bool is_within(const struct price_rates *rates)
{
    for (size_t i = 0; i < PRICE_KINDS; i++)
        if (price_rate_of(rates, &price_kinds[i]) > CATALOGUE_PUSD_MAX)
            return false;
    return true;
}

bool draft_finish(struct importing *importing, const struct price_draft *draft, struct price *price)
{
    struct price_rates rates = draft->base;
    if (rates.input_pusd == PRICE_NOT_GIVEN) {
        import_note(importing, "left out: no price for input tokens");
        return false;
    }
    if (draft->overflowed || draft->step_count > PRICE_MAX_STEPS) {
        import_note(importing, "left out: more than %d long-context steps", PRICE_MAX_STEPS);
        return false;
    }
    if (rates.output_pusd == PRICE_NOT_GIVEN)
        rates.output_pusd = rates.input_pusd;
    price->known = true;
    price->step_count = draft->step_count;
    price->rates = rates;
    price_rates_complete(&price->rates);
    bool within = is_within(&price->rates);
    for (size_t i = 0; i < draft->step_count; i++) {
        for (size_t k = 0; k < PRICE_KINDS; k++) {
            int64_t own = price_rate_of(&draft->steps[i].rates, &price_kinds[k]);
            if (own != PRICE_NOT_GIVEN)
                *price_rate(&rates, &price_kinds[k]) = own;
        }
        price->steps[i] = (struct price_step){draft->steps[i].above_tokens, rates};
        price_rates_complete(&price->steps[i].rates);
        within = within && is_within(&rates);
    }
    if (!within || price->per_request_nusd > CATALOGUE_NUSD_MAX ||
        price->web_search_nusd > CATALOGUE_NUSD_MAX) {
        import_note(importing, "left out: a price that is no price, over a dollar a token");
        return false;
    }
    if (price_is_free(price)) {
        import_note(importing, "left out: every price is 0, which may mean that it is not known");
        return false;
    }
    return true;
}

/* Readers of the file refuse a second one. */
static bool is_known(const struct catalogue_provider *provider, struct span model)
{
    const struct catalogue_entry *end =
        provider->last_entry != NULL ? provider->last_entry->next : NULL;
    for (const struct catalogue_entry *entry = provider->first_entry; entry != end;
         entry = entry->next)
        if (span_equal(entry->model, model))
            return true;
    return false;
}

struct catalogue_provider *import_provider(struct importing *importing, struct span id)
{
    importing->provider = id;
    importing->model = SPAN_NONE;
    if (!is_text(id) || catalogue_provider(importing->catalogue, id) != NULL) {
        import_note(importing, "left out: a provider without an id of its own");
        return NULL;
    }
    return catalogue_add_provider(importing->catalogue, id);
}

void import_add(struct importing *importing, struct catalogue_entry from,
                const struct price_period *periods, size_t count, const struct clause *match)
{
    struct arena *arena = &importing->catalogue->arena;
    if (!is_text(importing->model)) {
        import_note(importing, "left out: its name is no text");
        return;
    }
    if (is_known(importing->catalogue->last_provider, importing->model)) {
        import_note(importing, "left out: the second of that name");
        return;
    }
    struct catalogue_entry *entry = ARENA_NEW(arena, struct catalogue_entry);
    struct price_period *copy = arena_array(arena, count, sizeof(*copy));
    if (entry == NULL || copy == NULL)
        return; /* the arena remembers */
    memcpy(copy, periods, count * sizeof(*copy));
    *entry = from;
    entry->model = arena_copy(arena, importing->model);
    entry->prices = (struct price_schedule){copy, count};
    entry->match = match != NULL ? match : clause_new(arena, CLAUSE_EQUALS, entry->model);
    catalogue_add_entry(importing->catalogue, entry);
}

/* ---- which list it is ---- */

static struct value first_member(struct value object)
{
    struct span key;
    struct value value = {.type = JSON_NULL};
    size_t at = 0;
    return json_walk(object.text, &at, &key, &value.text, &value.type)
               ? value
               : (struct value){.type = JSON_NULL};
}

static void (*reader_for(struct value root))(struct importing *, struct value)
{
    struct value first = {.type = JSON_NULL};
    if (root.type == JSON_ARRAY || root.type == JSON_OBJECT)
        first = first_member(root);
    if (root.type == JSON_ARRAY && import_get(first, "models").type == JSON_ARRAY)
        return import_genai;
    if (root.type == JSON_OBJECT && import_get(first, "models").type == JSON_OBJECT)
        return import_models_dev;
    if (root.type == JSON_OBJECT && import_get(first, "litellm_provider").type == JSON_STRING)
        return import_litellm;
    return NULL;
}

static struct catalogue *refuse(struct importing *importing, struct catalogue_fault *fault,
                                const char *what)
{
    *fault = (struct catalogue_fault){.line = 1, .column = 1};
    snprintf(fault->what, sizeof(fault->what), "%s", what);
    catalogue_free(&importing->catalogue);
    return NULL;
}

static struct catalogue *import_root(struct importing *importing, struct value root,
                                     struct catalogue_fault *fault)
{
    void (*read)(struct importing *, struct value) = reader_for(root);
    if (read == NULL)
        return refuse(importing, fault,
                      "this is no price list of genai-prices, LiteLLM, models.dev or Weir");
    read(importing, root);
    if (arena_failed(&importing->catalogue->arena) || arena_failed(&importing->scratch))
        return refuse(importing, fault, "the file is too large");
    if (catalogue_first(importing->catalogue) == NULL)
        return refuse(importing, fault, "there is no price in this file");
    return importing->catalogue;
}

/* A place in the file, counted as catalogue_new does. */
static void place(struct span text, size_t offset, const char *what, struct catalogue_fault *fault)
{
    *fault = (struct catalogue_fault){.line = 1, .column = 1};
    for (size_t i = 0; i < offset && i < text.len; i++) {
        fault->column++;
        if (text.ptr[i] == '\n') {
            fault->line++;
            fault->column = 1;
        }
    }
    snprintf(fault->what, sizeof(fault->what), "%s", what);
}

struct catalogue *price_import(struct span text, const struct import_notes *notes,
                               struct catalogue_fault *fault)
{
    struct importing importing = {.notes = notes};
    struct json_object root;
    struct json_fault wrong;
    struct catalogue *catalogue = NULL;
    arena_init(&importing.scratch, SCRATCH_CAP);
    if (text.len > CATALOGUE_TEXT_MAX) {
        place(text, 0, "the file is too large", fault);
    } else if (!json_scan(text, &importing.scratch, &root, &wrong)) {
        place(text, wrong.offset, wrong.what, fault);
    } else if (root.type == JSON_OBJECT && json_member(&root, SPAN("format")) != NULL) {
        catalogue = catalogue_new(text, fault);
    } else {
        importing.catalogue = catalogue_make();
        catalogue = import_root(&importing, (struct value){root.text, root.type}, fault);
    }
    arena_fini(&importing.scratch);
    return catalogue;
}
