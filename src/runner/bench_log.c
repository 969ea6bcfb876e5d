/* bench_log.c - the transaction log of a run: fetched from another machine if it is there, listed, read and digested in a
 * worker, removed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/runner/bench_parts.h"

enum {
    LOG_BYTES_MAX = 64 * 1024 * 1024, /* of one file */
    LOGS_MAX = 4096,                  /* files that are looked at in a folder */
    FETCH_MS = 120 * 1000
};

void bench_log_forget(struct bench *b)
{
    for (int i = 0; i < b->nlogs; i++)
        free(b->logs[i]);
    free(b->logs);
    b->logs = NULL;
    b->nlogs = b->log_at = 0;
    b->fetching = b->saving = false;
    free(b->latency);
    b->latency = NULL;
}

static void list_logs(struct bench *b, struct effects *fx)
{
    struct req req = bench_ask(b);
    fx_file(fx, req, FILE_LIST, b->dir);
    b->waiting = req.id;
    b->state = BENCH_DIGEST;
}

/* ---- the log of another machine ---- */

static void fetch_failed(struct bench *b, const struct err *e, struct effects *fx)
{
    if (b->run.err.code == ERR_NONE) {
        err_set(&b->run.err, e->code == ERR_LOST ? ERR_LOST : ERR_CHILD,
                "the transaction log of %.200s did not come", b->target.machine);
        err_detail(&b->run.err, "%s", e->msg);
    }
    bench_far_let_go(b, fx);
    bench_finish(b);
}

static void fetch_begin(struct bench *b, struct effects *fx)
{
    struct err gone = {0};

    if (b->run.err.code != ERR_NONE || !b->far.holds) {
        err_set(&gone, ERR_LOST, "the link was lost");
        fetch_failed(b, &gone, fx);
        return;
    }
    struct req req = bench_ask(b);
    bench_far_fetch(b, req, fx);
    b->waiting = req.id;
    b->fetching = true;
    b->state = BENCH_DIGEST;
    req = bench_ask(b);
    b->timer_id = req.id;
    fx_timer(fx, req, FETCH_MS);
}

/* It is saved where a local one would be: from there on both are one. */
static void step_fetch(struct bench *b, const struct event *ev, struct effects *fx)
{
    struct err late = {0};

    if (ev->kind == EV_TIMER && ev->req.id == b->timer_id) {
        effects_add(fx, FX_CHILD_KILL, (struct req){OWNER_BENCH, b->generation, b->waiting});
        err_set(&late, ERR_LOST, "it took longer than %d s", FETCH_MS / 1000);
        fetch_failed(b, &late, fx);
        return;
    }
    if (ev->kind != EV_CHILD_EXIT || ev->req.id != b->waiting)
        return;
    b->fetching = false;
    effects_add(fx, FX_TIMER_STOP, (struct req){OWNER_BENCH, b->generation, b->timer_id});
    if (ev->err.code != ERR_NONE || ev->u.child.status != 0) {
        err_set(&late, ERR_CHILD, "it could not be read: %.200s", ev->err.detail);
        fetch_failed(b, ev->err.code != ERR_NONE ? &ev->err : &late, fx);
        return;
    }
    bench_far_let_go(b, fx);
    char path[sizeof b->dir + 8];
    snprintf(path, sizeof path, "%s/run.1", b->dir);
    struct req req = bench_ask(b);
    struct effect *e = fx_file(fx, req, FILE_SAVE, path);
    e->len = ev->len;
    e->text = xstrndup(ev->text ? ev->text : "", ev->len);
    b->child_pid = 1; /* in the names of its files */
    b->waiting = req.id;
    b->saving = true;
}

void bench_log_begin(struct bench *b, struct effects *fx)
{
    bool logged = b->want_log && !b->run.warmup && b->dir[0] && b->started_at_us != 0;
    if (!logged || (b->target.far && !b->far.holds && b->run.err.code != ERR_NONE)) {
        bench_finish(b);
    } else if (b->target.far) {
        fetch_begin(b, fx);
    } else {
        list_logs(b, fx);
    }
}

