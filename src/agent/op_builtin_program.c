/* Builtin answers about the program and the session: what it has changed, how that is taken back, what comes next and how long it takes,
 * what a restart would cost, where things are written. What is the same for everybody is said in the words of the guide; figures are of
 * the evidence alone. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/op_question.h"
#include "pgd/agent/rules.h"
#include "pgd/base/text.h"

/* What this session has in force: "work_mem = 64MB, …". False: nothing. */
static bool in_force(const struct asked *q)
{
    const struct arm *best = q->in->e->best_arm;
    bool any = false;
    for (int i = 0; best && i < best->n; i++) {
        const struct entry *x = &best->entries[i];
        if (!any)
            tell_line(q->t, "In force by this session:");
        any = true;
        if (x->present) {
            tell(q->t, "%s = %s.", x->name, x->value);
            tell_figure(q->t, x->name, "%.90s", x->value);
        } else {
            tell(q->t, "%s: taken out of the configuration.", x->name);
        }
    }
    return any;
}

void asked_changes(const struct asked *q)
{
    const struct evidence *e = q->in->e;
    bool any = false;
    if (!in_force(q))
        tell_line(q->t, "This session has changed nothing on the server that still stands.");
    for (int i = 0; i < e->nhistory; i++) {
        if (!any)
            tell_line(q->t, "What was measured:");
        any = true;
        tell_round(q->t, &e->history[i]);
    }
    for (int i = 0; i < e->nrejected && i < 6; i++)
        tell_line(q->t, "You turned down %s = %s.", e->rejected[i].name, e->rejected[i].value);
    if (!any)
        tell_line(q->t, "No round has been measured yet. Nothing is changed before you accept its "
                        "line in a review; /sql-log shows each statement that was sent.");
}

void asked_undo(const struct asked *q)
{
    if (!in_force(q))
        tell_line(q->t, "This session has nothing in force that would have to be undone.");
    tell_line(q->t,
              "u, or /undo, takes back what the round kept whose verdict waits for an answer.");
    tell_line(q->t, "/pause undoes the step under way, and asks whether the best state stays in "
                    "force or the server goes back to the start.");
    tell_line(q->t, "In the tree of sessions v brings the server back to the state under the "
                    "cursor: the review shows each statement first.");
    tell_line(q->t, "A session that ends without a gain undoes everything by itself; what is "
                    "exported has its way back beside it (undo_tuning.sql).");
}

void asked_export(const struct asked *q)
{
    const struct evidence *e = q->in->e;
    tell_line(q->t,
              "/export writes report, configuration, playbook, SQL with its undo and the forms "
              "of others into exports/ of the workspace; /export conf, /export html and the "
              "like write one of them; /help export lists them.");
    tell_line(q->t,
              "It is made of ARCHIVED sessions alone: a session is archived when it ends with "
              "something gained (/close confirms and ends the one that runs).");
    if (e->nhistory > 0)
        tell_line(q->t, "This session has measured %d round%s so far.", e->nhistory,
                  e->nhistory == 1 ? "" : "s");
    tell_line(q->t, "In a live view e writes its table as CSV and JSON.");
}

/* "45 s", "6 min", "2 h 5 min": whole numbers, as the evidence has them. */
static const char *span(int seconds, char dst[40])
{
    if (seconds < 120)
        snprintf(dst, 40, "%d s", seconds);
    else if (seconds < 5940)
        snprintf(dst, 40, "%d min", seconds / 60);
    else
        snprintf(dst, 40, "%d h %d min", seconds / 3600, seconds % 3600 / 60);
    return dst;
}

void asked_duration(const struct asked *q)
{
    const struct evidence *e = q->in->e;
    const struct sdl *p = e->plan;
    char run[40], budget[40];
    if (!p || p->budget_s <= 0) {
        tell_line(q->t, "No session runs, so nothing is under way. t begins one: its plan shows "
                        "before anything is measured how long a run takes, how many rounds there "
                        "are at the most, and the budget of the whole session; e changes each.");
        return;
    }
    tell_line(q->t,
              "The whole session has a budget of %s: a baseline, then at most %d rounds with runs "
              "of %s.",
              span(p->budget_s, budget), p->rounds, span(p->duration_s, run));
    tell_figure(q->t, "budget", "%d s", p->budget_s);
    tell_figure(q->t, "one run", "%d s", p->duration_s);
    if (p->min_runs > 0 && p->max_runs > 0)
        tell(q->t,
             "A round measures before and after with %d to %d runs each, fewer where it is "
             "clear sooner.",
             p->min_runs, p->max_runs);
    if (isfinite(e->seconds_left)) {
        tell(q->t, "%s of the budget are left; it stands still while a question is open.",
             span((int)e->seconds_left, budget));
        tell_figure(q->t, "left", "%.0f s", e->seconds_left);
    }
    tell(q->t, "%d round%s measured so far.", e->nhistory, e->nhistory == 1 ? " was" : "s were");
}

