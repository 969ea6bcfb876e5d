/* dialog.h - the layers that ask something: one row of a table each. */
#pragma once

#include "pgd/ui/view.h"

struct dialog_text;
typedef void (*dialog_draw_fn)(struct canvas *c, struct rect screen, const struct model *m,
                               const struct view_tables *t, struct view_cursor *cursor);

struct dialog_row {
    dialog_draw_fn draw;
    unsigned where;   /* KEY_IN_*: its keys stand in the table of keys … */
    const char *keys; /* … or here, where a dialog has its own: "Enter take  e edit" */
};

/* The row of a kind; draw is NULL for DIALOG_NONE. */
const struct dialog_row *dialog_find(enum dialog_kind kind);

/* dialog_help.c */
void dialog_help(struct canvas *c, struct rect screen, const struct model *m,
                 const struct view_tables *t, struct view_cursor *cursor);

/* dialog_finder.c: a row is a command, with the key of the same name if there is one, or an action that has a key alone. */
enum { FINDER_MAX = 96, FINDER_TEXT_MAX = 64 };
struct finder_row {
    const struct command_row *command; /* NULL = an action */
    const struct key_row *key;         /* NULL = it has none */
    int fit, ago;                      /* how well the letters fit; lines since its last use */
};
/* What the letters in dialog.input leave, the best first; returns how many. */
int dialog_finder_list(const struct model *m, const struct view_tables *t,
                       struct finder_row out[FINDER_MAX]);
void dialog_finder(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor);
void dialog_theme(struct canvas *c, struct rect screen, const struct model *m,
                  const struct view_tables *t, struct view_cursor *cursor);

void dialog_strategy(struct canvas *c, struct rect screen, const struct model *m,
                     const struct view_tables *t, struct view_cursor *cursor);
void dialog_plan(struct canvas *c, struct rect screen, const struct model *m,
                 const struct view_tables *t, struct view_cursor *cursor);
void dialog_target(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor);
void dialog_review(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor);
void dialog_verdict(struct canvas *c, struct rect screen, const struct model *m,
                    const struct view_tables *t, struct view_cursor *cursor);
void dialog_summary(struct canvas *c, struct rect screen, const struct model *m,
                    const struct view_tables *t, struct view_cursor *cursor);
void dialog_recover(struct canvas *c, struct rect screen, const struct model *m,
                    const struct view_tables *t, struct view_cursor *cursor);
void dialog_password(struct canvas *c, struct rect screen, const struct model *m,
                     const struct view_tables *t, struct view_cursor *cursor);
void dialog_status(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor);
void dialog_stuck(struct canvas *c, struct rect screen, const struct model *m,
                  const struct view_tables *t, struct view_cursor *cursor);
void dialog_error(struct canvas *c, struct rect screen, const struct model *m,
                  const struct view_tables *t, struct view_cursor *cursor);
void dialog_quit(struct canvas *c, struct rect screen, const struct model *m,
                 const struct view_tables *t, struct view_cursor *cursor);
/* dialog_pause.c */
void dialog_pause(struct canvas *c, struct rect screen, const struct model *m,
                  const struct view_tables *t, struct view_cursor *cursor);
void dialog_again(struct canvas *c, struct rect screen, const struct model *m,
                  const struct view_tables *t, struct view_cursor *cursor);
/* The session has settings in force that a pause can take back. */
bool dialog_can_go_back(const struct model *m);
void dialog_say_best(struct dialog_text *text, const struct model *m); /* what they are */
/* dialog_start.c, dialog_start_server.c */
void dialog_start(struct canvas *c, struct rect screen, const struct model *m,
                  const struct view_tables *t, struct view_cursor *cursor);
void dialog_start_server(struct canvas *c, struct rect screen, const struct model *m,
                         const struct view_tables *t, struct view_cursor *cursor);
void dialog_start_databases(struct canvas *c, struct rect screen, const struct model *m,
                            const struct view_tables *t, struct view_cursor *cursor);
/* The keys of the page that is shown. */
const char *dialog_start_keys(const struct model *m);
/* Who advises, and whether that sends anything away. */
void dialog_advisor(const struct model *m, char *dst, size_t size);
void dialog_manual(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor);
void dialog_scripts(struct canvas *c, struct rect screen, const struct model *m,
                    const struct view_tables *t, struct view_cursor *cursor);

/* dialog_model.c */
void dialog_notice(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor);
void dialog_model(struct canvas *c, struct rect screen, const struct model *m,
                  const struct view_tables *t, struct view_cursor *cursor);
void dialog_cost(struct canvas *c, struct rect screen, const struct model *m,
                 const struct view_tables *t, struct view_cursor *cursor);
void dialog_preview(struct canvas *c, struct rect screen, const struct model *m,
                    const struct view_tables *t, struct view_cursor *cursor);
void dialog_trust(struct canvas *c, struct rect screen, const struct model *m,
                  const struct view_tables *t, struct view_cursor *cursor);

/* dialog_sessions.c */
void dialog_sessions(struct canvas *c, struct rect screen, const struct model *m,
                     const struct view_tables *t, struct view_cursor *cursor);
