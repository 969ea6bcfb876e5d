/* The table of the operating system's settings; see os.h. Ranges are those of proposals: what the DBA's machine had before us
 * goes back whatever it was. */
#include "pgd/tuning/os.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"

#define MB 1048576.0
#define GB 1073741824.0

/* clang-format off */
static const struct os_row rows[] = {
    {.name = "vm.swappiness", .kind = OS_NUMBER, .floor = 1, .ceiling = 100,
     .meaning = "How readily the system swaps memory of programs out to keep its cache of files.",
     .danger = "at very low values memory runs out all at once instead of slowing things down"},
    {.name = "vm.dirty_bytes", .kind = OS_BYTES, .floor = 64 * MB, .ceiling = 16 * GB, .unit = "bytes",
     .meaning = "How much written data may wait in memory before whoever writes has to write it out.",
     .danger = "programs that write much wait sooner, in short pauses instead of long ones"},
    {.name = "vm.dirty_background_bytes", .kind = OS_BYTES, .floor = 16 * MB, .ceiling = 4 * GB, .unit = "bytes",
     .meaning = "From how much written data on the system writes it out beside the programs.",
     .danger = "the disk is busy earlier and with smaller writes"},
    {.name = "vm.overcommit_ratio", .kind = OS_NUMBER, .floor = 50, .ceiling = 95, .unit = "%",
     .meaning = "Which share of memory may be promised to programs where overcommit_memory is 2.",
     .danger = "too little lets other programs fail to start or to grow"},
    {.name = "vm.overcommit_memory", .kind = OS_CHOICE, .floor = NAN, .ceiling = NAN, .words = " 0 2 ",
     .meaning = "Whether more memory is promised than there is (0), or never (2): then no server process is killed for want of it.",
     .danger = "with 2 every program of the machine is refused memory beyond the limit, also those that never use it"},
    {.name = "vm.nr_hugepages", .kind = OS_NUMBER, .floor = 0, .ceiling = NAN, .restart = true, .unit = "pages",
     .meaning = "How many huge pages are set aside; the server's shared memory lies in them when it starts with huge_pages.",
     .danger = "that memory is gone for everything else, used or not"},
    {.name = "thp.enabled", .kind = OS_CHOICE, .floor = NAN, .ceiling = NAN, .words = " always madvise never ",
     .meaning = "Whether the system puts memory into huge pages by itself, and stalls programs to make room for them.",
     .danger = "programs that rely on it get slower"},
    {.name = "io.*.scheduler", .kind = OS_CHOICE, .floor = NAN, .ceiling = NAN, .words = " none mq-deadline kyber bfq noop deadline cfq ",
     .meaning = "In which order the disk gets the requests of programs.",
     .danger = "everything on that disk is served in another order"},
    {.name = "io.*.read_ahead_kb", .kind = OS_NUMBER, .floor = 16, .ceiling = 16384, .unit = "kB",
     .meaning = "How far the system reads ahead of a program that reads in order.",
     .danger = "too much reads what nobody wants and pushes better data out of the cache"},
    {.name = "kernel.numa_balancing", .kind = OS_CHOICE, .floor = NAN, .ceiling = NAN, .words = " 0 1 ",
     .meaning = "Whether the system moves memory towards the processor that uses it, by taking it away for a moment.",
     .danger = "programs that stay on one node no longer get their memory moved to it"},
    {.name = "kernel.sched_autogroup_enabled", .kind = OS_CHOICE, .floor = NAN, .ceiling = NAN, .words = " 0 1 ",
     .meaning = "Whether each terminal session gets the same share of the processors, however many processes it has.",
     .danger = "a busy terminal session can take more from others"},
    {.name = "cpu.governor", .kind = OS_CHOICE, .floor = NAN, .ceiling = NAN, .words = " performance schedutil ondemand ",
     .meaning = "How the speed of the processors follows the load.",
     .danger = "more power is drawn and more heat is made"},
    {.name = "limit.nofile", .kind = OS_LIMIT, .floor = 1024, .ceiling = 1048576, .restart = true, .unit = "files",
     .meaning = "How many files a process of the server may have open.",
     .danger = "a file in the unit's folder"},
    {.name = "limit.memlock", .kind = OS_LIMIT, .floor = 65536, .ceiling = NAN, .restart = true, .unit = "bytes",
     .meaning = "How much memory a process of the server may lock, as io_uring and huge pages of older systems need.",
     .danger = "a file in the unit's folder; locked memory is never swapped out"},
};
/* clang-format on */

