/* tableview_list.c - the live views, one row each: its SQL by version, its columns, what it is sorted by, and what it lacks where the
 * server refuses it. See docs/adding-things.md, "A view". */
#include "pgd/base/mem.h"
#include "pgd/telemetry/tableview.h"

#define TEXT(name, header, width, rank)                  \
    {                                                    \
        name, header, TV_TEXT, width, rank, false, false \
    }
#define COUNT(name, header, width, rank)                \
    {                                                   \
        name, header, TV_INT, width, rank, false, false \
    }
#define SECONDS(name, header, width, rank)                   \
    {                                                        \
        name, header, TV_DURATION, width, rank, false, false \
    }

const struct tableview tableview_list[] = {
    {.name = "activity",
     .title = "Activity",
     .help = "Sessions: what each does, waits for, and for how long.",
     .key = '6',
     .sql = {{120000, "sql/view/activity.sql"}},
     .key_columns = {"pid", "backend_start"},
     .sort = "statement_s",
     .down = true,
     .lacks = "The view pg_stat_activity cannot be read by this role.",
     .empty = "Nobody else is connected.",
     .quiet = {"state", "idle", "idle"},
     .acts = true,
     .fill = tableview_fill_processes,
     .columns = {COUNT("pid", "pid", 7, 0),
                 TEXT("usename", "user", 10, 1),
                 TEXT("datname", "database", 12, 4),
                 TEXT("application_name", "application", 14, 6),
                 TEXT("client", "client", 15, 8),
                 TEXT("state", "state", 12, 3),
                 TEXT("wait", "wait", 22, 2),
                 SECONDS("statement_s", "statement", 10, 0),
                 SECONDS("xact_s", "xact", 9, 5),
                 SECONDS("idle_s", "idle", 9, 9),
                 COUNT("blocked", "blk", 3, 3),
                 {"cpu", "cpu", TV_PERCENT, 6, 4, false, false},
                 {"memory", "memory", TV_BYTES, 8, 7, false, false},
                 {"disk_read", "disk r", TV_BYTES, 10, 8, true, false},
                 {"disk_write", "disk w", TV_BYTES, 10, 8, true, false},
                 TEXT("blockers", "blocked by", 14, 9),
                 TEXT("backend_start", "connected since", 29, 9),
                 TEXT("query_start", "statement since", 29, 9),
                 TEXT("query", "query", 0, 0)}},
    {.name = "blocking",
     .title = "Blocking",
     .help = "Who waits for whom: the tree of locks, its roots first.",
     .key = '7',
     .form = TABLEVIEW_TREE,
     .sql = {{120000, "sql/view/blocking.sql"}},
     .key_columns = {"pid", "backend_start"},
     .lacks = "The views pg_stat_activity and pg_locks cannot be read by this role.",
     .empty = "Nobody waits for a lock.",
     .acts = true,
     .columns = {COUNT("pid", "pid", 13, 0), COUNT("behind", "behind", 6, 0),
                 TEXT("usename", "user", 12, 3), TEXT("datname", "database", 12, 6),
                 TEXT("application_name", "application", 14, 8), TEXT("state", "state", 19, 4),
                 SECONDS("waits_s", "waits", 9, 0), SECONDS("xact_s", "xact", 9, 5),
                 TEXT("mode", "wanted lock", 20, 2), TEXT("object", "of", 24, 1),
                 TEXT("blockers", "blocked by", 14, 3), TEXT("locktype", "lock type", 14, 9),
                 TEXT("backend_start", "connected since", 29, 9),
                 TEXT("query_start", "statement since", 29, 9), TEXT("query", "query", 0, 1)}},
    {.name = "waits",
     .title = "Waits",
     .help = "What active sessions wait for, stacked over the last minutes.",
     .form = TABLEVIEW_SHARES},
};

const int tableview_count = (int)ARRAY_LEN(tableview_list);
_Static_assert(ARRAY_LEN(tableview_list) <= TABLEVIEW_MAX, "a state for each view");
