/* loglines.c - see loglines.h. */
#include "pgd/telemetry/loglines.h"

#include <math.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/telemetry/span.h"

enum { PREFIX_MAX = 600, MESSAGE_MAX = 2048 };

/* -- what the messages say ----------------------------------------------------------------------------- */

/* The first row that fits decides. Rows without words go by the SQLSTATE alone, which only csvlog and jsonlog tell. */
static const struct row {
    enum logline_kind kind;
    const char *words, *state;
    bool begins; /* the message begins with them */
} table[] = {
    /* Everyday ends of sessions: nothing that anybody has to know of. */
    {LOGLINE_OTHER, "terminating connection due to administrator command", "57P01", true},
    {LOGLINE_OTHER, "the database system is starting up", "57P03", true},
    {LOGLINE_OTHER, "the database system is shutting down", "57P03", true},
    {LOGLINE_OTHER, "terminating connection because of crash", "57P02", true},
    {LOGLINE_CHECKPOINTS_OFTEN, "checkpoints are occurring too frequently", NULL, true},
    {LOGLINE_CHECKPOINT, "checkpoint complete:", NULL, true},
    {LOGLINE_CHECKPOINT, "restartpoint complete:", NULL, true},
    {LOGLINE_TEMP_FILE, "temporary file: path ", NULL, true},
    {LOGLINE_AUTOVACUUM_CANCEL, "canceling autovacuum task", NULL, true},
    {LOGLINE_DEADLOCK, "deadlock detected", "40P01", true},
    {LOGLINE_CONFIG, "contains errors", NULL, false},
    {LOGLINE_CONFIG, "syntax error in file ", "F0000", true},
    {LOGLINE_CONFIG, "unrecognized configuration parameter", NULL, true},
    {LOGLINE_CONFIG, "invalid value for parameter", NULL, true},
    {LOGLINE_CONFIG, "is outside the valid range for parameter", NULL, false},
    {LOGLINE_CONFIG, "cannot be changed without restarting the server", NULL, false},
    {LOGLINE_CONFIG, "could not be loaded", NULL, false},
    {LOGLINE_CONFIG, "was not reloaded", NULL, false},
    {LOGLINE_DISK, "No space left on device", "53100", false},
    {LOGLINE_DISK, "Disk quota exceeded", NULL, false},
    {LOGLINE_MEMORY, "out of memory", "53200", true},
    {LOGLINE_MEMORY, "could not map anonymous shared memory", NULL, true},
    {LOGLINE_MEMORY, "could not resize shared memory segment", NULL, true},
    {LOGLINE_MEMORY, "could not fork ", NULL, true},
    {LOGLINE_CRASH, "was terminated by signal", NULL, false},
    {LOGLINE_CRASH, "was terminated by exception", NULL, false},
    {LOGLINE_CRASH, "all server processes terminated; reinitializing", NULL, true},
    {LOGLINE_RECOVERY, "database system was interrupted", NULL, true},
    {LOGLINE_RECOVERY, "database system was not properly shut down", NULL, true},
    {LOGLINE_RECOVERY, "redo starts at", NULL, true},
    {LOGLINE_RECOVERY, "redo done at", NULL, true},
    {LOGLINE_RECOVERY, "archive recovery complete", NULL, true},
    {LOGLINE_RECOVERY, "entering standby mode", NULL, true},
    {LOGLINE_UP, "database system is ready to accept", NULL, true},
    {LOGLINE_DOWN, "received fast shutdown request", NULL, true},
    {LOGLINE_DOWN, "received smart shutdown request", NULL, true},
    {LOGLINE_DOWN, "received immediate shutdown request", NULL, true},
    {LOGLINE_DOWN, "database system is shut down", NULL, true},
};

static bool fits(const struct row *r, const char *message, const char *state)
{
    if (r->state && state[0] && strcmp(r->state, state) == 0)
        return true;
    return r->begins ? strncmp(message, r->words, strlen(r->words)) == 0
                     : strstr(message, r->words) != NULL;
}