bool os_is_boot(const char *name)
{
    return strncmp(name, OS_BOOT_PREFIX, sizeof OS_BOOT_PREFIX - 1) == 0;
}

bool os_is(const char *name)
{
    return strncmp(name, OS_PREFIX, sizeof OS_PREFIX - 1) == 0 || os_is_boot(name);
}

/* The name without its prefix. */
static const char *key_of(const char *name)
{
    return strchr(name, ':') + 1;
}

/* Letters, digits and what names of devices have besides; the script knows no others. */
static bool device_name(const char *s, size_t n)
{
    if (n == 0 || *s == '.' || *s == '-')
        return false;
    for (size_t i = 0; i < n; i++) {
        bool letter = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z');
        if (!letter && !(s[i] >= '0' && s[i] <= '9') && s[i] != '_' && s[i] != '-')
            return false;
    }
    return true;
}

static bool matches(const char *pattern, const char *name)
{
    const char *star = strchr(pattern, '*');
    size_t head = star ? (size_t)(star - pattern) : 0, n = strlen(name);
    if (!star)
        return strcmp(pattern, name) == 0;
    size_t tail = strlen(star + 1);
    return n > head + tail && strncmp(pattern, name, head) == 0 &&
           strcmp(star + 1, name + n - tail) == 0 && device_name(name + head, n - head - tail);
}

const struct os_row *os_at(int i)
{
    return i >= 0 && (size_t)i < ARRAY_LEN(rows) ? &rows[i] : NULL;
}

const struct os_row *os_find(const char *name)
{
    if (!os_is(name) || strlen(name) >= SETTING_NAME_MAX)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (matches(rows[i].name, key_of(name)))
            return &rows[i];
    return NULL;
}

bool os_or_setting(const char *name)
{
    return text_is_ident(name) || os_find(name) != NULL;
}

/* ---- values ---- */

static bool digits(const char *s, size_t most)
{
    size_t n = strspn(s, "0123456789");
    return n > 0 && n <= most && s[n] == '\0';
}

/* What is only ever put back: the ratio or the amount that this setting excludes. */
static bool twin(const struct os_row *row, const char *text)
{
    size_t n = strlen(text);
    char number[24];
    if (row->kind == OS_BYTES && n > 1 && n < 5 && text[n - 1] == '%') {
        text_copy_raw(number, sizeof number, text);
        number[n - 1] = '\0';
        return digits(number, 3);
    }
    if (strcmp(row->name, "vm.overcommit_ratio") == 0 && n > 2 && n < 20 &&
        strcmp(text + n - 2, "kB") == 0) {
        text_copy_raw(number, sizeof number, text);
        number[n - 2] = '\0';
        return digits(number, 15);
    }
    return false;
}

static bool bytes_value(const char *text, double *number)
{
    static const struct {
        const char *unit;
        double factor;
    } units[] = {{"", 1}, {"B", 1}, {"kB", 1024}, {"MB", MB}, {"GB", GB}};
    size_t n = strspn(text, "0123456789");
    char word[20];
    if (n == 0 || n >= sizeof word || n > 15)
        return false;
    memcpy(word, text, n);
    word[n] = '\0';
    text += n + strspn(text + n, " ");
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (strcmp(units[i].unit, text) == 0) {
            *number = strtod(word, NULL) * units[i].factor;
            return *number < 1e15;
        }
    return false;
}

/* A word that the kernel or systemd has printed, and no part of a command. */
static bool plain_word(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    return n > 0 && s[n] == '\0' && n < 32 && *s != '-';
}

bool os_value(const struct os_row *row, const char *text, double *number, char *dst, size_t size,
              struct err *e)
{
    double value = NAN;
    bool ok = false;
    if (twin(row, text))
        ok = true;
    else if (row->kind == OS_BYTES || (row->kind == OS_LIMIT && strcmp(text, "infinity") != 0))
        ok = bytes_value(text, &value);
    else if (row->kind == OS_NUMBER)
        ok = digits(text, 15) && text_double(text, &value);
    else
        ok = plain_word(text);
    if (!ok)
        return err_set(e, ERR_REFUSED, "%s does not take \"%.40s\"", row->name, text);
    if (number)
        *number = value;
    if (isfinite(value))
        snprintf(dst, size, "%.0f", value);
    else
        text_copy_raw(dst, size, text);
    return true;
}

bool os_entry_ok(const struct entry *e)
{
    char value[SETTING_VALUE_MAX];
    const struct os_row *row = os_find(e->name);
    if (!row)
        return text_is_ident(e->name);
    return !e->present || (os_value(row, e->value, NULL, value, sizeof value, NULL) &&
                           strcmp(value, e->value) == 0);
}