void asked_restart(const struct asked *q)
{
    const struct server_facts *f = q->s->f;
    const struct runtime_facts *r = &f->runtime;
    int waiting = 0;
    tell_line(q->t,
              "Nothing is restarted without an answer of yours: in a review lines that need a "
              "restart are marked RESTART with its price, and are never preset.");
    if (r->sessions >= 0) {
        tell_line(q->t, "A restart now would drop %.0f sessions, %.0f of them at work.",
                  r->sessions, r->sessions_active > 0 ? r->sessions_active : 0);
        tell_figure(q->t, "sessions", "%.0f", r->sessions);
    }
    if (r->longest_xact_s > 0) {
        tell(q->t, "The longest transaction is %.0f s old and would be lost.", r->longest_xact_s);
        tell_figure(q->t, "longest transaction", "%.0f s", r->longest_xact_s);
    }
    if (r->replicas > 0)
        tell(q->t, "%.0f standbys are connected.", r->replicas);
    if (r->base_backup)
        tell(q->t, "A base backup is running: it would fail.");
    if (r->prepared_xacts > 0)
        tell(q->t, "%.0f prepared transactions would survive it and go on holding their locks.",
             r->prepared_xacts);
    for (int i = 0; i < f->settings.n && waiting < 5; i++)
        if (f->settings.items[i].pending_restart) {
            tell_line(q->t, "%s has another value in the file, which waits for the next restart.",
                      f->settings.items[i].name);
            waiting++;
        }
    if (q->in->e->plan)
        tell_line(q->t, q->in->e->restart_allowed
                            ? "This session has a way to restart the server, should you accept a "
                              "line that needs it."
                            : "This session has no way to restart the server: what needs one is "
                              "left to you.");
    tell_line(q->t, "Cached pages are gone after it, so that the first minutes are slower.");
}

void asked_safety(const struct asked *q)
{
    tell_line(q->t, "Nothing is changed before you accept its line: the review shows the exact "
                    "statement, its undo, whom it reaches and what it costs.");
    tell_line(q->t, "What is accepted goes by ALTER SYSTEM (where a platform keeps the settings it "
                    "is yours to change), is written to a journal first, verified "
                    "afterwards, and undone when it fails or does not improve anything.");
    tell_line(q->t,
              "What may lose data is refused, durability trades are never mixed in, and what "
              "does not fit into memory is refused, too. --readonly takes away every key that "
              "changes something.");
    if (!in_force(q))
        tell_line(q->t, "So far this session has nothing in force.");
}

void asked_happens(const struct asked *q)
{
    const struct evidence *e = q->in->e;
    if (q->in->where && q->in->where[0])
        tell_line(q->t, "On the screen: %s.", q->in->where);
    if (!(e->baseline_tps > 0)) {
        tell_line(q->t, e->plan ? "Next the workload is prepared and a baseline is measured."
                                : "t begins a session: you pick a strategy and agree to its plan, "
                                  "then a baseline is measured.");
        tell(q->t, "Then come rounds: a proposal, your answer to each of its lines, the "
                   "measurement, a verdict. Nothing is changed before you accept a line.");
        return;
    }
    struct proposal *p = xcalloc(1, sizeof *p);
    builtin_next_round(e, p);
    tell_line(q->t, "The baseline is %.1f TPS, and %d round%s measured.", e->baseline_tps,
              e->nhistory, e->nhistory == 1 ? " was" : "s were");
    tell_figure(q->t, "baseline", "%.1f TPS", e->baseline_tps);
    tell_line(q->t, "Next: %s", p->summary);
    tell_line(q->t,
              "Rounds go on until the target is reached, nothing is left that could matter, or "
              "the budget ends; then the best state is confirmed against the start.");
    free(p);
}