/* ---- the files ---- */

/* "run.PID" or "run.PID.THREAD". Those of other processes are left over from a program that was
 * killed. */
static bool is_log(const char *name, int *pid)
{
    if (strncmp(name, "run.", 4) != 0)
        return false;
    const char *s = name + 4;
    size_t n = strspn(s, "0123456789");
    if (n == 0 || n > 10)
        return false;
    *pid = (int)strtoll(s, NULL, 10);
    s += n;
    if (*s == '.') {
        n = strspn(s + 1, "0123456789");
        s += n > 0 ? n + 1 : 0;
    }
    return *s == '\0';
}

static char *in_dir(const struct bench *b, const char *name)
{
    struct buf path = {0};
    buf_printf(&path, "%s/%s", b->dir, name);
    return buf_take(&path);
}

static void remove_log(struct bench *b, const char *name, struct effects *fx)
{
    char *path = in_dir(b, name);
    fx_file(fx, bench_ask(b), FILE_REMOVE, path); /* its answer is not waited for */
    free(path);
}

static void read_next_log(struct bench *b, struct effects *fx)
{
    if (b->log_at >= b->nlogs) {
        if (b->latency && b->latency->n > 0) {
            b->run.p50_ms = b->latency->p50_ms;
            b->run.p95_ms = b->latency->p95_ms;
            b->run.p99_ms = b->latency->p99_ms;
            b->run.nscripts = b->plan.nscripts < SCRIPTS_MAX ? b->plan.nscripts : SCRIPTS_MAX;
            latency_digest_scripts(b->latency, b->run.nscripts, b->run.scripts);
        }
        bench_finish(b);
        return;
    }
    char *path = in_dir(b, b->logs[b->log_at]);
    struct req req = bench_ask(b);
    struct effect *e = fx_file(fx, req, FILE_READ, path);
    e->u.file.max_bytes = LOG_BYTES_MAX;
    e->u.file.digest = bench_digest_log;
    e->u.file.digest_free = free;
    free(path);
    b->waiting = req.id;
}

static void remove_rest(struct bench *b, struct effects *fx)
{
    for (; b->log_at < b->nlogs; b->log_at++)
        remove_log(b, b->logs[b->log_at], fx);
    bench_finish(b);
}

static void on_list(struct bench *b, const struct event *ev, struct effects *fx)
{
    const char *s = ev->err.code == ERR_NONE && ev->text ? ev->text : "";
    b->logs = xcalloc(LOGS_MAX, sizeof *b->logs);
    while (*s && b->nlogs < LOGS_MAX) {
        size_t n = strcspn(s, "\n");
        char *name = xstrndup(s, n);
        int pid = 0;
        if (!is_log(name, &pid))
            free(name);
        else if (b->child_pid == 0 || pid == b->child_pid)
            b->logs[b->nlogs++] = name;
        else {
            remove_log(b, name, fx);
            free(name);
        }
        s += n + (s[n] == '\n');
    }
    b->latency = xcalloc(1, sizeof *b->latency);
    if (b->run.err.code != ERR_NONE)
        remove_rest(b, fx);
    else
        read_next_log(b, fx);
}

static void on_log(struct bench *b, const struct event *ev, struct effects *fx)
{
    if (ev->err.code == ERR_NONE && ev->digest)
        latency_digest_add(b->latency, ev->digest);
    remove_log(b, b->logs[b->log_at], fx);
    b->log_at++;
    if (b->run.err.code != ERR_NONE)
        remove_rest(b, fx);
    else
        read_next_log(b, fx);
}

void bench_log_step(struct bench *b, const struct event *ev, struct effects *fx)
{
    if (b->fetching) {
        step_fetch(b, ev, fx);
        return;
    }
    if (ev->kind != EV_FILE || ev->req.id != b->waiting)
        return;
    if (b->saving) {
        b->saving = false;
        list_logs(b, fx);
    } else if (b->logs == NULL) {
        on_list(b, ev, fx);
    } else {
        on_log(b, ev, fx);
    }
}
