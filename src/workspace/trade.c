/* trade.c - durability trades in words and as JSON; see trade.h.
 *
 * What asynchronous commit can lose is PostgreSQL's documentation, "Asynchronous Commit": the WAL writer flushes every
 * wal_writer_delay, and because it favours whole pages when it is busy, the window is three times that. Nothing is corrupted: what
 * is lost are the newest commits, whole. commit_delay loses nothing; it makes commits wait for each other. fsync and
 * full_page_writes are no trades: without them a crash destroys, and the guard refuses both. */
#include "pgd/workspace/trade.h"

#include <math.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"
#include "pgd/workspace/export_parts.h"

enum { WRITER_CYCLES = 3, WRITER_DELAY_MS = 200, COMMIT_DELAY_US = 1000, COMMIT_SIBLINGS = 5 };

static void say_asynchronous(const struct server_facts *f, double tps, struct trade *t)
{
    const struct setting *standbys = settings_find(&f->settings, "synchronous_standby_names");
    double delay = settings_number(&f->settings, "wal_writer_delay");
    double window = WRITER_CYCLES * (delay > 0 ? delay : WRITER_DELAY_MS) / 1000;
    char many[64] = "";

    if (tps * window >= 1)
        snprintf(many, sizeof many, ", about %.0f at the measured rate", tps * window);
    snprintf(t->lost, sizeof t->lost,
             "a crash of the server can lose transactions that were confirmed in up to the last "
             "%.1f s (3 times wal_writer_delay%s); what is older is safe, and nothing is "
             "corrupted%s",
             window, many,
             standbys && standbys->value[0]
                 ? "; commits no longer wait for the standbys either, so a failover can lose as "
                   "many and more"
                 : "");
}

bool trade_at(int i, const struct server_facts *f, double tps, struct trade *out)
{
    memset(out, 0, sizeof *out);
    out->got.ratio = out->got.ci_lo = out->got.ci_hi = out->got.detectable = NAN;
    out->got.tps_a = out->got.tps_b = out->got.floor = NAN;
    if (i == 0) {
        text_copy(out->name, sizeof out->name, "synchronous_commit");
        text_copy(out->value, sizeof out->value, "off");
        say_asynchronous(f, tps, out);
    } else if (i == 1) {
        double siblings = settings_number(&f->settings, "commit_siblings");
        text_copy(out->name, sizeof out->name, "commit_delay");
        snprintf(out->value, sizeof out->value, "%d", COMMIT_DELAY_US);
        snprintf(out->lost, sizeof out->lost,
                 "a crash loses nothing; a commit waits up to %d ms longer while %.0f other "
                 "transactions or more are open (commit_siblings)",
                 COMMIT_DELAY_US / 1000, siblings >= 0 ? siblings : COMMIT_SIBLINGS);
    }
    return i >= 0 && i < TRADES_MAX;
}

void trade_text(const struct trade *t, struct buf *out)
{
    buf_printf(out, "%s = %s: ", t->name, t->value);
    if (t->skipped[0]) {
        buf_printf(out, "not measured (%s)", t->skipped);
        return;
    }
    export_effect(&t->got, out);
    if (t->got.kind != VERDICT_IMPROVED)
        buf_printf(out, ", %s", verdict_name(t->got.kind));
    if (t->got.kind == VERDICT_INCONCLUSIVE && isfinite(t->got.detectable))
        buf_printf(out, " (these runs would have shown %.1f %%)", t->got.detectable * 100);
    buf_printf(out, "; %s", t->lost);
}

static double figure(double v)
{
    return isfinite(v) ? round(v * 1e4) / 1e4 : (double)NAN;
}

static json_t *interval(const struct verdict *v)
{
    json_t *list;

    if (!isfinite(v->ci_lo) || !isfinite(v->ci_hi))
        return json_null();
    list = json_array();
    json_array_append_new(list, js_num(figure(v->ci_lo)));
    json_array_append_new(list, js_num(figure(v->ci_hi)));
    return list;
}

