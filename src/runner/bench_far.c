/* bench_far.c - pgbench on another machine, reached by ssh: assets/remote/bench.sh starts it there, hands its outputs on, and
 * keeps its transaction log until it was fetched. The scripts travel on its input; nothing of a run outlives the link. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/assets.h"
#include "pgd/base/quote.h"
#include "pgd/base/text.h"
#include "pgd/runner/bench_parts.h"
#include "pgd/runner/script.h"

static const char *program(void)
{
    const struct asset *a = asset_find("remote/bench.sh");

    if (!a)
        die("the asset remote/bench.sh is missing");
    return (const char *)a->data;
}

static void place(struct effect *e, const struct bench_target *t)
{
    if (t->far)
        e->u.child.flags |= CHILD_REMOTE;
    e->u.child.ssh = t->ssh;
}

void bench_far_find(const struct bench_target *t, const char *bindir, struct req req,
                    struct effects *fx)
{
    static const char *const argv[] = {"sh", "-s", NULL};
    struct effect *e = fx_child(fx, req, argv, CHILD_COLLECT | (t->far ? 0u : CHILD_DIES_WITH_US));
    struct buf text = {0};

    place(e, t);
    buf_printf(&text, "%s\nfind ", program());
    quote_shell(&text, bindir);
    buf_puts(&text, "\nexit 0\n");
    e->u.child.stdin_text = buf_take(&text);
}

int bench_choose(const char *text, char *path, size_t size)
{
    int best = 0;

    for (const char *p = text; *p;) {
        size_t n = strcspn(p, "\n"), bar = strcspn(p, "|\n");
        char version[128], found[512];

        if (bar < n && bar < sizeof found && n - bar < sizeof version) {
            memcpy(found, p, bar);
            found[bar] = '\0';
            memcpy(version, p + bar + 1, n - bar - 1);
            version[n - bar - 1] = '\0';
            int v = bench_parse_version(version);
            /* the newest wins: an old pgbench drives a new server, but knows fewer figures */
            if (v > best && text_copy_raw(path, size, found))
                best = v;
        }
        p += n + (p[n] == '\n');
    }
    return best;
}

void bench_far_delay(const struct bench_target *t, struct req req, struct effects *fx)
{
    static const char *const argv[] = {"sh", "-s", NULL};
    struct effect *e = fx_child(fx, req, argv, CHILD_COLLECT);
    struct buf text = {0};

    place(e, t);
    bench_env(e, t);
    buf_printf(&text, "%s\nfolder\ndelay ", program());
    quote_shell(&text, t->pgbench);
    buf_puts(&text, "\nexit 0\n");
    e->u.child.stdin_text = buf_take(&text);
}

double bench_far_delay_read(const char *text, char *why, size_t size)
{
    char value[200];
    double ms;

    why[0] = '\0';
    text_field(text, "delay", value, sizeof value);
    if (text_double(value, &ms) && ms >= 0 && ms < 1e6)
        return ms;
    text_field(text, "why", value, sizeof value);
    text_copy(why, size, value[0] ? value : "pgbench does not run there");
    return NAN;
}

/* ---- a run ---- */

/* A word that no line of the text is. */
static void put_script(struct buf *out, const char *name, const char *text)
{
    char end[32];

    for (int i = 0;; i++) {
        snprintf(end, sizeof end, "END_OF_SCRIPT_%d", i);
        if (!strstr(text, end))
            break;
    }
    buf_puts(out, "script ");
    quote_shell(out, name);
    buf_printf(out, " <<'%s'\n%s%s%s\n", end, text,
               text[0] && text[strlen(text) - 1] != '\n' ? "\n" : "", end);
}

