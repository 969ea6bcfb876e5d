/* replay_load.c - finds a recording by its name or path and reads it, one file after the other; the states are at enum replay_step. A file
 * that is missing or damaged is a problem of the recording, and the rest is read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/replay.h"
#include "pgd/app/ui_files.h"
#include "pgd/base/text.h"
#include "pgd/workspace/store.h"

enum { FILE_MOST = 16 << 20, RUNS_AT_ONCE = 40, RUN_FILE_MOST = 512 * 1024 };

static struct effect *ask(struct model *m, enum file_op op, const char *path, struct effects *fx)
{
    struct effect *e = fx_file(fx, (struct req){OWNER_UI, ++m->replay_no, UI_REPLAY}, op, path);

    e->u.file.max_bytes = FILE_MOST;
    return e;
}

static void ask_in(struct model *m, enum replay_step step, enum file_op op, const char *dir,
                   const char *rel, struct effects *fx)
{
    struct buf path = {0};

    m->replay_load->step = step;
    buf_printf(&path, "%s%s", dir, rel);
    ask(m, op, buf_text(&path), fx);
    buf_clear(&path);
}

static void fail(struct model *m, const struct err *e, struct effects *fx)
{
    struct err why = *e;

    replay_load_free(m->replay_load);
    m->replay_load = NULL;
    replay_failed(m, &why, fx);
}

/* ---- which one ---- */

static void open_session(struct model *m, const char *workspace, const char *name,
                         struct effects *fx)
{
    struct replay_load *l = m->replay_load;
    struct buf dir = {0};

    text_copy(l->workspace, sizeof l->workspace, workspace);
    text_copy(l->name, sizeof l->name, name);
    buf_printf(&dir, "%s/workspaces/%s/sessions/%s", m->opt.home, workspace, name);
    text_copy_raw(l->dir, sizeof l->dir, buf_text(&dir));
    buf_clear(&dir);
    ask_in(m, REPLAY_SESSION, FILE_READ, l->dir, "/session.json", fx);
}

/* The last two folders of a path: what session and workspace are called. */
static void names_of_path(struct replay_load *l)
{
    char text[sizeof l->dir];
    char *last, *up;

    while (strlen(l->dir) > 1 && l->dir[strlen(l->dir) - 1] == '/')
        l->dir[strlen(l->dir) - 1] = '\0';
    text_copy_raw(text, sizeof text, l->dir);
    last = strrchr(text, '/');
    text_copy(l->name, sizeof l->name, last ? last + 1 : text);
    if (last)
        *last = '\0';
    up = strrchr(text, '/');
    if (!up || strcmp(up, "/sessions") != 0)
        return;
    *up = '\0';
    up = strrchr(text, '/');
    text_copy(l->workspace, sizeof l->workspace, up ? up + 1 : text);
}

static void next_workspace(struct model *m, struct effects *fx);

void replay_load(struct model *m, const char *what, struct effects *fx)
{
    struct replay_load *l = xcalloc(1, sizeof *l);
    const char *slash = strchr(what, '/');

    replay_load_free(m->replay_load);
    m->replay_load = l;
    text_copy_raw(l->what, sizeof l->what, what);
    if (*what == '/') {
        l->path = true;
        text_copy_raw(l->dir, sizeof l->dir, what);
        names_of_path(l);
        ask_in(m, REPLAY_SESSION, FILE_READ, l->dir, "/session.json", fx);
    } else if (slash) {
        char workspace[160];
        snprintf(workspace, sizeof workspace, "%.*s", (int)(slash - what), what);
        open_session(m, workspace, slash + 1, fx);
    } else if (m->workspace.name[0]) {
        l->bare = l->here = true;
        open_session(m, m->workspace.name, what, fx);
    } else {
        l->bare = true;
        ask_in(m, REPLAY_WORKSPACES, FILE_LIST, m->opt.home, "/workspaces", fx);
    }
}

/* Takes the next folder's name off a list; false: there is none. */
static bool take_folder(struct buf *names, char *dst, size_t size)
{
    while (names->len > 0) {
        const char *text = buf_text(names);
        size_t n = strcspn(text, "\n");
        bool folder = n > 1 && text[n - 1] == '/' && n < size;
        if (folder)
            snprintf(dst, size, "%.*s", (int)n - 1, text);
        buf_consume(names, n + (text[n] == '\n'));
        if (folder)
            return true;
    }
    return false;
}

static void note_found(int *n, char list[][300], const char *workspace, const char *name)
{
    if (*n < REPLAY_FOUND_MAX)
        snprintf(list[*n], sizeof list[0], "%s/%s", workspace, name);
    ++*n;
}