json_t *trade_list_json(const struct trade *list, int n)
{
    json_t *all = json_array();

    for (int i = 0; i < n; i++) {
        const struct trade *t = &list[i];
        json_t *j = json_object();
        json_object_set_new(j, "name", js_text(t->name));
        json_object_set_new(j, "value", js_text(t->value));
        json_object_set_new(j, "verdict",
                            t->got.kind ? json_string(verdict_name(t->got.kind)) : json_null());
        json_object_set_new(j, "effect", js_num(figure(t->got.ratio)));
        json_object_set_new(j, "ci95", interval(&t->got));
        json_object_set_new(j, "detectable", js_num(figure(t->got.detectable)));
        json_object_set_new(j, "runs", json_integer(t->got.runs_a + t->got.runs_b));
        json_object_set_new(j, "tps_before", js_num(figure(t->got.tps_a)));
        json_object_set_new(j, "tps_after", js_num(figure(t->got.tps_b)));
        json_object_set_new(j, "lost", js_text(t->lost));
        json_object_set_new(j, "skipped", t->skipped[0] ? js_text(t->skipped) : json_null());
        json_array_append_new(all, j);
    }
    return all;
}

static double positive(const json_t *j, double most)
{
    double v = json_is_number(j) ? json_number_value(j) : (double)NAN;

    return v > 0 && v < most ? v : (double)NAN;
}

static enum verdict_kind kind_of(const json_t *j)
{
    const char *name = json_string_value(json_object_get(j, "verdict"));

    for (int k = VERDICT_IMPROVED; name && k <= VERDICT_INCONCLUSIVE; k++)
        if (strcmp(name, verdict_name((enum verdict_kind)k)) == 0)
            return (enum verdict_kind)k;
    return VERDICT_NONE;
}

int trade_read(const json_t *list, struct trade *out)
{
    struct trade known;
    size_t i;
    json_t *j;
    int n = 0;

    json_array_foreach(list, i, j)
    {
        struct trade *t = &out[n];
        const json_t *ci = json_object_get(j, "ci95");
        double runs = js_get_num(j, "runs", 0);
        struct server_facts none = {0};
        if (n == TRADES_MAX)
            break;
        trade_at(0, &none, NAN, t); /* figures that are not there are NAN */
        t->lost[0] = t->name[0] = t->value[0] = '\0';
        if (!js_get_text(j, "name", t->name, sizeof t->name) ||
            !js_get_text(j, "value", t->value, sizeof t->value))
            continue;
        js_get_text(j, "lost", t->lost, sizeof t->lost);
        js_get_text(j, "skipped", t->skipped, sizeof t->skipped);
        t->got.kind = kind_of(j);
        t->got.ratio = positive(json_object_get(j, "effect"), 1e4);
        t->got.ci_lo = positive(json_array_get(ci, 0), 1e6);
        t->got.ci_hi = positive(json_array_get(ci, 1), 1e6);
        t->got.detectable = positive(json_object_get(j, "detectable"), 1e4);
        t->got.tps_a = positive(json_object_get(j, "tps_before"), 1e12);
        t->got.tps_b = positive(json_object_get(j, "tps_after"), 1e12);
        t->got.runs_a = (int)fmin(1000, fmax(0, runs)) / 2;
        t->got.runs_b = (int)fmin(1000, fmax(0, runs)) - t->got.runs_a;
        for (int k = 0; trade_at(k, &none, NAN, &known); k++)
            if (strcmp(known.name, t->name) == 0) { /* no other setting is one */
                n++;
                break;
            }
    }
    return n;
}

void trade_comment(const struct trade *list, int n, const char *mark, struct buf *out)
{
    struct buf text = {0};

    for (int i = 0; i < n; i++) {
        if (list[i].skipped[0])
            continue;
        text.len = 0;
        trade_text(&list[i], &text);
        export_comment(out, mark,
                       "durability trade, measured apart and not set: ", buf_text(&text));
    }
    buf_clear(&text);
}