/* Within what may be proposed? */
static bool within(const struct os_row *row, const char *value, double number)
{
    char word[48];
    if (twin(row, value))
        return false;
    if (row->kind == OS_CHOICE) {
        snprintf(word, sizeof word, " %.40s ", value);
        return strstr(row->words, word) != NULL;
    }
    return !(number < row->floor) && !(number > row->ceiling);
}

bool os_send(const struct entry *e, struct err *err)
{
    char value[SETTING_VALUE_MAX];
    double number;
    const struct os_row *row = os_find(e->name);
    if (!row)
        return err_set(err, ERR_REFUSED, "refused to set: this program does not change %.60s",
                       e->name);
    if (!e->present)
        return os_is_boot(e->name) || row->kind == OS_LIMIT ||
               err_set(err, ERR_REFUSED, "refused to set: %s has no value", e->name);
    if (!os_value(row, e->value, &number, value, sizeof value, err))
        return false;
    if (strcmp(value, e->value) != 0 || !within(row, value, number))
        return err_set(err, ERR_REFUSED, "refused to set: %s = %.40s is outside of what may be set",
                       e->name, e->value);
    return true;
}

/* ---- commands ---- */

static bool is_sysctl(const char *key)
{
    return strncmp(key, "vm.", 3) == 0 || strncmp(key, "kernel.", 7) == 0;
}

static void limit_command(const struct entry *e, const char *key, struct buf *out)
{
    const char *limit = strcmp(key, "limit.nofile") == 0 ? "LimitNOFILE" : "LimitMEMLOCK";
    const char *dir = os_is_boot(e->name) ? "/etc" : "/run";
    if (e->present)
        buf_printf(
            out,
            "# %s/systemd/system/UNIT.d/zz-pg_diagnose.conf: %s=%s, then systemctl daemon-reload",
            dir, limit, e->value);
    else
        buf_printf(out,
                   "# take %s out of %s/systemd/system/UNIT.d/zz-pg_diagnose.conf, then systemctl "
                   "daemon-reload",
                   limit, dir);
}

static void path_of(const char *key, struct buf *out)
{
    const char *dot = strrchr(key, '.');
    if (strcmp(key, "thp.enabled") == 0)
        buf_puts(out, "/sys/kernel/mm/transparent_hugepage/enabled");
    else if (strcmp(key, "cpu.governor") == 0)
        buf_puts(out, "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor");
    else
        buf_printf(out, "/sys/block/%.*s/queue/%s", (int)(dot - key - 3), key + 3, dot + 1);
}

static void boot_command(const struct entry *e, const char *key, struct buf *out)
{
    bool sysctl = is_sysctl(key);
    const char *file = sysctl ? "/etc/sysctl.d/90-pg_diagnose.conf"
                              : "/etc/tmpfiles.d/pg_diagnose.conf";
    buf_printf(out, "# %s%s: ", e->present ? "" : "take out of ", file);
    if (sysctl) {
        buf_puts(out, key);
    } else {
        buf_puts(out, "w ");
        path_of(key, out);
    }
    if (e->present)
        buf_printf(out, "%s%s", sysctl ? " = " : " - - - - ", e->value);
}

/* The ratio that stands for "20%", the amount that stands for "4096kB". */
static void sysctl_command(const struct entry *e, const char *key, struct buf *out)
{
    size_t n = strlen(e->value), k = strlen(key);
    if (n > 1 && e->value[n - 1] == '%')
        buf_printf(out, "sysctl -w %.*sratio=%.*s", (int)(k - 5), key, (int)(n - 1), e->value);
    else if (n > 2 && e->value[n - 1] == 'B')
        buf_printf(out, "sysctl -w vm.overcommit_kbytes=%.*s", (int)(n - 2), e->value);
    else
        buf_printf(out, "sysctl -w %s=%s", key, e->value);
}

void os_command(const struct entry *e, struct buf *out)
{
    const struct os_row *row = os_find(e->name);
    const char *key = row ? key_of(e->name) : "";
    if (!row) {
        buf_puts(out, "# unknown");
    } else if (row->kind == OS_LIMIT) {
        limit_command(e, key, out);
    } else if (os_is_boot(e->name)) {
        boot_command(e, key, out);
    } else if (!e->present) {
        buf_printf(out, "# %s: not known", key);
    } else if (is_sysctl(key)) {
        sysctl_command(e, key, out);
    } else {
        buf_printf(out, "echo %s | tee ", e->value);
        path_of(key, out);
    }
}

