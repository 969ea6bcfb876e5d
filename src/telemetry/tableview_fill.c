/* tableview_fill.c - cells of a live view that the server does not know: what the processes of its sessions take of the machine. */
#include <math.h>

#include "pgd/base/mem.h"
#include "pgd/telemetry/collect.h"
#include "pgd/telemetry/tableview.h"

static const int64_t fresh_us =
    5000000; /* of a look at the processes; beyond a slow link it comes seconds late */

static const struct backend_counts *process_of(const struct backends *b, double pid)
{
    for (int i = 0; i < b->n; i++)
        if (b->of[i].pid == pid)
            return &b->of[i];
    return NULL;
}

static void put(struct tableview_rows *t, int row, int col, double value)
{
    if (col < 0)
        return;
    t->cells[row * t->ncols + col].raw = t->cells[row * t->ncols + col].value = value;
    t->absent &= ~(1U << col);
}

void tableview_fill_processes(const struct tableview *v, const struct collect *c,
                              struct tableview_rows *t)
{
    const struct backends *b = c->backends;
    int pid = tableview_column_of(v, "pid");
    double page = b->page_bytes > 0 ? b->page_bytes : 4096;

    if (!c->host || c->host->postmaster_pid <= 0 || b->n == 0 || t->at_us - b->at_us > fresh_us)
        return;
    for (int i = 0; i < t->n; i++) {
        const struct backend_counts *p = process_of(b, tableview_at(t, i, pid)->raw);
        put(t, i, tableview_column_of(v, "cpu"), p ? 100 * p->cpu : (double)NAN);
        put(t, i, tableview_column_of(v, "memory"), p ? p->rss_pages * page : (double)NAN);
        put(t, i, tableview_column_of(v, "disk_read"), p ? p->read_bps : (double)NAN);
        put(t, i, tableview_column_of(v, "disk_write"), p ? p->written_bps : (double)NAN);
    }
}
