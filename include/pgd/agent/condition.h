/* condition.h - which columns a statement compares with values, read from the two texts that tell of it: the filter of a scan as
 * EXPLAIN prints it, and a statement as pg_stat_statements keeps it. Pure and bounded; what is not understood whole is none. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { CONDITION_MAX = 4 };

struct condition_column {
    char name[64]; /* without quotes */
    bool equal;    /* with =, or one of a list; else a range */
    bool as_text;  /* "(a)::text": the column itself only where its type is one of texts */
};

struct condition {
    char schema[64], table[64]; /* of a statement; "" = not named */
    int n;
    struct condition_column columns[CONDITION_MAX];
};

/* "((a = 5) AND (b > 3))": nothing but comparisons of a column with a value, joined by AND. False: it is anything else. */
bool condition_of_filter(const char *filter, struct condition *out);
/* "SELECT … FROM t WHERE a = $1 AND b > $2 ORDER BY …": of one table, and with such a condition. False: it is anything else. */
bool condition_of_statement(const char *text, struct condition *out);
/* Puts those with = first and leaves one range at most, each name once: the order in which an index serves. */
void condition_sort(struct condition *c);
