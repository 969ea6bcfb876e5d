/* recent.h - the workspaces of the start screen: one row each, made of workspace.json and index.json.
 *
 * A row is made of whatever can be read: what is damaged says so in `damage`, and the rest of the row stays true. Wording
 * and order are here, too, so that they can be tested without a screen. */
#pragma once

#include "pgd/workspace/model.h"

/* One file of a workspace as FILE_READ_MANY brought it. Returns false at the end. The path is cut into the folder's name
 * and the file's; a section whose path is not WORKSPACES/NAME/FILE is passed over. */
struct recent_file {
    char name[160], file[64];
    const char *text; /* borrowed */
    size_t len;
};
bool recent_next_file(const char **at, const char *end, struct recent_file *out);

/* A digest for FILE_READ_MANY, which runs in a worker thread: arg = names of the folders, one a line. Returns a
 * struct recent_list with a row for each name, also for one of which nothing could be read. */
void *recent_digest(const char *data, size_t len, const char *arg);
void recent_list_free(void *list);

/* Adds rows to a list and puts all in order: the one that was used last comes first. */
void recent_add(struct recent_list *to, const struct recent_list *from);

/* "just now", "5 min ago", "2 h ago", "3 d ago", then "12 Nov", in another year "12 Nov 2025"; "-" when not known. */
void recent_when(char *dst, size_t size, int64_t then_us, int64_t now_us);
/* "4 (1 paused, 1 failed)" */
void recent_sessions(const struct recent *r, char *dst, size_t size);
/* It ended before a round was measured, and nothing has failed; and that in words, with what would change it. */
bool recent_without_round(const struct recent_session *s);
void recent_why(const struct recent_session *s, char *dst, size_t size);
/* What waits there: "WriteOptimize R2 was interrupted: resume, or undo"; what is damaged; "" = nothing. */
void recent_note(const struct recent *r, char *dst, size_t size);
/* "postgres @ 10.0.0.230"; a port that is not 5432 follows the host. */
void recent_title(const struct recent *r, char *dst, size_t size);
/* The server is this one: host as typed, port "" = any. */
bool recent_is_of(const struct recent *r, const char *host, const char *port);
/* Row i of what the list shows: the workspaces that pass the filter, and with -H those of that server alone, each with its
 * newest sessions below it. *session: index into shown, -1 = the workspace itself. NULL = there is no such row. */
const struct recent *recent_shown(const struct start_screen *s, int i, int *session);
int recent_count(const struct start_screen *s); /* rows in all */

/* What a connection string names, without libpq: true when it names a database. For conninfo text and URIs; what cannot
 * be understood names none. */
bool recent_names_database(const char *conninfo);
