/* guard_value() and the review that stands on it, fed with anything: the first byte picks a setting, the rest is the value.
 * What is taken must be plain, within the server's range, and read back as itself. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/tuning/guard.h"

/* clang-format off */
static const struct setting settings[] = {
    {.name = "autovacuum_vacuum_cost_delay", .unit = "ms", .vartype = "real", .min = "-1", .max = "100", .context = "sighup"},
    {.name = "checkpoint_timeout", .unit = "s", .vartype = "integer", .min = "30", .max = "86400", .context = "sighup"},
    {.name = "fsync", .vartype = "bool", .context = "sighup", .value = "on"},
    {.name = "io_combine_limit", .unit = "8kB", .vartype = "integer", .min = "1", .max = "32", .context = "user"},
    {.name = "jit", .vartype = "bool", .context = "user", .value = "on"},
    {.name = "log_rotation_age", .unit = "min", .vartype = "integer", .min = "0", .max = "35791394", .context = "sighup"},
    {.name = "max_wal_size", .unit = "MB", .vartype = "integer", .min = "2", .max = "2147483647", .context = "sighup"},
    {.name = "random_page_cost", .vartype = "real", .min = "0", .max = "1.79769e+308", .context = "user"},
    {.name = "shared_buffers", .unit = "8kB", .vartype = "integer", .min = "16", .max = "1073741823", .context = "postmaster"},
    {.name = "synchronous_commit", .vartype = "enum", .enumvals = "{local,remote_write,remote_apply,on,off}", .context = "user"},
    {.name = "transaction_isolation", .vartype = "enum", .enumvals = "{serializable,\"repeatable read\",\"\"}", .context = "user"},
    {.name = "wal_buffers", .unit = "8kB", .vartype = "integer", .min = "-1", .max = "262143", .context = "postmaster"},
    {.name = "work_mem", .unit = "kB", .vartype = "integer", .min = "64", .max = "2147483647", .context = "user", .value = "4096"},
    {.name = "zero_string", .vartype = "string", .context = "user"},
};
/* clang-format on */

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void check_taken(const struct setting *s, const char *shown, double number)
{
    char again[SETTING_VALUE_MAX];
    double same;
    for (const char *p = shown; *p; p++)
        require(*p >= 0x20 && *p < 0x7f && *p != '\'' && *p != '"' && *p != '\\' && *p != ';');
    if (strcmp(s->vartype, "integer") != 0 && strcmp(s->vartype, "real") != 0)
        return;
    require(isfinite(number));
    double lo;
    double hi;
    require(text_double(s->min, &lo) && text_double(s->max, &hi));
    require(number >= fmin(lo, 0));
    if (strcmp(s->vartype, "integer") == 0) {
        require(guard_value(s, shown, &same, again, sizeof again, NULL));
        require(same == number && strcmp(again, shown) == 0);
    }
}

static void check_review(const struct setting *s, const char *text)
{
    struct server_facts *f = xcalloc(1, sizeof *f);
    struct review *r = xcalloc(1, sizeof *r);
    struct proposal *p = xcalloc(1, sizeof *p);
    struct guard_policy g = {
        .restart_possible = true, .peak_active = NAN, .clients = 8, .allow_durability = true};
    f->settings.n = (int)ARRAY_LEN(settings);
    f->settings.items = xmalloc(sizeof settings);
    memcpy(f->settings.items, settings, sizeof settings);
    f->id.version_num = 180000;
    f->host.known = true;
    f->host.mem_total = 17179869184.0;
    p->n = 2;
    /* Once as the value, once as the name. */
    text_copy_raw(p->changes[0].name, SETTING_NAME_MAX, s->name);
    text_copy_raw(p->changes[0].value, SETTING_VALUE_MAX, text);
    text_copy_raw(p->changes[1].name, SETTING_NAME_MAX, text);
    text_copy_raw(p->changes[1].value, SETTING_VALUE_MAX, "on");
    guard_review(p, f, &g, r);
    review_accept_safe(r, true);
    guard_bill(r, f, &g);
    for (int i = 0; i < r->n; i++) {
        const struct review_line *l = &r->lines[i];
        if (l->refusal == REFUSE_NONE)
            require(guard_send(l->change.name, l->send, NULL));
        else
            require(*l->reason && (!*l->sql || l->by_bill));
    }
    free(f->settings.items);
    free(f);
    free(r);
    free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 4096)
        return 0;
    const struct setting *s = &settings[data[0] % ARRAY_LEN(settings)];
    char *text = xmalloc(size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    char shown[SETTING_VALUE_MAX];
    double number;
    struct err e;
    err_clear(&e);
    if (guard_value(s, text, &number, shown, sizeof shown, &e))
        check_taken(s, shown, number);
    else
        require(e.code == ERR_REFUSED && *e.msg);
    if (guard_send(text, text, NULL))
        require(text_is_ident(text));
    check_review(s, text);
    free(text);
    return 0;
}