static enum logline_kind kind_of(const char *message, const char *state, enum log_severity s)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (fits(&table[i], message, state))
            return table[i].kind;
    return s == LOG_SEVERITY_PANIC   ? LOGLINE_PANIC
           : s == LOG_SEVERITY_FATAL ? LOGLINE_FATAL
                                     : LOGLINE_OTHER;
}

/* The number behind `before`, with its fraction; NAN when it is not there. */
static double number_behind(const char *message, const char *before)
{
    const char *at = strstr(message, before);
    if (!at)
        return NAN;
    at += strlen(before);
    struct span s = {at, at + strlen(at)};
    double value = span_number(&s), scale = 1;
    if (!span_at_end(&s) && *s.at == '.')
        for (s.at++; !span_at_end(&s) && *s.at >= '0' && *s.at <= '9'; s.at++)
            value += (*s.at - '0') * (scale /= 10);
    return value < 1e18 ? value : NAN;
}

static void read_figures(const char *message, struct logline *l)
{
    double pid;

    switch (l->kind) {
    case LOGLINE_CHECKPOINT:
        l->buffers = number_behind(message, "wrote ");
        l->seconds = number_behind(message, "total=");
        break;
    case LOGLINE_CHECKPOINTS_OFTEN:
        l->seconds = number_behind(message, "frequently (");
        break;
    case LOGLINE_TEMP_FILE:
        l->bytes = number_behind(message, "\", size ");
        break;
    case LOGLINE_OOM_KILL:
        pid = number_behind(message, "illed process ");
        l->pid = pid >= 1 && pid < 1e9 ? (int)pid : 0;
        l->bytes = number_behind(message, "anon-rss:") * 1024;
        break;
    default:
        break;
    }
}

static const struct {
    const char *name;
    enum log_severity severity;
    bool message;
} tags[] = {
    {"LOG", LOG_SEVERITY_LOG, true},         {"ERROR", LOG_SEVERITY_ERROR, true},
    {"FATAL", LOG_SEVERITY_FATAL, true},     {"PANIC", LOG_SEVERITY_PANIC, true},
    {"WARNING", LOG_SEVERITY_WARNING, true}, {"NOTICE", LOG_SEVERITY_LOG, true},
    {"INFO", LOG_SEVERITY_LOG, true},        {"DEBUG", LOG_SEVERITY_LOG, true},
    {"STATEMENT", LOG_SEVERITY_LOG, false},  {"DETAIL", LOG_SEVERITY_LOG, false},
    {"HINT", LOG_SEVERITY_LOG, false},       {"CONTEXT", LOG_SEVERITY_LOG, false},
    {"QUERY", LOG_SEVERITY_LOG, false},      {"LOCATION", LOG_SEVERITY_LOG, false},
    {"BACKTRACE", LOG_SEVERITY_LOG, false},
};

static int tag_of(struct span word)
{
    for (size_t i = 0; i < ARRAY_LEN(tags); i++)
        if (span_is(word, tags[i].name))
            return (int)i;
    return -1;
}

/* message: without its tag. */
static void take_message(struct span text, enum log_severity severity, const char *state,
                         struct logline *l)
{
    char message[MESSAGE_MAX];
    size_t n = (size_t)(text.end - text.at);

    if (n >= sizeof message)
        n = sizeof message - 1;
    for (size_t i = 0; i < n; i++)
        message[i] = text.at[i] ? text.at[i] : ' ';
    message[n] = '\0';
    l->severity = severity;
    l->kind = kind_of(message, state, severity);
    read_figures(message, l);
    text_copy(l->text, sizeof l->text, message);
}

/* -- when ---------------------------------------------------------------------------------------------- */

static bool digits(const char *at, const char *end, int n, int *value)
{
    *value = 0;
    if (end - at < n)
        return false;
    for (int i = 0; i < n; i++) {
        if (at[i] < '0' || at[i] > '9')
            return false;
        *value = *value * 10 + (at[i] - '0');
    }
    return true;
}

