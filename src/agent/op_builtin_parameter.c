/* The builtin explanation of a setting: what it is, what it is here and why, and whether it has mattered or could. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/op_parts.h"
#include "pgd/agent/search.h"
#include "pgd/base/text.h"
#include "pgd/tuning/guard.h"

/* As the server would show it: "128MB", not 16384 units of 8kB. */
static void tell_default(struct teller *t, const struct setting *x)
{
    char shown[SETTING_VALUE_MAX];
    double number;
    bool sized = x->unit[0] && guard_value(x, x->boot, &number, shown, sizeof shown, NULL);
    tell(t, "The compiled-in default is %s.", sized ? shown : x->boot);
}

static void tell_value(struct teller *t, const struct sense *s, const struct setting *x)
{
    char now[96];
    sense_shown(s, x->name, now, sizeof now);
    if (sense_ours(s, x->name))
        tell(t, "Here it is %s now; this session has set it.", now);
    else
        tell(t, "Here it is %s, from %s.", now, x->source[0] ? x->source : "an unknown source");
    tell_figure(t, x->name, "%s", now);
    if (x->boot[0])
        tell_default(t, x);
    if (strcmp(x->context, "postmaster") == 0)
        tell(t, "A change takes a restart.");
    else if (strcmp(x->context, "internal") == 0)
        tell(t, "It cannot be changed.");
    else if (strcmp(x->context, "os") == 0)
        tell(t,
             "It is the operating system's: a change takes effect at once, for the whole machine.");
    else
        tell(t, "A change takes a reload, no restart.");
    if (x->pending_restart)
        tell(t, "Another value waits for the next restart.");
}

static void tell_rounds_with(struct teller *t, const struct evidence *e, const char *name)
{
    bool any = false;
    for (int i = 0; i < e->nhistory; i++)
        for (int k = 0; k < e->history[i].n; k++)
            if (strcmp(e->history[i].changes[k].name, name) == 0) {
                tell_round(t, &e->history[i]);
                any = true;
                break;
            }
    if (!any && e->nhistory > 0)
        tell_line(t, "None of the %d rounds has changed it.", e->nhistory);
}

/* What the figures say of another value: of a rule that fires, or that it cannot matter. */
static void tell_case(struct teller *t, const struct sense *s, const char *name)
{
    struct candidates *all = xcalloc(1, sizeof *all);
    bool found = false;
    rules_collect(s, all);
    for (int i = 0; i < all->n && !found; i++) {
        const struct setting_change *c = &all->changes[i];
        if (strcmp(c->name, name) != 0)
            continue;
        tell_line(t, "The figures speak for %s: %s. %s", c->value, c->evidence, c->why);
        if (strpbrk(c->evidence, "0123456789"))
            tell_figure(t, "evidence", "%.90s", c->evidence);
        found = true;
    }
    if (!found && (s->w.valid || s->e->nplans > 0))
        tell_line(t, "Nothing that was measured here speaks for another value of it.");
    free(all);
}

static void tell_known(struct teller *t, const struct known_setting *k)
{
    char list[300] = "";
    for (int i = 0; i < k->interacts.n; i++) {
        size_t len = strlen(list);
        say(list + len, sizeof list - len, "%s%s", len ? ", " : "", k->interacts.items[i]);
    }
    if (k->speaks_for.n > 0)
        tell_line(t, "For more of it speaks: %s.", k->speaks_for.items[0]);
    if (k->speaks_against.n > 0)
        tell(t, "Against it: %s.", k->speaks_against.items[0]);
    if (list[0])
        tell(t, "It acts together with %s.", list);
}

/* A setting of that name, or the one that begins so. */
static const struct setting *find_setting(const struct server_facts *f, const char *name)
{
    char word[64];
    size_t n = 0;
    for (name += strspn(name, " "); *name && *name != ' ' && n + 1 < sizeof word; name++)
        word[n++] = *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name;
    word[n] = '\0';
    return settings_find(&f->settings, word);
}

void op_builtin_parameter(const struct op_input *in, struct prose *out)
{
    const char *name = in->question ? in->question : "";
    struct teller t;
    struct sense s;
    teller_init(&t, out);
    sense_init(&s, in->e);
    const struct setting *x = find_setting(s.f, name);
    if (!x) {
        tell(&t, "This server has no setting %.63s.", name);
        tell_server(&t, &s);
        tell(&t, "It knows %d settings; Tab completes their names.", s.f->settings.n);
        return;
    }
    struct knowledge *all = knowledge_load();
    const struct known_setting *k = knowledge_find(all, x->name);
    const struct knob *knob = knob_find(x->name);
    tell(&t, "%s: %s", x->name,
         k      ? k->meaning
         : knob ? knob->meaning
                : "a setting that no advisor changes; PostgreSQL's manual describes it.");
    tell_value(&t, &s, x);
    if (k)
        tell_known(&t, k);
    tell_case(&t, &s, x->name);
    tell_rounds_with(&t, in->e, x->name);
    enum refusal danger = danger_find(x->name);
    if (danger != REFUSE_NONE && danger != REFUSE_UNKNOWN)
        tell_line(&t, "It is not proposed: it %s.", refusal_name(danger));
    tell_line(&t, "The server:");
    tell_server(&t, &s);
    tell_bottleneck(&t, &s);
    free(all);
}