void bench_far_start(struct bench *b, char *const *words, struct req req, struct effects *fx)
{
    static const char *const argv[] = {"sh", "-s", NULL};
    struct effect *e = fx_child(fx, req, argv, CHILD_REMOTE | CHILD_DIES_WITH_US);
    struct buf text = {0};
    char name[300];

    place(e, &b->target);
    e->changes_server = true;
    bench_env(e, &b->target);
    buf_printf(&text, "%s\nfolder\n", program());
    for (int i = 0; i < b->plan.nscripts && i < SCRIPTS_MAX; i++) {
        script_file(&b->plan, i, name, sizeof name);
        put_script(&text, name, b->scripts[i] ? b->scripts[i] : "");
    }
    buf_printf(&text, "run %d", b->want_log && !b->run.warmup && b->dir[0]);
    for (; *words; words++) {
        buf_putc(&text, ' ');
        quote_shell(&text, *words);
    }
    buf_putc(&text, '\n');
    e->u.child.stdin_text = buf_take(&text);
    memset(&b->far, 0, sizeof b->far);
    b->far.cpu_s = NAN;
}

/* "0m1.230s 0m0.450s": minutes and seconds, user and system. */
static double cpu_of(const char *line)
{
    double sum = 0;
    int fields = 0;

    while (*line && fields < 2) {
        char number[32];
        double minutes, seconds;
        size_t m = strcspn(line, "m"), s;

        if (m == 0 || line[m] != 'm' || m >= sizeof number)
            return NAN;
        text_copy(number, m + 1, line);
        if (!text_double(number, &minutes))
            return NAN;
        line += m + 1;
        s = strcspn(line, "s");
        if (s == 0 || line[s] != 's' || s >= sizeof number)
            return NAN;
        text_copy(number, s + 1, line);
        if (!text_double(number, &seconds))
            return NAN;
        line += s + 1;
        line += strspn(line, " ");
        sum += minutes * 60 + seconds;
        fields++;
    }
    return fields == 2 && sum >= 0 && sum < 1e9 ? sum : (double)NAN;
}

bool bench_far_line(struct bench *b, const char *line)
{
    static const char times[] = "pgd_bench times", over[] = "pgd_bench exit=";
    struct bench_far *f = &b->far;
    int64_t status;
    char digits[16];

    if (f->times > 0 && f->times < 3) {
        if (f->times++ == 2) /* the first line is of the shell itself */
            f->cpu_s = cpu_of(line);
        return true;
    }
    if (strcmp(line, times) == 0) {
        f->times = 1;
        return true;
    }
    if (strncmp(line, over, sizeof over - 1) != 0)
        return false;
    line += sizeof over - 1;
    size_t n = strspn(line, "0123456789");
    if (n == 0 || n >= sizeof digits)
        return true;
    text_copy(digits, n + 1, line);
    f->over = text_int64(digits, &status);
    f->status = f->over ? (int)status : 0;
    if (strncmp(line + n, " logs=/", 7) == 0 &&
        text_copy_raw(f->folder, sizeof f->folder, line + n + 6))
        f->holds = true;
    return true;
}

void bench_far_event(const struct bench *b, const struct event *ev, struct event *out)
{
    *out = (struct event){
        .kind = EV_CHILD_EXIT, .req = ev->req, .at_us = ev->at_us, .wall_us = ev->wall_us};
    out->u.child.status = b->far.status;
    out->u.child.cpu_s = isfinite(b->far.cpu_s) ? b->far.cpu_s : 0;
}

/* Of each transaction what bench_digest_log() reads: the rest would be three times as much. */
void bench_far_fetch(struct bench *b, struct req req, struct effects *fx)
{
    static const char fetch[] = "cd \"$1\" && awk '{ print 0, 0, $3, $4, 0 }' run.*";
    const char *argv[] = {"sh", "-c", fetch, "sh", b->far.folder, NULL};

    place(fx_child(fx, req, argv, CHILD_COLLECT | CHILD_REMOTE), &b->target);
}

void bench_far_let_go(struct bench *b, struct effects *fx)
{
    if (!b->far.holds)
        return;
    b->far.holds = false;
    effects_add(fx, FX_CHILD_KILL, (struct req){OWNER_BENCH, b->generation, b->child_id});
}

void bench_script(struct bench *b, int i, const char *text, size_t len)
{
    if (i < 0 || i >= SCRIPTS_MAX)
        return;
    free(b->scripts[i]);
    b->scripts[i] = text ? xstrndup(text, len) : NULL;
}

void bench_forget_scripts(struct bench *b)
{
    for (int i = 0; i < SCRIPTS_MAX; i++)
        bench_script(b, i, NULL, 0);
}
