/* launch.c - the command line as it is really run.
 *
 * uv_spawn's own change of user would lose the supplementary groups (ssl-cert on Debian: ssl=on would
 * not start), and it cannot ask the kernel to end the child with us. setpriv(1) does both; a change of
 * user clears the latter, so it comes second. */
#include "pgd/io/launch.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pgd/base/buf.h"
#include "pgd/base/mem.h"
#include "pgd/io/environ.h"

extern char **environ;

struct list {
    char **items;
    size_t n, cap;
};

static void add(struct list *l, char *taken)
{
    l->items = xgrow(l->items, &l->cap, l->n + 2, sizeof(*l->items));
    l->items[l->n++] = taken;
    l->items[l->n] = NULL;
}

static void add_copy(struct list *l, const char *s)
{
    add(l, xstrdup(s));
}

static char *pair(const char *name, const char *value)
{
    struct buf b = {0};
    buf_printf(&b, "%s=%s", name, value);
    return buf_take(&b);
}

/* -- environment -------------------------------------------------------------------------------- */

/* "NAME=value": replaces an earlier value of the name. */
static void set_var(struct list *env, char *taken)
{
    const size_t n = strcspn(taken, "=") + 1;
    for (size_t i = 0; i < env->n; i++) {
        if (strncmp(env->items[i], taken, n) == 0) {
            free(env->items[i]);
            env->items[i] = taken;
            return;
        }
    }
    add(env, taken);
}

static void unset_var(struct list *env, const char *name)
{
    const size_t n = strlen(name);
    for (size_t i = 0; i < env->n; i++)
        if (strncmp(env->items[i], name, n) == 0 && env->items[i][n] == '=') {
            free(env->items[i]);
            memmove(env->items + i, env->items + i + 1, (env->n - i) * sizeof(*env->items));
            env->n--;
            return;
        }
}

static const char *get_var(char *const *env, const char *name)
{
    const size_t n = strlen(name);
    for (; *env; env++)
        if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
            return *env + n + 1;
    return NULL;
}

static void build_env(struct launch *x, const struct effect *fx, const struct passwd *pw)
{
    struct list env = {0};
    /* Keys of models are ours alone, and passwords go through no environment: who needs one gets it by a memfd. */
    for (char **v = environ; v && *v; v++)
        if (!environ_is_key(*v, strcspn(*v, "=")))
            add_copy(&env, *v);
    if (pw) {
        set_var(&env, pair("HOME", pw->pw_dir));
        set_var(&env, pair("USER", pw->pw_name));
        set_var(&env, pair("LOGNAME", pw->pw_name));
    }
    unset_var(&env, "PGPASSWORD");
    for (char **v = fx->u.child.env; v && *v; v++) {
        if (strchr(*v, '='))
            set_var(&env, xstrdup(*v));
        else
            unset_var(&env, *v);
    }
    if (x->pgpass >= 0) {
        char file[32];
        snprintf(file, sizeof(file), "/proc/self/fd/%d", LAUNCH_PGPASS_FD);
        set_var(&env, pair("PGPASSFILE", file));
    }
    if (!env.items)
        add_copy(&env, "PATH=/usr/local/bin:/usr/bin:/bin");
    x->env = env.items;
}

/* -- program and arguments ----------------------------------------------------------------------- */

