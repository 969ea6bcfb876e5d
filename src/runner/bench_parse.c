/* What pgbench 12 to 18 prints and logs. The formats differ a little between versions: a line is
 * recognized by its words, what is missing stays zero, and numbers are read without the locale. */
#include "pgd/runner/bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"

/* The number that s begins with. "nan" and "-nan" (0 transactions in old versions) are NAN;
 * false when it is none. */
static bool number_at(const char *s, double *out)
{
    char digits[48];
    s += strspn(s, " \t");
    size_t n = strspn(s, "0123456789.+-eE");
    const char *word = s + (*s == '-');
    if (strncmp(word, "nan", 3) == 0 || strncmp(word, "inf", 3) == 0) {
        *out = NAN;
        return true;
    }
    if (n == 0 || n >= sizeof digits)
        return false;
    memcpy(digits, s, n);
    digits[n] = '\0';
    return text_double(digits, out);
}

/* The number before a word: " tps" in "1419.9 tps". */
static double number_before(const char *line, const char *word, double otherwise)
{
    const char *at = strstr(line, word);
    if (at == NULL)
        return otherwise;
    const char *start = at;
    while (start > line && strchr("0123456789.+-eEna", start[-1]))
        start--;
    double d;
    return start < at && number_at(start, &d) ? d : otherwise;
}

static double number_after(const char *line, const char *word, double otherwise)
{
    const char *at = strstr(line, word);
    double d;
    return at && number_at(at + strlen(word), &d) ? d : otherwise;
}

bool bench_parse_progress(const char *line, struct progress *p)
{
    static const char start[] = "progress: ";
    *p = (struct progress){0};
    if (strncmp(line, start, sizeof start - 1) != 0)
        return false;
    if (!number_at(line + sizeof start - 1, &p->at_s) || !isfinite(p->at_s))
        return false;
    p->tps = number_before(line, " tps", NAN);
    if (!(p->tps >= 0 && p->tps < 1e12))
        return false;
    p->lat_ms = number_after(line, "lat ", NAN);
    p->sd_ms = number_after(line, "stddev ", NAN);
    p->failed = number_before(line, " failed", 0);
    p->lag_ms = number_after(line, "lag ", 0);
    p->skipped = number_before(line, " skipped", 0);
    return true;
}

/* Copies the next line, cut where it is absurdly long, and returns what follows; NULL at the
 * end. */
static const char *next_line(const char *text, char *line, size_t size)
{
    if (*text == '\0')
        return NULL;
    size_t n = strcspn(text, "\n");
    size_t keep = n < size ? n : size - 1;
    memcpy(line, text, keep);
    line[keep] = '\0';
    return text + n + (text[n] == '\n');
}

