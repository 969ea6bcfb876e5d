/* store_index.h - index.json: the list of a workspace's sessions, so that none of their folders need be opened to show them.
 *
 * It is only a copy of what the folders say. The functions named digest run in the worker that reads the file
 * (`digest` of FILE_READ and FILE_LIST): ten thousand rows take longer than the loop's thread has. */
#pragma once

#include "pgd/workspace/session_rows.h"

/* The text of index.json. A row that has not changed since it was read or written costs a copy of its bytes. */
void store_index_json(struct workspace *w, struct buf *out);
/* Reads index.json; *e says what is wrong with it, and the list is empty then. */
PGD_MUST_CHECK bool store_index_parse(const char *text, size_t len, struct workspace *w,
                                      struct err *e);

/* The same in two steps: what the worker has made of index.json, and the list taken from it. */
struct index_read;
void *store_index_digest(const char *text, size_t len, const char *arg);
void store_index_digest_free(void *read);
PGD_MUST_CHECK bool store_index_take(struct workspace *w, struct index_read *r, struct err *e);

/* The folders below sessions/, from the text of a FILE_LIST. */
struct index_folders;
void *store_folders_digest(const char *text, size_t len, const char *arg);
void store_folders_digest_free(void *folders);
/* Holds the list against the folders. Names of folders that it does not have are appended to `unknown`, a line each; rows of
 * sessions that had ended and have no folder any more go. Returns how many went. */
int store_index_check(struct workspace *w, const struct index_folders *f, struct buf *unknown);

/* The row of one session.json; arg: the name of its folder. */
struct row_read {
    struct session_row row; /* its line is owned: whoever takes it clears the pointer */
    struct err err;         /* why there is none */
};
void *store_row_digest(const char *text, size_t len, const char *arg);
void store_row_digest_free(void *read);
