/* journal.c - reading the journal after a crash, and the records that are not about settings. The records
 * intent, applied, undone and stuck are written by tuning/apply (docs/journal.md). */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"
#include "pgd/protocol/summary.h"
#include "pgd/tuning/os.h"
#include "pgd/workspace/store.h"

static bool read_entry(const json_t *item, const char *key, struct entry *e)
{
    const json_t *j = json_object_get(item, key);
    const char *value = json_string_value(json_object_get(j, "value"));

    memset(e, 0, sizeof *e);
    if (!json_is_boolean(json_object_get(j, "present")) ||
        !js_get_text(item, "name", e->name, sizeof e->name))
        return false;
    e->present = js_get_bool(j, "present", false);
    /* byte by byte: it goes back to the server as it was */
    return (!e->present || (value && text_copy_raw(e->value, sizeof e->value, value))) &&
           os_entry_ok(e);
}

static bool intent(const json_t *j, struct journal_state *s)
{
    const json_t *items = json_object_get(j, "items");
    struct entry *before, *to;
    size_t i;
    json_t *item;
    int n = 0;
    bool ok = json_is_array(items) && json_array_size(items) <= LEDGER_MAX;

    if (!ok)
        return false;
    before = xcalloc(LEDGER_MAX, sizeof *before);
    to = xcalloc(LEDGER_MAX, sizeof *to);
    json_array_foreach(items, i, item)
    {
        ok = ok && read_entry(item, "before", &before[n]) && read_entry(item, "to", &to[n]);
        n++;
    }
    if (ok) {
        ledger_intent(&s->ledger, before, to, n);
        s->intents++;
        s->unfinished = true;
        s->unfinished_restart = js_get_bool(j, "restart", false);
        const char *by_hand = json_string_value(json_object_get(j, "by_hand"));
        s->unfinished_by_hand = by_hand != NULL;
        s->by_hand = by_hand && strcmp(by_hand, "change") == 0;
        js_get_text(j, "arm", s->unfinished_arm, sizeof s->unfinished_arm);
    }
    free(before);
    free(to);
    return ok;
}

static const char *const phases[] = {
    [LEFT_UNKNOWN] = "",
    [LEFT_PREPARE] = "preparation",
    [LEFT_BASELINE] = "baseline",
    [LEFT_TARGET] = "target",
    [LEFT_PROPOSAL] = "proposal",
    [LEFT_REVIEW] = "review",
    [LEFT_SCREENING] = "screening",
    [LEFT_ROUND] = "round",
    [LEFT_VERDICT] = "verdict",
    [LEFT_CONFIRM] = "confirmation",
    [LEFT_ABLATION] = "ablation",
    [LEFT_SMALLER] = "smaller set",
    [LEFT_BESIDE] = "comparison",
    [LEFT_TRADE] = "durability",
    [LEFT_KNEE] = "knee",
};
static const char *const doings[] = {
    [LEFT_RESTS] = "between", [LEFT_WARMS] = "warm-up", [LEFT_RUNS] = "run"};

static int word_of(const json_t *j, const char *key, const char *const *words, size_t n)
{
    char word[24];

    js_get_text(j, key, word, sizeof word);
    for (size_t i = 0; i < n; i++)
        if (strcmp(words[i], word) == 0)
            return (int)i;
    return 0;
}

static int count_of(const json_t *j, const char *key)
{
    int64_t v = js_get_int(j, key, 0);

    return v > 0 && v < 1000000 ? (int)v : 0;
}

static void step(const json_t *j, struct left_step *l)
{
    memset(l, 0, sizeof *l);
    l->phase = (enum left_phase)word_of(j, "phase", phases, ARRAY_LEN(phases));
    l->doing = (enum left_doing)word_of(j, "doing", doings, ARRAY_LEN(doings));
    l->round = count_of(j, "round");
    l->runs = count_of(j, "runs");
    l->needs = count_of(j, "needs");
    js_get_text(j, "arm", l->arm, sizeof l->arm);
}

/* The run that was under way has ended. */
static void ran(const json_t *j, struct journal_state *s)
{
    s->runs++;
    if (s->left.doing != LEFT_RUNS)
        return;
    s->left.doing = LEFT_RESTS;
    s->left.runs += js_get_bool(j, "valid", false);
}

static void checkpoint(const json_t *j, struct journal_state *s)
{
    char what[24];

    js_get_text(j, "what", what, sizeof what);
    if (strcmp(what, "baseline") == 0)
        s->left = (struct left_step){.phase = LEFT_TARGET};
    else if (strcmp(what, "round") == 0)
        s->left = (struct left_step){.phase = LEFT_VERDICT, .round = s->left.round};
    s->ended = strcmp(what, session_state_name(SESSION_ARCHIVED)) == 0 ? SESSION_ARCHIVED
               : strcmp(what, session_state_name(SESSION_FAILED)) == 0 ? SESSION_FAILED
                                                                       : SESSION_NONE;
}

