/* pane.h - the panes: each draws one part of the model into a rectangle without its frame. */
#pragma once

#include "pgd/ui/view.h"

typedef void (*pane_draw_fn)(struct canvas *c, struct rect r, const struct model *m);

struct pane_row {
    const char *title;
    pane_draw_fn draw;
    const char
        *keys; /* that work in this pane alone, for its help: "s sort  f filter"; NULL = none */
};

extern const struct pane_row pane_table[PANE_COUNT];

void pane_tree(struct canvas *c, struct rect r, const struct model *m);
void pane_bench(struct canvas *c, struct rect r, const struct model *m);
void pane_telemetry(struct canvas *c, struct rect r, const struct model *m);
void pane_ai(struct canvas *c, struct rect r, const struct model *m);
void pane_rounds(struct canvas *c, struct rect r, const struct model *m);

/* The rows of the tree, for its cursor: how many, and the index in workspace.sessions of a row (-1: none). */
int pane_tree_rows(const struct model *m);
int pane_tree_session(const struct model *m, int row);

/* How many lines the AI pane has at a width: its scroll, counted from the end, stays below that. */
int pane_ai_lines(const struct model *m, int width);
/* How far up so many lines can be scrolled in a pane of so many rows: one of them is taken by what is said of the lines below. */
int pane_ai_most(int lines, int rows);
/* How many lines of it stand below the end of message `at`. */
int pane_ai_below(const struct model *m, int width, int at);
/* The call that is under way, in words: "gemini-3.8-flash thinks, 4 s"; "" = none. The DBA's own comes first. */
void pane_call(const struct model *m, char *dst, size_t size);
/* The text of the DBA's question's answer as far as it has come, appended; of a long one about the last `most` bytes, 0 = all. A
 * cell takes four bytes at the most: 4 * width * height fill a pane. */
void pane_live(const struct model *m, size_t most, struct buf *out);
/* How the figures of a host over ssh come, in words: "via ssh, answers in 12 ms", or since when and why there are none. */
void pane_host_text(const struct model *m, char *dst, size_t size);
bool pane_host_gap(const struct model *m);  /* a host over ssh has told nothing for seconds */
bool pane_clock_off(const struct model *m); /* its clock is certainly more than a second off ours */
void pane_clock_text(const struct model *m, char *dst, size_t size);
/* Parts of the telemetry pane: that row (returns the rows it took), and the server's busiest processes. */
int pane_host(struct canvas *c, struct rect r, int y, const struct model *m);
void pane_busy(struct canvas *c, struct rect r, int y, const struct model *m);
/* "postgres@10.0.0.230": role and host of the control link, or what was asked for. */
void pane_who(const struct model *m, char *dst, size_t size);
/* "00:41" from seconds; "1:02:03" from an hour on. */
void pane_clock(char *dst, size_t size, double seconds);
/* "5892" without separators; "-" when unknown. */
void pane_number(char *dst, size_t size, double value);
/* What a session has measured, as "367" ARROW "910": both of the runs that its gain is told by; one figure where those have one
 * alone, or nothing was kept; "" = nothing was measured. */
void pane_row_tps(const struct session_row *r, const char *arrow, char *dst, size_t size);
/* A session that ended before a round was measured: nothing has failed. */
bool pane_without_round(const struct session_row *r);
/* A metric's value with its unit: "88 MB/s", "71 %", "0.9 ms". */
void pane_metric(char *dst, size_t size, double value, const char *unit);
/* The newest n seconds of a series as the screen shows them: frozen time is left out. */
int pane_series(const struct model *m, enum metric_id id, int n, double *out);
enum graph_kind pane_graph(const struct model *m); /* never GRAPH_AUTO */
/* The strategy and round under way: "WriteOptimize R2"; "" when there is none. */
void pane_session_name(const struct model *m, char *dst, size_t size);
unsigned pane_verdict_style(enum verdict_kind v);