void asked_verdict(const struct asked *q)
{
    const struct evidence *e = q->in->e;
    tell_line(q->t,
              "A verdict compares interleaved runs with and without the change. Improved: the "
              "whole interval of the effect is a gain, and the effect is larger than the "
              "noise of this machine. Regressed: the same the other way round. Inconclusive: "
              "everything else.");
    if (e->floor > 0) {
        tell(q->t, "Differences below %s are this machine's noise.", share_figure(e->floor).text);
        tell_figure(q->t, "noise", "%s", share_figure(e->floor).text);
    }
    if (e->nhistory > 0)
        tell_round(q->t, &e->history[e->nhistory - 1]);
}

void asked_target(const struct asked *q)
{
    const struct evidence *e = q->in->e;
    if (e->plan && e->plan->target_tps > 0) {
        tell_line(q->t, "The target is %.0f TPS.", e->plan->target_tps);
        tell_figure(q->t, "target", "%.0f TPS", e->plan->target_tps);
    } else {
        tell_line(q->t,
                  "No target was set: the goal is a gain with evidence. In the plan, and after "
                  "the baseline, a target can be given.");
    }
    if (e->best_tps > 0)
        tell(q->t, "The best so far is %.1f TPS.", e->best_tps);
    if (e->baseline_tps > 0) {
        tell(q->t, "The baseline is %.1f TPS.", e->baseline_tps);
        tell_figure(q->t, "baseline", "%.1f TPS", e->baseline_tps);
    }
}

void asked_workload(const struct asked *q)
{
    const struct sdl *p = q->in->e->plan;
    if (!p || !p->workload[0]) {
        tell_line(q->t, "No workload is chosen yet. The plan of a session names it: one that is "
                        "built in, pgbench scripts of yours (--script), the statements that "
                        "pg_stat_statements has seen, or the traffic that is there (--observe).");
        return;
    }
    tell_line(q->t, "The workload is %s, with %d clients, in runs of %d s.", p->workload,
              p->clients, p->duration_s);
    tell_figure(q->t, "clients", "%d", p->clients);
    if (p->database[0])
        tell(q->t, "It runs in the database %s.", p->database);
    for (int i = 0; i < p->nscripts && i < 4; i++)
        tell(q->t, "Script: %s.", p->scripts[i].path);
}

void asked_model(const struct asked *q)
{
    tell_line(q->t,
              "This is the built-in advisor: rules over the figures of this server. It asks no "
              "model, and costs nothing.");
    tell_line(q->t, "A model answers freely: /model picks one (with a key in the environment, or a "
                    "server of your own). /privacy says what it may be told, /privacy show the "
                    "request byte by byte, /cost what it came to.");
}

void asked_pause(const struct asked *q)
{
    tell_line(q->t, "/pause, or Ctrl-C, stops the run, undoes the step under way and keeps the "
                    "session; /resume goes on with it, /switch with another one. /close ends it: "
                    "the best state is confirmed and kept.");
    tell_line(q->t, "q leaves; a session that runs is asked about first. After a crash the next "
                    "start offers to resume or to undo.");
    in_force(q);
}

void asked_files(const struct asked *q)
{
    int n = 0;
    tell_line(q->t, "Accepted lines are written by ALTER SYSTEM (where a platform keeps the "
                    "settings, there, by you), which keeps them in "
                    "postgresql.auto.conf. /view settings shows every setting with where it comes "
                    "from.");
    for (int i = 0; i < q->s->f->settings.n && n < 8; i++) {
        const struct setting *x = &q->s->f->settings.items[i];
        if (strcmp(x->source, "configuration file") != 0)
            continue;
        if (n++ == 0)
            tell_line(q->t, "Set in files:");
        tell(q->t, "%s = %s.", x->name, x->shown[0] ? x->shown : x->value);
    }
}

void asked_keys(const struct asked *q)
{
    tell_line(q->t,
              "The bottom line names the keys that work here, ? all of them. / begins a "
              "command, Tab completes it, Ctrl-P finds commands and actions by their letters.");
    tell_line(q->t,
              "t starts a session. Tab and the digits change the pane, z fills the screen with "
              "it; live views have digits, too (activity, blocking, statements, tables). q "
              "leads back, and out.");
}