static bool can_run(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

char *launch_find(const char *name, const char *path)
{
    if (strchr(name, '/'))
        return name[0] != '/' || can_run(name) ? xstrdup(name) : NULL;
    if (!path)
        path = "/usr/local/bin:/usr/bin:/bin";
    while (name[0]) {
        const size_t n = strcspn(path, ":");
        struct buf b = {0};
        buf_append(&b, n > 0 ? path : ".", n > 0 ? n : 1);
        buf_printf(&b, "/%s", name);
        if (can_run(buf_text(&b)))
            return buf_take(&b);
        buf_clear(&b);
        if (path[n] == '\0')
            break;
        path += n + 1;
    }
    return NULL;
}

static void add_setpriv(struct list *argv, const char *setpriv, const struct passwd *pw, bool tied)
{
    if (pw) {
        char uid[16], gid[16];
        snprintf(uid, sizeof(uid), "%u", (unsigned)pw->pw_uid);
        snprintf(gid, sizeof(gid), "%u", (unsigned)pw->pw_gid);
        const char *words[] = {setpriv, "--reuid", uid, "--regid", gid, "--init-groups"};
        for (size_t i = 0; i < ARRAY_LEN(words); i++)
            add_copy(argv, words[i]);
    }
    if (tied) {
        const char *words[] = {setpriv, "--pdeathsig", "KILL"};
        for (size_t i = 0; i < ARRAY_LEN(words); i++)
            add_copy(argv, words[i]);
    }
}

static bool build_argv(struct launch *x, const struct effect *fx, const char *setpriv,
                       const struct passwd *pw, struct err *e)
{
    char *const *given = fx->u.child.argv;
    if (!given || !given[0])
        return err_set(e, ERR_INTERNAL, "there is no program to run");
    char *program = launch_find(given[0], get_var(x->env, "PATH"));
    if (!program) {
        err_set(e, ERR_CHILD, "cannot run %s: %s", given[0], strerror(ENOENT));
        return err_hint(e, "Install %s, or add its folder to PATH.", given[0]);
    }
    struct list argv = {0};
    if (setpriv)
        add_setpriv(&argv, setpriv, pw, (fx->u.child.flags & CHILD_DIES_WITH_US) != 0);
    add(&argv, program);
    for (size_t i = 1; given[i]; i++)
        add_copy(&argv, given[i]);
    x->argv = argv.items;
    return true;
}

/* -- the password file --------------------------------------------------------------------------- */

/* A file in memory that only the child's user can read: libpq wants a regular file of mode 0600. */
static bool make_pgpass(struct launch *x, secret_id secret, const struct passwd *pw, struct err *e)
{
    const char *line = secret_get(secret);
    const size_t n = strlen(line);
    const int fd = memfd_create("pgpass", MFD_CLOEXEC);
    const bool ok = fd >= 0 && fchmod(fd, 0600) == 0 &&
                    (!pw || fchown(fd, pw->pw_uid, pw->pw_gid) == 0) &&
                    write(fd, line, n) == (ssize_t)n && write(fd, "\n", 1) == 1;
    if (!ok) {
        err_set(e, ERR_CHILD, "cannot hand the password over: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    x->pgpass = fd;
    return true;
}

/* -- all of it ----------------------------------------------------------------------------------- */

bool launch_prepare(struct launch *x, const struct effect *fx, const char *setpriv, struct err *e)
{
    const struct passwd *pw = NULL;
    *x = (struct launch){.pgpass = -1};
    if (fx->u.child.run_as && geteuid() == 0) {
        pw = getpwnam(fx->u.child.run_as);
        if (!pw)
            return err_set(e, ERR_CHILD, "there is no user %s on this machine", fx->u.child.run_as);
        x->change_user = !setpriv;
        x->uid = pw->pw_uid;
        x->gid = pw->pw_gid;
    }
    if (fx->u.child.cwd)
        x->cwd = xstrdup(fx->u.child.cwd);
    else if (pw)
        x->cwd = xstrdup("/"); /* ours may be closed to that user */
    if (fx->u.child.pgpass && !make_pgpass(x, fx->u.child.pgpass, pw, e)) {
        launch_clear(x);
        return false;
    }
    build_env(x, fx, pw);
    if (!build_argv(x, fx, setpriv, pw, e)) {
        launch_clear(x);
        return false;
    }
    return true;
}

static void free_list(char **list)
{
    for (char **s = list; s && *s; s++)
        free(*s);
    free(list);
}

void launch_clear(struct launch *x)
{
    free_list(x->argv);
    free_list(x->env);
    free(x->cwd);
    if (x->pgpass >= 0)
        close(x->pgpass);
    *x = (struct launch){.pgpass = -1};
}