void os_unit(const struct identity *id, char *dst, size_t size)
{
    static const char head[] = "systemd:";
    bool unit = strncmp(id->supervisor, head, sizeof head - 1) == 0;
    text_copy_raw(dst, size, unit ? id->supervisor + sizeof head - 1 : "");
}

void os_name_unit(const struct identity *id, struct buf *commands)
{
    struct buf all = {0};
    const char *from = buf_text(commands), *at;
    char unit[128];
    os_unit(id, unit, sizeof unit);
    if (!unit[0] || !strstr(from, "/UNIT.d/"))
        return;
    while ((at = strstr(from, "/UNIT.d/"))) {
        buf_append(&all, from, (size_t)(at + 1 - from));
        buf_puts(&all, unit);
        from = at + strlen("/UNIT");
    }
    buf_puts(&all, from);
    buf_clear(commands);
    *commands = all;
}

/* ---- as settings ---- */

static int by_name(const void *a, const void *b)
{
    return strcasecmp(((const struct setting *)a)->name, ((const struct setting *)b)->name);
}

/* The value in the script's form: of two that exclude each other the one in force. */
static void shown_value(const struct host_facts *h, const struct os_fact *fact, char *dst,
                        size_t size)
{
    char ratio[64];
    size_t n = strlen(fact->name);
    text_copy_raw(dst, size, fact->value);
    if (strcmp(fact->value, "unlimited") == 0)
        text_copy_raw(dst, size, "infinity");
    if (strcmp(fact->value, "0") != 0 || strncmp(fact->name, "vm.dirty_", 9) != 0 || n < 6)
        return;
    snprintf(ratio, sizeof ratio, "%.*sratio", (int)(n - 5), fact->name);
    const struct os_fact *in_force = host_os(h, ratio);
    snprintf(dst, size, "%.10s%%", in_force ? in_force->value : "");
}

static void setting_of(const struct host_facts *h, const struct os_fact *fact,
                       const struct os_row *row, struct setting *s)
{
    memset(s, 0, sizeof *s);
    snprintf(s->name, sizeof s->name, OS_PREFIX "%.60s", fact->name);
    shown_value(h, fact, s->value, sizeof s->value);
    text_copy_raw(s->shown, sizeof s->shown, s->value);
    text_copy_raw(s->context, sizeof s->context, row->restart ? "postmaster" : "os");
    text_copy_raw(s->vartype, sizeof s->vartype, row->kind == OS_CHOICE ? "string" : "integer");
    if (row->kind != OS_CHOICE) {
        text_copy_raw(s->min, sizeof s->min, "0");
        text_copy_raw(s->max, sizeof s->max, "999999999999999");
    }
    if (row->kind == OS_BYTES)
        text_copy_raw(s->unit, sizeof s->unit, "B");
    text_copy_raw(s->source, sizeof s->source, "system");
    s->denied = !fact->writable;
}

void os_settings(struct server_facts *f)
{
    struct settings *all = &f->settings;
    const struct host_facts *h = &f->host;
    int kept = 0;
    if (all->n == 0) /* nothing is known of the server itself */
        return;
    for (int i = 0; i < all->n; i++)
        if (!os_is(all->items[i].name))
            all->items[kept++] = all->items[i];
    all->n = kept;
    all->items = xrealloc(all->items, (size_t)(kept + h->nos_facts + 1) * sizeof *all->items);
    for (int i = 0; i < h->nos_facts; i++) {
        char name[SETTING_NAME_MAX + 8];
        snprintf(name, sizeof name, OS_PREFIX "%s", h->os_facts[i].name);
        const struct os_row *row = os_find(name);
        if (row)
            setting_of(h, &h->os_facts[i], row, &all->items[all->n++]);
    }
    qsort(all->items, (size_t)all->n, sizeof *all->items, by_name);
}

void os_now(struct server_facts *f, const char *name, const char *value)
{
    const struct setting *found = settings_find(&f->settings, name);
    if (!found || os_is_boot(name))
        return;
    struct setting *s = &f->settings.items[found - f->settings.items];
    text_copy_raw(s->value, sizeof s->value, value);
    text_copy_raw(s->shown, sizeof s->shown, value);
    for (int i = 0; i < f->host.nos_facts; i++)
        if (strcmp(f->host.os_facts[i].name, key_of(name)) == 0)
            text_copy(f->host.os_facts[i].value, sizeof f->host.os_facts[i].value, value);
}
