/* store.h - the files of a workspace: names, session.json, workspace.json, index.json, the journal.
 *
 * Text in, text out: nothing here touches a disk; app/flow emits the file effects. */
#pragma once

#include "pgd/workspace/model.h"
#include "pgd/workspace/store_index.h"

/* DATABASE_HOST[_PORT] as docs/contract.md says: other bytes %XX, dots of an address '-', socket = local. */
void store_workspace_name(const char *database, const char *host, const char *port, char *dst,
                          size_t size);
/* STRATEGY_MMDDYYYY-HHMMSS, with -2, -3 … when `taken` says so. */
void store_session_name(const char *strategy, int64_t wall_us, bool (*taken)(void *, const char *),
                        void *arg, char *dst, size_t size);

/* A state of a session as a word: "start", "R2" (after round 2), "final". */
void store_node_text(int node, char *dst, size_t size);

void store_session_json(const struct session *s, struct buf *out);
/* Reads session.json; *e names file position or field, or the newer format. s is empty after an error. */
PGD_MUST_CHECK bool store_session_parse(const char *text, size_t len, struct session *s,
                                        struct err *e);
/* The line of index.json that stands for a session. */
void store_session_row(const struct session *s, struct session_row *row);
/* For the worker that reads a session.json (`digest`); arg: the name of its folder. */
struct session_read {
    char name[128];
    struct session *session; /* owned: whoever takes it clears the pointer; NULL = err */
    struct err err;
};
void *store_session_digest(const char *text, size_t len, const char *arg);
void store_session_digest_free(void *read);
/* The same file with another title, arg ("" = none); all else in it stays, also what this version does not know. */
struct title_read {
    struct buf text; /* empty = err */
    struct err err;
};
void *store_title_digest(const char *text, size_t len, const char *arg);
void store_title_digest_free(void *read);
/* One of the built-in workloads (assets/workloads/NAME.json): its scripts and what it is, into the plan. */
PGD_MUST_CHECK bool store_workload(const char *name, struct sdl *plan, struct err *e);
void store_workspace_json(const struct model *m, struct buf *out);
/* Reads the pinned identity of workspace.json. */
PGD_MUST_CHECK bool store_workspace_parse(const char *text, size_t len, struct identity *id,
                                          struct err *e);
/* How the server's host was reached by ssh, as the command line named it; all "" when it was not. */
struct ssh_way {
    char host[256], user[64], port[8];
};
/* How the workspace was connected to last, for the next time; no secret. False and *e: the file does not say. */
struct workspace_way {
    struct connect_params connect; /* no password, no picked database */
    struct ssh_way ssh;
    char ssh_key[512];
    bool demo; /* the private server of `demo` */
};
PGD_MUST_CHECK bool store_workspace_way(const char *text, size_t len, struct workspace_way *way,
                                        struct err *e);
void store_workspace_ssh(const char *text, size_t len, struct ssh_way *way);
/* How long the newest restart here took the server away, seconds; NAN = there was none. */
double store_workspace_restart_s(const char *text, size_t len);
/* The noise floors that were measured here; what makes no sense is passed over. */
void store_workspace_floors(const char *text, size_t len, struct workspace *w);
/* … what its sessions have learnt (lessons.h). */
void store_workspace_lessons(const char *text, size_t len, struct workspace *w);
/* Reads what the DBA has said of the advice beyond settings (advice_notes.h), if it was said of this server: of another, or of one
 * that may be another, none of it counts. Returns how many answers were left out by that. */
int store_workspace_advice(const char *text, size_t len, const struct identity *now,
                           struct workspace *w);
/* What our runs have made the server count; all 0 where the file does not say, or says what makes no sense. */
void store_workspace_own(const char *text, size_t len, struct own_totals *own);
/* What models have cost in this workspace so far; what makes no sense counts as nothing. */
void store_workspace_spent(const char *text, size_t len, struct spent *s);
/* The digest of the PGDIAG.md that the DBA has trusted; "" = none. */
void store_workspace_trusted(const char *text, size_t len, char *dst, size_t size);
/* Reads server and machine of workspace.json into f, for a report without a connection. */
PGD_MUST_CHECK bool store_workspace_facts(const char *text, size_t len, struct server_facts *f,
                                          struct err *e);

/* What a journal says after a crash. Torn last lines are ignored; a damaged line inside is an error that
 * names its number. */
struct journal_state {
    struct ledger ledger;
    uint64_t last_no;
    bool unfinished; /* an intent without applied/undone */
    char unfinished_arm[48];
    bool unfinished_restart;
    bool unfinished_by_hand; /* the DBA was asked for it, or for its restart */
    bool by_hand;            /* every change is the DBA's: entries are what runs */
    int runs;                /* bench records */
    int intents, applied, undone;
    enum session_state ended; /* ARCHIVED or FAILED when it says that the session came to its end */
    struct left_step left;    /* the step that was under way */
};
PGD_MUST_CHECK bool store_journal_replay(const char *text, size_t len, struct journal_state *j,
                                         struct err *e);
/* Other journal records: bench runs, verdicts, states; one line with its newline. */
void store_journal_bench(const struct bench_run *r, const char *arm_label, struct buf *out);
/* … the step that begins (struct left_step). */
void store_journal_step(const struct left_step *left, struct buf *out);
void store_journal_note(const char *event, const char *key, const char *value, struct buf *out);
/* Raw series of one run as CSV text. */
void store_run_csv(const struct bench_run *r, struct buf *out);
void store_telemetry_csv(const struct collect *c, int seconds, struct buf *out);