/* Days from 1970-01-01 (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
static int64_t days_from(int y, int m, int d)
{
    y -= m <= 2;
    int64_t era = y / 400, yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* "+02", "-0330", "+05:30", "Z", " UTC", " GMT". False: another zone, which nobody can know. */
static bool read_zone(struct span s, int *minutes)
{
    int h = 0, m = 0, sign;

    *minutes = 0;
    while (!span_at_end(&s) && *s.at == ' ')
        s.at++;
    if (span_at_end(&s))
        return false;
    if (*s.at == 'Z')
        return true;
    if (*s.at != '+' && *s.at != '-') {
        struct span word = {s.at, s.end - s.at >= 3 ? s.at + 3 : s.at};
        return span_is(word, "UTC") || span_is(word, "GMT");
    }
    sign = *s.at++ == '-' ? -1 : 1;
    if (!digits(s.at, s.end, 2, &h))
        return false;
    s.at += 2;
    if (!span_at_end(&s) && *s.at == ':')
        s.at++;
    if (!digits(s.at, s.end, 2, &m))
        m = 0;
    *minutes = sign * (h * 60 + m);
    return true;
}

/* "2026-11-23 13:00:05.123 UTC", also with a T; 0 = there is no such time here, or in an unknown zone. */
static int64_t read_time(struct span s)
{
    int y, mo, d, h, mi, sec, zone;
    int64_t us = 0, unit = 100000;
    const char *p = s.at;

    if (s.end - p < 19 || !digits(p, s.end, 4, &y) || p[4] != '-' ||
        !digits(p + 5, s.end, 2, &mo) || p[7] != '-' || !digits(p + 8, s.end, 2, &d) ||
        (p[10] != ' ' && p[10] != 'T') || !digits(p + 11, s.end, 2, &h) || p[13] != ':' ||
        !digits(p + 14, s.end, 2, &mi) || p[16] != ':' || !digits(p + 17, s.end, 2, &sec))
        return 0;
    if (y < 1970 || mo < 1 || mo > 12 || d < 1 || d > 31 || h > 23 || mi > 59 || sec > 60)
        return 0;
    s.at += 19;
    if (!span_at_end(&s) && (*s.at == '.' || *s.at == ','))
        for (s.at++; !span_at_end(&s) && *s.at >= '0' && *s.at <= '9'; s.at++, unit /= 10)
            us += (*s.at - '0') * unit;
    if (!read_zone(s, &zone))
        return 0;
    return (((days_from(y, mo, d) * 24 + h) * 60 + mi - zone) * 60 + sec) * 1000000 + us;
}

/* "1700000000.123", as %n of log_line_prefix prints it. */
static int64_t read_epoch(struct span s)
{
    int whole, part;
    if (s.end - s.at < 14 || s.at[10] != '.' || s.at[0] != '1' || !digits(s.at, s.end, 9, &whole) ||
        s.at[9] < '0' || s.at[9] > '9' || !digits(s.at + 11, s.end, 3, &part))
        return 0;
    return ((int64_t)whole * 10 + (s.at[9] - '0')) * 1000000 + part * 1000;
}

static int64_t find_time(struct span prefix)
{
    for (const char *p = prefix.at; prefix.end - p >= 14; p++) {
        struct span rest = {p, prefix.end};
        if (p > prefix.at && p[-1] >= '0' && p[-1] <= '9')
            continue;
        int64_t at_us = read_time(rest);
        at_us = at_us ? at_us : read_epoch(rest);
        if (at_us)
            return at_us;
    }
    return 0;
}

/* -- formats ------------------------------------------------------------------------------------------- */