void dialog_page_of(struct canvas *c, struct rect screen, const struct model *m,
                    const struct view_tables *t, struct view_cursor *cursor); /* m->page */
void dialog_rename(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor);
void dialog_delete(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor);
void dialog_switch(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor);

/* dialog_signal.c */
void dialog_signal(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor);

/* dialog_health.c */
void dialog_health(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor);

/* dialog_advice.c */
void dialog_advice(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor);

/* dialog_host.c */
void dialog_host_key(struct canvas *c, struct rect screen, const struct model *m,
                     const struct view_tables *t, struct view_cursor *cursor);
void dialog_host_word(struct canvas *c, struct rect screen, const struct model *m,
                      const struct view_tables *t, struct view_cursor *cursor);
void dialog_hosts(struct canvas *c, struct rect screen, const struct model *m,
                  const struct view_tables *t, struct view_cursor *cursor);
/* A link is not up that is wanted. */
bool dialog_hosts_can_retry(const struct model *m);
/* "dba@db1", port included where it was given. */
void dialog_host_name(const struct model *m, enum ssh_conn conn, char *dst, size_t size);

/* dialog_ask.c: the answer to a question that was asked from a dialog stands below it. Rows that it takes of `body`. */
int dialog_ask_rows(const struct model *m, struct rect body);
void dialog_ask(struct canvas *c, struct rect r, const struct model *m);
/* How many lines the answer can be scrolled up. */
int dialog_ask_most(const struct model *m, struct rect body);
/* A question can be asked from this dialog. */
bool dialog_asks(enum dialog_kind kind);
/* What leaves the machine at this level, for the DBA. */
const char *dialog_privacy(enum privacy p);

/* What a dialog is about, in words that go on with "waits": "the proposal". */
const char *dialog_subject(enum dialog_kind kind);
/* What the DBA is waited for while no dialog is shown, because it came at the wrong moment or was put off; DIALOG_NONE =
 * nothing. `t` opens it. */
enum dialog_kind dialog_waiting(const struct model *m);
enum dialog_kind dialog_of_decision(enum decision d);
/* The keys that work now, of the open dialog or else of the panes: "Enter go  Esc later". */
void dialog_keys(const struct model *m, const struct view_tables *t, struct buf *out);
/* Those of a kind of dialog, whatever is edited in it. */
void dialog_keys_of(const struct model *m, const struct view_tables *t, enum dialog_kind kind,
                    struct buf *out);
/* The frame of the open dialog with its keys in the lower line; returns its inside. */
struct rect dialog_open(struct canvas *c, struct rect screen, int w, int h, const char *title,
                        const struct model *m, const struct view_tables *t);
/* The text that is edited in a dialog (d->input), in one row, with the cursor. */
void dialog_input(struct canvas *c, int y, int x, int width, const struct dialog *d,
                  struct view_cursor *cursor);

/* Paragraphs one below the other in r, scrolled as one text. */
struct dialog_text {
    struct canvas *c;
    struct rect r;
    int skip; /* lines that are scrolled away */
    int line; /* lines so far */
};
void dialog_say(struct dialog_text *d, unsigned style, const char *fmt, ...) PGD_PRINTF(3, 4);
void dialog_gap(struct dialog_text *d);
/* One row, cut where it is too long. */
void dialog_row_cut(struct dialog_text *d, unsigned style, const char *fmt, ...) PGD_PRINTF(3, 4);
/* A label and a value in one row. */
void dialog_pair(struct dialog_text *d, const char *label, unsigned style, const char *fmt, ...)
    PGD_PRINTF(4, 5);

/* dialog_host.c: a row for each link by ssh that is wanted. */
void dialog_say_hosts(struct dialog_text *text, const struct model *m);

/* dialog_beside.c: statements and plans of that round, the comparison as bars, the sweep of clients */
void dialog_say_statements(struct dialog_text *t, const struct model *m, int round);
void dialog_say_comparison(struct dialog_text *t, const struct model *m);
void dialog_say_knee(struct dialog_text *t, const struct model *m);
void dialog_say_trades(struct dialog_text *t, const struct model *m);
int dialog_comparison_rows(const struct model *m); /* 0 = there is none */
void dialog_comparison_row(const struct model *m, int row, char *dst, size_t size);

typedef void (*dialog_page_fn)(struct dialog_text *d, const struct model *m);
/* The text of a dialog within r, scrolled by dialog.scroll; what is beyond is told in r's last row. `lines`: how many it has at
 * that width, from dialog_measure(). cursor->scroll says how far it is scrolled. */
void dialog_texts(struct canvas *c, struct rect r, const struct model *m, dialog_page_fn say,
                  int lines, struct view_cursor *cursor);
int dialog_measure(struct canvas *c, int width, const struct model *m, dialog_page_fn say);
/* A dialog that is one text: as high as the text needs, at most the screen. */
void dialog_page(struct canvas *c, struct rect screen, int w, const char *title,
                 const struct model *m, const struct view_tables *t, dialog_page_fn say,
                 struct view_cursor *cursor);
