/* plan.h - what EXPLAIN (ANALYZE, BUFFERS, text) says about one statement of the workload. */
#pragma once

#include <stdbool.h>

struct plan_facts {
    char script[64];
    char query[160]; /* its beginning, for people */
    int at;          /* which SELECT of the script it is, from 0 */
    bool valid;
    double total_cost; /* of the top node */
    double exec_ms, plan_ms, jit_ms;
    bool jit;
    double sort_disk_kb, sort_mem_kb; /* largest spill and largest in-memory sort, 0 if none */
    double hash_batches;              /* largest, 1 if all in memory */
    double hash_mem_kb, hash_disk_kb;
    double workers_planned, workers_launched;
    double seq_scan_rows_removed; /* rows a sequential scan threw away */
    double seq_scan_rows;
    char seq_scan_rel[64];
    char seq_scan_filter
        [160]; /* of the scan that threw away most: "((a = 5) AND (b > 3))"; "" if none or longer */
    double seq_scans, index_scans, nested_loops; /* nodes of the kind */
    double sorts, hashes; /* nodes that sort; that hash (joins, aggregates) */
    double
        index_rows; /* the most rows that one index or bitmap scan fetched, all its loops together */
    char index_rel[64];
    double worst_misestimate; /* actual/estimated or its inverse, >= 1 */
    double shared_read, shared_hit, temp_read, temp_written; /* blocks */
};

/* Whether a statement of this kind has a plan, by its first word; comments and brackets before it are passed. */
bool plan_possible(const char *sql);
/* Reads the text; script and query are left as they are. valid stays false when there is no plan in it. */
void plan_parse(const char *text, struct plan_facts *p);