static bool letter(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* "PREFIX LOG:  message": the tag is the first word in capitals before a colon and two blanks. */
static bool parse_stderr(struct span line, struct logline *l)
{
    struct span near = {line.at, line.end - line.at > PREFIX_MAX ? line.at + PREFIX_MAX : line.end};

    for (const char *p = near.at; near.end - p >= 3; p++) {
        if (p[0] != ':' || p[1] != ' ' || p[2] != ' ')
            continue;
        const char *from = p, *to = p;
        if (to > near.at && to[-1] >= '1' && to[-1] <= '5')
            to--; /* DEBUG1 */
        for (from = to; from > near.at && letter(from[-1]);)
            from--;
        int tag = tag_of((struct span){from, to});
        if (tag < 0)
            continue;
        if (!tags[tag].message)
            return false;
        l->at_us = find_time((struct span){near.at, from});
        take_message((struct span){p + 3, line.end}, tags[tag].severity, "", l);
        return true;
    }
    return false;
}

/* The next field of a line of csvlog, without its quotes; a doubled quote ends it here, which is enough for what is looked for. */
static struct span csv_field(struct span *s)
{
    struct span field = *s;
    if (!span_at_end(s) && *s->at == '"') {
        field.at = ++s->at;
        while (!span_at_end(s) && (*s->at != '"' || (s->end - s->at > 1 && s->at[1] == '"')))
            s->at += *s->at == '"' ? 2 : 1;
        field.end = s->at < s->end ? s->at : s->end;
        if (s->at > s->end)
            s->at = s->end;
    }
    while (!span_at_end(s) && *s->at != ',')
        s->at++;
    if (field.at > s->at || field.end > s->at)
        field.end = s->at;
    if (!span_at_end(s))
        s->at++;
    return field;
}

static void copy_span(struct span s, char *dst, size_t size)
{
    size_t n = (size_t)(s.end - s.at);
    if (n >= size)
        n = size - 1;
    memcpy(dst, s.at, n);
    dst[n] = '\0';
}

static bool parse_csv(struct span line, struct logline *l)
{
    char state[8];
    struct span f[14];

    for (size_t i = 0; i < ARRAY_LEN(f); i++)
        f[i] = csv_field(&line);
    int tag = tag_of(f[11]);
    l->at_us = read_time(f[0]);
    if (tag < 0 || !tags[tag].message || f[0].end - f[0].at < 19)
        return false;
    copy_span(f[12], state, sizeof state);
    take_message(f[13], tags[tag].severity, state, l);
    return true;
}

/* The text of a JSON string, whose quote is taken; escapes become what they stand for, beyond ASCII a '?'. */
static void json_string(struct span *s, char *dst, size_t size)
{
    size_t n = 0;

    while (!span_at_end(s) && *s->at != '"') {
        char c = *s->at++;
        if (c == '\\' && !span_at_end(s)) {
            c = *s->at++;
            if (c == 'u') {
                s->at += s->end - s->at < 4 ? s->end - s->at : 4;
                c = '?';
            } else if (c == 'n' || c == 't' || c == 'r' || c == 'b' || c == 'f') {
                c = ' ';
            }
        }
        if (n + 1 < size)
            dst[n++] = c;
    }
    dst[n] = '\0';
    if (!span_at_end(s))
        s->at++;
}

/* One object of strings and plain values, none nested: as jsonlog writes it. What is cut off is read as far as it goes. */
static bool parse_json(struct span s, struct logline *l)
{
    char key[32], value[MESSAGE_MAX], message[MESSAGE_MAX] = "", state[8] = "", severity[16] = "";

    if (span_at_end(&s) || *s.at++ != '{')
        return false;
    while (!span_at_end(&s)) {
        if (*s.at++ != '"')
            continue;
        json_string(&s, key, sizeof key);
        if (span_at_end(&s) || *s.at++ != ':')
            return false;
        value[0] = '\0';
        if (!span_at_end(&s) && *s.at == '"') {
            s.at++;
            json_string(&s, value, sizeof value);
        }
        while (!span_at_end(&s) && *s.at != ',')
            s.at++;
        if (strcmp(key, "timestamp") == 0)
            l->at_us = read_time((struct span){value, value + strlen(value)});
        else if (strcmp(key, "error_severity") == 0)
            text_copy_raw(severity, sizeof severity, value);
        else if (strcmp(key, "state_code") == 0)
            text_copy_raw(state, sizeof state, value);
        else if (strcmp(key, "message") == 0)
            text_copy_raw(message, sizeof message, value);
    }
    int tag = tag_of((struct span){severity, severity + strlen(severity)});
    if (tag < 0 || !tags[tag].message)
        return false;
    take_message((struct span){message, message + strlen(message)}, tags[tag].severity, state, l);
    return true;
}

/* "2026-11-23T13:00:05.123456+0100 host postgres[77]: PREFIX LOG:  message" */
static bool parse_journal(struct span line, struct logline *l)
{
    const char *behind = memmem(line.at, (size_t)(line.end - line.at), "]: ", 3);
    int64_t at_us = read_time(line);

    if (!behind)
        return false;
    bool found = parse_stderr((struct span){behind + 3, line.end}, l);
    if (at_us)
        l->at_us = at_us;
    return found;
}

static bool parse_kernel(struct span line, struct logline *l)
{
    static const char words[] = "Out of memory: Killed process ", group[] = "Memory cgroup out";
    const char *at = memmem(line.at, (size_t)(line.end - line.at), group, sizeof group - 1);

    if (!at)
        at = memmem(line.at, (size_t)(line.end - line.at), words, sizeof words - 1);
    if (!at)
        return false;
    take_message((struct span){at, line.end}, LOG_SEVERITY_FATAL, "", l);
    l->kind = LOGLINE_OOM_KILL;
    read_figures(l->text, l);
    return true;
}

bool logline_parse(enum log_format format, const char *line, size_t len, struct logline *out)
{
    struct span s = {line, line + len};

    memset(out, 0, sizeof *out);
    out->seconds = out->buffers = out->bytes = NAN;
    switch (format) {
    case LOG_FORMAT_STDERR:
        return parse_stderr(s, out);
    case LOG_FORMAT_CSV:
        return parse_csv(s, out);
    case LOG_FORMAT_JSON:
        return parse_json(s, out);
    case LOG_FORMAT_JOURNAL:
        return parse_journal(s, out);
    case LOG_FORMAT_KERNEL:
        return parse_kernel(s, out);
    case LOG_FORMAT_NONE:
        break;
    }
    return false;
}

/* -- names --------------------------------------------------------------------------------------------- */

enum log_format log_format_of(const char *name)
{
    static const char *const names[] = {"none", "stderr", "csv", "json", "journal"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0)
            return (enum log_format)i;
    return LOG_FORMAT_NONE;
}

const char *logline_kind_plural(enum logline_kind kind)
{
    static const char *const names[LOGLINE_KINDS] = {
        [LOGLINE_OTHER] = "other lines",
        [LOGLINE_CONFIG] = "lines about the configuration",
        [LOGLINE_CHECKPOINT] = "checkpoints",
        [LOGLINE_CHECKPOINTS_OFTEN] = "lines about frequent checkpoints",
        [LOGLINE_DEADLOCK] = "deadlocks",
        [LOGLINE_TEMP_FILE] = "temporary files",
        [LOGLINE_AUTOVACUUM_CANCEL] = "cancelled autovacuums",
        [LOGLINE_MEMORY] = "lines about missing memory",
        [LOGLINE_DISK] = "lines about a full disk",
        [LOGLINE_CRASH] = "lines about a crash",
        [LOGLINE_RECOVERY] = "lines about recovery",
        [LOGLINE_UP] = "starts",
        [LOGLINE_DOWN] = "lines about a shutdown",
        [LOGLINE_FATAL] = "FATAL lines",
        [LOGLINE_PANIC] = "PANIC lines",
        [LOGLINE_OOM_KILL] = "processes killed",
    };
    return (unsigned)kind < LOGLINE_KINDS ? names[kind] : "";
}

const char *log_severity_name(enum log_severity s)
{
    static const char *const names[] = {"LOG", "WARNING", "ERROR", "FATAL", "PANIC"};
    return (unsigned)s < ARRAY_LEN(names) ? names[s] : "";
}
