/* panes.h - the names of what the screen shows and how, for the model and for the views. */
#pragma once

enum pane {
    PANE_TREE,      /* sessions of the workspace */
    PANE_BENCH,     /* the run: TPS in time, latencies */
    PANE_TELEMETRY, /* the server and its machine */
    PANE_AI,        /* what the advisor says, and the questions to it */
    PANE_ROUNDS,    /* the rounds of this session and what each brought */
    PANE_COUNT
};

enum graph_kind {
    GRAPH_AUTO,    /* for options only */
    GRAPH_BRAILLE, /* 2 by 4 dots in a cell */
    GRAPH_BLOCK,   /* eighths of a cell */
    GRAPH_ASCII,   /* one character a cell */
    GRAPH_WORDS    /* nothing is drawn: the figures are said (plain mode) */
};

/* Rows of the plan dialog, in the order they are shown; the scripts of the workload follow them, so that
 * dialog.cursor >= PLAN_FIELDS means script cursor - PLAN_FIELDS. */
enum plan_field {
    PLAN_WORKLOAD, /* the built-in workloads in turn, or the DBA's scripts */
    PLAN_CLIENTS,
    PLAN_DURATION, /* seconds of one measured run */
    PLAN_ROUNDS,
    PLAN_BUDGET, /* minutes of the whole session */
    PLAN_TARGET, /* TPS; 0 = the verdict improved */
    PLAN_GOAL,   /* throughput, or a percentile of the latency at a rate */
    PLAN_RATE,   /* transactions a second that are offered; 0 = as many as go */
    PLAN_RESTART,
    PLAN_PROTOCOL,
    PLAN_WINDOW,  /* when the server may be restarted */
    PLAN_TRAFFIC, /* what happens when others use the server */
    PLAN_COMPARE, /* the best beside the defaults and pgtune */
    PLAN_FIELDS
};