static bool starts(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

static double count_after(const char *line, const char *word)
{
    double d = number_after(line, word, 0);
    return d > 0 ? d : 0;
}

/* Lines of single scripts begin with " - ": only what stands at the left margin is about the
 * whole run. */
static void summary_line(const char *line, struct bench_run *r, bool *have_tps)
{
    if (starts(line, "number of transactions actually processed: "))
        r->transactions = count_after(line, "processed: ");
    else if (starts(line, "number of failed transactions: "))
        r->failed = count_after(line, "transactions: ");
    else if (starts(line, "number of transactions skipped: "))
        r->skipped = count_after(line, "skipped: ");
    else if (starts(line, "duration: "))
        r->secs = number_after(line, "duration: ", r->secs);
    else if (starts(line, "latency average"))
        r->lat_avg_ms = number_after(line, "= ", NAN);
    else if (starts(line, "latency stddev"))
        r->lat_sd_ms = number_after(line, "= ", NAN);
    else if (starts(line, "tps = ") && !strstr(line, "(including connections")) {
        r->tps = number_after(line, "tps = ", NAN);
        *have_tps = true;
    }
}

bool bench_parse_summary(const char *text, struct bench_run *r, struct err *e)
{
    char line[512];
    bool have_tps = false;
    bool processed = strstr(text, "number of transactions actually processed: ") != NULL;
    r->tps = r->lat_avg_ms = r->lat_sd_ms = NAN;
    r->transactions = r->failed = r->skipped = 0;
    while ((text = next_line(text, line, sizeof line)) != NULL)
        summary_line(line, r, &have_tps);
    if (!processed) {
        err_set(e, ERR_FORMAT, "pgbench printed no summary");
        return err_detail(e, "The line with the number of transactions is missing.");
    }
    if (r->transactions <= 0 || (have_tps && !(r->tps > 0))) {
        r->tps = 0;
        err_set(e, ERR_CHILD, "no transaction finished in the run");
        err_detail(e, "%.0f transactions failed.", r->failed);
        return err_hint(e, "A run must be longer than its longest transaction.");
    }
    if (!have_tps || !isfinite(r->tps) || r->tps > 1e12) {
        err_set(e, ERR_FORMAT, "pgbench printed no rate");
        return err_detail(e, "The line that begins with \"tps = \" is missing.");
    }
    double secs = r->transactions / r->tps; /* as measured; "duration" is what was asked for */
    r->secs = isfinite(secs) ? secs : r->secs;
    return true;
}

int bench_parse_version(const char *text)
{
    const char *at = strstr(text, "(PostgreSQL) ");
    if (at == NULL)
        return 0;
    at += strlen("(PostgreSQL) ");
    int major = 0;
    int minor = 0;
    size_t n = strspn(at, "0123456789");
    if (n == 0 || n > 3)
        return 0;
    for (size_t i = 0; i < n; i++)
        major = major * 10 + (at[i] - '0');
    if (at[n] == '.') { /* "18beta1" and "19devel" have none */
        at += n + 1;
        n = strspn(at, "0123456789");
        for (size_t i = 0; i < n && i < 4; i++)
            minor = minor * 10 + (at[i] - '0');
    }
    return major * 10000 + minor;
}

/* ---- the transaction log ---- */

static int class_of(double us)
{
    if (!(us > 1))
        return 0;
    double c = log(us) / log(1.01);
    return c < LATENCY_CLASSES - 1 ? (int)c : LATENCY_CLASSES - 1;
}

static double quantile_ms(const struct latency_digest *d, double q)
{
    double want = ceil(d->n * q);
    double seen = 0;
    for (int i = 0; i < LATENCY_CLASSES; i++) {
        seen += d->counts[i];
        if (d->counts[i] > 0 && seen >= want)
            return pow(1.01, i + 0.5) / 1000; /* the middle of the class */
    }
    return NAN;
}

static void percentiles(struct latency_digest *d)
{
    d->p50_ms = quantile_ms(d, 0.50);
    d->p95_ms = quantile_ms(d, 0.95);
    d->p99_ms = quantile_ms(d, 0.99);
}

/* A class of a script's is five times as wide. */
static int script_class_of(double us)
{
    double c = us > 1 ? log(us) / log(1.05) : 0;
    return c < SCRIPT_CLASSES - 1 ? (int)c : SCRIPT_CLASSES - 1;
}

void latency_digest_scripts(const struct latency_digest *d, int n, struct script_run *out)
{
    for (int s = 0; s < n && s < SCRIPTS_MAX; s++) {
        double want = ceil(d->script_n[s] * 0.95), seen = 0;
        out[s] = (struct script_run){.n = d->script_n[s], .mean_ms = NAN, .p95_ms = NAN};
        if (!(d->script_n[s] > 0))
            continue;
        out[s].mean_ms = d->script_us[s] / d->script_n[s] / 1000;
        for (int i = 0; i < SCRIPT_CLASSES && seen < want; i++) {
            seen += d->script_counts[s][i];
            out[s].p95_ms = pow(1.05, i + 0.5) / 1000;
        }
    }
}

void latency_digest_add(struct latency_digest *to, const struct latency_digest *from)
{
    for (int i = 0; i < LATENCY_CLASSES; i++)
        to->counts[i] += from->counts[i];
    for (int s = 0; s < SCRIPTS_MAX; s++) {
        to->script_n[s] += from->script_n[s];
        to->script_us[s] += from->script_us[s];
        for (int i = 0; i < SCRIPT_CLASSES; i++)
            to->script_counts[s][i] += from->script_counts[s][i];
    }
    to->n += from->n;
    percentiles(to);
}

/* "client number µs script epoch µs …"; the third word of a failed or skipped transaction is
 * that word. A line that is torn or otherwise strange is passed over. */
static bool log_line_us(const char *s, const char *end, double *us, int *script)
{
    for (int word = 0; word < 2; word++) {
        const char *digits = s;
        while (s < end && *s >= '0' && *s <= '9')
            s++;
        if (s == digits || s >= end || *s != ' ')
            return false;
        s++;
    }
    double v = 0;
    const char *digits = s;
    while (s < end && *s >= '0' && *s <= '9' && s - digits < 16)
        v = v * 10 + (*s++ - '0');
    *us = v;
    if (s == digits || s >= end || *s != ' ')
        return false;
    *script = 0;
    for (s++; s < end && *s >= '0' && *s <= '9' && *script < SCRIPTS_MAX; s++)
        *script = *script * 10 + (*s - '0');
    return true;
}

void *bench_digest_log(const char *data, size_t len, const char *arg)
{
    (void)arg;
    struct latency_digest *d = xcalloc(1, sizeof *d);
    const char *end = data + len;
    while (data < end) {
        const char *eol = memchr(data, '\n', (size_t)(end - data));
        double us;
        int script;
        if (eol == NULL)
            break;
        if (log_line_us(data, eol, &us, &script)) {
            d->counts[class_of(us)]++;
            if (script < SCRIPTS_MAX) {
                d->script_n[script]++;
                d->script_us[script] += us;
                d->script_counts[script][script_class_of(us)]++;
            }
            d->n++;
        }
        data = eol + 1;
    }
    percentiles(d);
    return d;
}