static bool record(const json_t *j, struct journal_state *s)
{
    char kind[24];
    int64_t no = js_get_int(j, "no", 0);

    /* kinds that are not known are passed over; a version that changes known ones says so by its format */
    if (!js_get_text(j, "event", kind, sizeof kind) || js_get_int(j, "format", 1) > 1)
        return false;
    if (no > 0 && (uint64_t)no > s->last_no)
        s->last_no = (uint64_t)no;
    if (strcmp(kind, "intent") == 0)
        return intent(j, s);
    if (strcmp(kind, "applied") == 0) {
        ledger_applied(&s->ledger);
        s->applied++;
        s->unfinished = false;
    } else if (strcmp(kind, "undone") == 0) {
        ledger_undone(&s->ledger);
        s->undone++;
        s->unfinished = false;
    } else if (strcmp(kind, "bench") == 0) {
        ran(j, s);
    } else if (strcmp(kind, "step") == 0) {
        step(j, &s->left);
    } else if (strcmp(kind, "checkpoint") == 0) {
        checkpoint(j, s);
    }
    return true;
}

bool store_journal_replay(const char *text, size_t len, struct journal_state *s, struct err *e)
{
    int number = 0;

    memset(s, 0, sizeof *s);
    while (len > 0) {
        const char *end = memchr(text, '\n', len);
        struct err why = {0};
        if (!end)
            return true; /* a torn last line: it was never acknowledged */
        size_t n = (size_t)(end - text);
        number++;
        if (n > 0) {
            json_t *j = js_parse(text, n, &why);
            bool ok = j && record(j, s);
            json_decref(j);
            if (!ok) {
                err_set(e, ERR_FORMAT, "line %d of journal.jsonl is damaged", number);
                err_detail(e, "%s", why.msg[0] ? why.msg : "A record of that form is not known.");
                return err_hint(
                    e,
                    "The journal is left as it is; its \"undo\" texts are the SQL to run by hand.");
            }
        }
        text = end + 1;
        len -= n + 1;
    }
    return true;
}

void store_journal_bench(const struct bench_run *r, const char *arm_label, struct buf *out)
{
    struct line *l = line_new("bench");

    line_int(l, "run", r->number);
    line_text(l, "arm", arm_label);
    line_bool(l, "valid", r->valid);
    line_num(l, "tps", r->tps);
    line_num(l, "p95_ms", r->p95_ms);
    line_num(l, "failed", r->failed);
    line_int(l, "start_us", r->start_wall_us);
    line_num(l, "tps_pgbench", r->tps_pgbench);
    line_num(l, "checkpoint_s", r->checkpoint_s);
    line_bool(l, "contaminated", r->contaminated);
    line_text(l, "error", r->valid ? NULL : r->err.msg);
    line_finish(l, out);
    buf_putc(out, '\n');
}

void store_journal_step(const struct left_step *left, struct buf *out)
{
    struct line *l = line_new("step");

    line_text(l, "phase", phases[left->phase]);
    line_text(l, "doing", doings[left->doing]);
    line_int(l, "round", left->round);
    line_int(l, "runs", left->runs);
    line_int(l, "needs", left->needs);
    line_text(l, "arm", left->arm[0] ? left->arm : NULL);
    line_finish(l, out);
    buf_putc(out, '\n');
}

void store_journal_note(const char *event, const char *key, const char *value, struct buf *out)
{
    struct line *l = line_new(event);

    line_text(l, key, value);
    line_finish(l, out);
    buf_putc(out, '\n');
}

void store_run_csv(const struct bench_run *r, struct buf *out)
{
    buf_puts(out, "second,tps,latency_ms\n");
    for (int i = 0; i < r->nseries; i++) {
        buf_printf(out, "%d,%.1f,", i + 1, (double)r->series[i]);
        if (r->series_lat && isfinite(r->series_lat[i]))
            buf_printf(out, "%.3f", (double)r->series_lat[i]);
        buf_putc(out, '\n');
    }
}

void store_telemetry_csv(const struct collect *c, int seconds, struct buf *out)
{
    double *values;
    int n = seconds < SERIES_SECONDS ? seconds : SERIES_SECONDS;

    if (n < 1)
        return;
    values = xcalloc((size_t)n * METRIC_COUNT, sizeof *values);
    buf_puts(out, "second");
    for (int i = 0; i < METRIC_COUNT; i++) {
        int got = series_last(&c->series[i], n, values + i * n);
        for (int k = got; k < n; k++)
            values[i * n + k] = NAN;
        buf_printf(out, ",%s", metric_info((enum metric_id)i)->name);
    }
    buf_putc(out, '\n');
    for (int k = 0; k < n; k++) {
        buf_printf(out, "%d", k + 1);
        for (int i = 0; i < METRIC_COUNT; i++) {
            if (isnan(values[i * n + k]))
                buf_putc(out, ',');
            else
                buf_printf(out, ",%g", values[i * n + k]);
        }
        buf_putc(out, '\n');
    }
    free(values);
}