static void none_found(struct model *m, struct effects *fx)
{
    struct replay_load *l = m->replay_load;
    struct err e = {0};
    struct buf list = {0};
    bool exact = l->nfound > 0;
    int n = exact ? l->nfound : l->npart;

    if (n == 0) {
        err_set(&e, ERR_USAGE, "no session is named \"%.100s\"", l->what);
        err_hint(&e, "Name a session, WORKSPACE/SESSION, its folder, or a file of watch --record; "
                     "pg_diagnose workspaces lists the workspaces.");
    } else {
        for (int i = 0; i < n && i < REPLAY_FOUND_MAX; i++)
            buf_printf(&list, "%s%s", i ? ", " : "", exact ? l->found[i] : l->part[i]);
        err_set(&e, ERR_USAGE, "%d sessions are named \"%.100s\"", n, l->what);
        err_detail(&e, "%s%s.", buf_text(&list), n > REPLAY_FOUND_MAX ? " and others" : "");
        err_hint(&e, "Name one of them as WORKSPACE/SESSION.");
        buf_clear(&list);
    }
    fail(m, &e, fx);
}

static void open_found(struct model *m, const char *found, struct effects *fx)
{
    char workspace[160];
    const char *slash = strchr(found, '/');

    snprintf(workspace, sizeof workspace, "%.*s", (int)(slash - found), found);
    m->replay_load->bare = false;
    open_session(m, workspace, slash + 1, fx);
}

static void next_workspace(struct model *m, struct effects *fx)
{
    struct replay_load *l = m->replay_load;
    struct buf dir = {0};
    char found[300];

    if (take_folder(&l->names, l->workspace, sizeof l->workspace)) {
        buf_printf(&dir, "%s/workspaces/%s/sessions", m->opt.home, l->workspace);
        ask_in(m, REPLAY_SESSIONS, FILE_LIST, buf_text(&dir), "", fx);
        buf_clear(&dir);
        return;
    }
    if (l->nfound == 1 || (l->nfound == 0 && l->npart == 1)) {
        text_copy_raw(found, sizeof found, l->nfound ? l->found[0] : l->part[0]);
        open_found(m, found, fx);
    } else {
        none_found(m, fx);
    }
}

static void take_sessions(struct model *m, const struct event *ev, struct effects *fx)
{
    struct replay_load *l = m->replay_load;
    struct buf names = {0};
    char name[128];

    if (ev->text)
        buf_append(&names, ev->text, ev->len);
    while (take_folder(&names, name, sizeof name)) {
        if (strcmp(name, l->what) == 0)
            note_found(&l->nfound, l->found, l->workspace, name);
        else if (strstr(name, l->what))
            note_found(&l->npart, l->part, l->workspace, name);
    }
    buf_clear(&names);
    next_workspace(m, fx);
}

/* ---- what it holds ---- */

static void take_session(struct model *m, const struct event *ev, struct effects *fx)
{
    struct replay_load *l = m->replay_load;
    struct err e = ev->err;

    if (ev->u.file.missing && l->path) {
        l->step = REPLAY_FILE;
        struct effect *read = ask(m, FILE_READ, l->dir, fx);
        read->u.file.digest = recording_watch_digest;
        read->u.file.digest_free = recording_watch_free;
        read->u.file.digest_arg = xstrdup(l->dir);
        return;
    }
    if (ev->u.file.missing && l->bare) {
        ask_in(m, REPLAY_WORKSPACES, FILE_LIST, m->opt.home, "/workspaces", fx);
        return;
    }
    if (ev->u.file.missing) {
        none_found(m, fx);
        return;
    }
    l->recording = recording_new(l->name);
    text_copy(l->recording->workspace, sizeof l->recording->workspace, l->workspace);
    if (e.code != ERR_NONE ||
        !recording_session(l->recording, ev->text ? ev->text : "", ev->len, &e)) {
        if (!strstr(e.msg, "session.json"))
            err_set(&e, e.code, "session.json of %.80s: %s", l->name,
                    ev->err.code ? ev->err.msg : e.msg);
        if (!e.detail[0])
            err_detail(&e, "The folder is %.300s.", l->dir);
        fail(m, &e, fx);
        return;
    }
    ask_in(m, REPLAY_JOURNAL, FILE_READ, l->dir, "/journal.jsonl", fx);
}

static void take_file(struct model *m, struct event *ev, struct effects *fx)
{
    struct recording *r = ev->digest;
    struct err e = ev->err;

    if (ev->u.file.missing) {
        none_found(m, fx);
    } else if (e.code != ERR_NONE || !r) {
        fail(m, &e, fx);
    } else if (r->n == 0) {
        e = r->problems[0];
        fail(m, &e, fx);
    } else {
        ev->digest = NULL;
        replay_load_free(m->replay_load);
        m->replay_load = NULL;
        replay_loaded(m, r, fx);
    }
}

static const char *run_file(const char *line, int *number)
{
    *number = 0;
    if (strncmp(line, "run", 3) != 0)
        return NULL;
    for (line += 3; *line >= '0' && *line <= '9' && *number < 1000000; line++)
        *number = 10 * *number + (*line - '0');
    return *number > 0 && strncmp(line, ".csv\n", 5) == 0 ? line + 5 : NULL;
}

