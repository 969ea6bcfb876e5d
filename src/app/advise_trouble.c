/* advise_trouble.c - what failed explains itself: by rules at once, and in the words of a model where one is asked; see advise.h. */
#include <string.h>

#include "pgd/app/advise.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/logwatch.h"
#include "pgd/base/text.h"

/* Once for each failure: a model's words come after those of the event that reports it. */
static void tell(struct model *m, struct effects *fx)
{
    const struct advising *v = &m->advising;
    struct line *l = line_new("diagnosis");

    line_text(l, "what", v->trouble);
    line_text(l, "advisor", v->diagnosis.advisor.text);
    line_text(l, "message", v->trouble_err.msg);
    line_text(l, "explanation", v->diagnosis.explanation);
    line_text(l, "fix", v->diagnosis.fix);
    flow_emit(m, l, fx);
}

static void say(struct model *m)
{
    const struct diagnosis *d = &m->advising.diagnosis;

    model_say(m, CHAT_AI, "%s: %s", d->advisor.text, d->explanation);
    if (d->fix[0])
        model_say(m, CHAT_AI, "%s", d->fix);
}

void advise_failed(struct model *m, const char *what, const struct err *e)
{
    struct advising *v = &m->advising;
    struct evidence ev;

    model_evidence(m, &ev);
    text_copy(v->trouble, sizeof v->trouble, what);
    v->trouble_err = *e;
    logwatch_trouble(m, v->trouble_log, sizeof v->trouble_log);
    /* The rules go by what the failed step itself has said, where it has said anything. */
    builtin_diagnose(&ev, what, e, m->apply.log_line[0] ? m->apply.log_line : v->trouble_log,
                     &v->diagnosis);
    say(m);
}

/* A rule of ours that said no explains itself: who is asked about it could only repeat it. */
static bool refused(const struct err *e)
{
    return e->code == ERR_REFUSED || e->code == ERR_USAGE || e->code == ERR_CANCELLED;
}

void advise_explain(struct model *m, struct effects *fx)
{
    char why[200];

    if (!refused(&m->advising.trouble_err) &&
        partner_speaks(&m->partner, m->now_us, why, sizeof why))
        advise(m, OP_DIAGNOSE, fx);
    else
        tell(m, fx);
}

void advise_diagnosed(struct model *m, const struct op_answer *a, struct effects *fx)
{
    struct advising *v = &m->advising;
    struct dialog *d = &m->screen.dialog;

    if (!a->by_rules) {
        v->diagnosis = a->u.diagnosis;
        if ((d->kind == DIALOG_ERROR || d->kind == DIALOG_HOSTS) &&
            strcmp(d->err.msg, v->trouble_err.msg) == 0)
            d->diagnosis = v->diagnosis;
        say(m);
    }
    tell(m, fx);
    if (v->leaving)
        flow_quit(m, v->leave_code, fx);
}

bool advise_explaining(const struct model *m)
{
    const struct ask *a = &m->asks[ASK_ASIDE];

    return a->op == OP_DIAGNOSE && ask_open(a);
}

void advise_leave(struct model *m, int exit_code, struct effects *fx)
{
    m->advising.leaving = advise_explaining(m);
    m->advising.leave_code = exit_code;
    if (!m->advising.leaving)
        flow_quit(m, exit_code, fx);
}