static bool listed(const char *names, int wanted)
{
    int number;

    for (const char *p = names; *p; p += strcspn(p, "\n"), p += *p == '\n')
        if (run_file(p, &number) && number == wanted)
            return true;
    return false;
}

/* The folder's files that are of runs, to be read; a valid run that has none is told. */
static void take_names(struct model *m, const struct event *ev, const char *folder)
{
    struct replay_load *l = m->replay_load;
    struct buf names = {0};
    struct err e = {0};
    char what[40];
    int number;

    if (ev->text)
        buf_append(&names, ev->text, ev->len);
    if (names.len && names.data[names.len - 1] != '\n')
        buf_putc(&names, '\n');
    for (const char *p = buf_text(&names); *p; p += strcspn(p, "\n"), p += *p == '\n')
        if (run_file(p, &number))
            buf_printf(&l->names, "%s/%s/run%03d.csv\n", l->dir, folder, number);
    for (int i = 0; i < l->recording->nruns; i++) {
        const struct recorded_run *run = &l->recording->runs[i];
        if (!run->known || !run->valid || listed(buf_text(&names), run->number))
            continue;
        snprintf(what, sizeof what, "%s/run%03d.csv", folder, run->number);
        err_set(&e, ERR_FILE, "%s is not there", what);
        recording_problem(l->recording, what, &e);
    }
    buf_clear(&names);
}

static void read_runs(struct model *m, struct effects *fx)
{
    struct replay_load *l = m->replay_load;
    size_t at = 0;

    l->step = REPLAY_RUNS;
    for (int i = 0; i < RUNS_AT_ONCE && at < l->names.len; i++)
        at += strcspn(buf_text(&l->names) + at, "\n") + 1;
    if (at == 0) {
        struct recording *r = l->recording;
        l->recording = NULL;
        replay_load_free(l);
        m->replay_load = NULL;
        recording_finish(r);
        replay_loaded(m, r, fx);
        return;
    }
    char *paths = xstrndup(buf_text(&l->names), at);
    struct effect *e = ask(m, FILE_READ_MANY, paths, fx);
    e->u.file.max_bytes = RUN_FILE_MOST;
    e->u.file.digest = recorded_files_digest;
    e->u.file.digest_free = recorded_files_free;
    buf_consume(&l->names, at);
    free(paths);
}

static void take_journal(struct model *m, const struct event *ev, struct effects *fx)
{
    struct replay_load *l = m->replay_load;

    if (ev->err.code != ERR_NONE)
        recording_problem(l->recording, "journal.jsonl", &ev->err);
    else
        recording_journal(l->recording, ev->text ? ev->text : "", ev->len);
    ask_in(m, REPLAY_TALK, FILE_READ, l->dir, "/conversation.jsonl", fx);
}

static void take_talk(struct model *m, const struct event *ev, struct effects *fx)
{
    struct replay_load *l = m->replay_load;

    if (ev->err.code == ERR_NONE)
        recording_talk(l->recording, ev->text ? ev->text : "", ev->len);
    else if (!ev->u.file.missing)
        recording_problem(l->recording, "conversation.jsonl", &ev->err);
    char up[sizeof l->dir]; /* WORKSPACE/sessions/NAME */
    text_copy_raw(up, sizeof up, l->dir);
    for (int i = 0; i < 2 && strrchr(up, '/'); i++)
        *strrchr(up, '/') = '\0';
    ask_in(m, REPLAY_PLACE, FILE_READ, up, "/workspace.json", fx);
}

void replay_load_answer(struct model *m, struct event *ev, struct effects *fx)
{
    struct replay_load *l = m->replay_load;

    if (!l || ev->req.generation != m->replay_no)
        return;
    switch (l->step) {
    case REPLAY_SESSION:
        take_session(m, ev, fx);
        break;
    case REPLAY_FILE:
        take_file(m, ev, fx);
        break;
    case REPLAY_WORKSPACES:
        if (ev->text)
            buf_append(&l->names, ev->text, ev->len);
        next_workspace(m, fx);
        break;
    case REPLAY_SESSIONS:
        take_sessions(m, ev, fx);
        break;
    case REPLAY_JOURNAL:
        take_journal(m, ev, fx);
        break;
    case REPLAY_TALK:
        take_talk(m, ev, fx);
        break;
    case REPLAY_PLACE: /* whose server it was; one that was moved elsewhere has none */
        if (ev->err.code == ERR_NONE)
            recording_workspace(l->recording, ev->text ? ev->text : "", ev->len);
        ask_in(m, REPLAY_BENCH, FILE_LIST, l->dir, "/bench", fx);
        break;
    case REPLAY_BENCH:
        take_names(m, ev, "bench");
        ask_in(m, REPLAY_TELEMETRY, FILE_LIST, l->dir, "/telemetry", fx);
        break;
    case REPLAY_TELEMETRY:
        take_names(m, ev, "telemetry");
        read_runs(m, fx);
        break;
    case REPLAY_RUNS:
        recording_files(l->recording, ev->digest);
        read_runs(m, fx);
        break;
    }
}
