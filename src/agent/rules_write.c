/* Rules about writing: checkpoints, WAL volume, the background writer and autovacuum. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/rules.h"

#define MB 1048576.0
#define GB (1024.0 * MB)

double checkpoints_forced(const struct sense *s)
{
    return s->w.ckpt_req;
}

/* The server asks for a checkpoint when this much WAL was written since the last one began. */
static double request_bytes(const struct sense *s)
{
    double target = sense_number(s, "checkpoint_completion_target");
    return sense_number(s, "max_wal_size") / (1 + (isnan(target) ? 0.9 : target));
}

double wal_fill_seconds(const struct sense *s)
{
    return s->wal_rate > 0 ? request_bytes(s) / s->wal_rate : NAN;
}

/* Since the statistics began, most checkpoints were requested; and nothing measured speaks against
 * it. */
static bool requested_before(const struct sense *s)
{
    const struct runtime_facts *r = &s->f->runtime;
    double timeout_s = sense_number(s, "checkpoint_timeout") / 1000;
    bool often = r->ckpt_req >= 5 && r->ckpt_req > 0.3 * (r->ckpt_req + r->ckpt_timed);
    return often && (!s->measured || wal_fill_seconds(s) < timeout_s);
}

bool checkpoint_pressure(const struct sense *s)
{
    return (s->w.valid && checkpoints_forced(s) >= 1 && s->wal_rate > 0) ||
           wal_fill_seconds(s) < 60 || requested_before(s);
}

static void say_pressure(const struct sense *s, char *dst, size_t size)
{
    const struct runtime_facts *r = &s->f->runtime;
    double fill = wal_fill_seconds(s);
    if (s->w.valid && checkpoints_forced(s) >= 1)
        say(dst, size,
            "%.0f checkpoints were requested in %.0f s beyond our own; %s/s of WAL fill "
            "max_wal_size in %.0f s",
            checkpoints_forced(s), s->w.secs, size_figure(s->wal_rate).text, fill);
    else if (fill < 60)
        say(dst, size,
            "%s/s of WAL ask for a checkpoint after %.0f s, long before checkpoint_timeout",
            size_figure(s->wal_rate).text, fill);
    else
        say(dst, size, "%.0f of %.0f checkpoints were requested, not timed", r->ckpt_req,
            r->ckpt_req + r->ckpt_timed);
}

static double disk_room(const struct sense *s)
{
    const struct host_facts *h = &s->f->host;
    if (!h->known)
        return 4 * GB;
    double room = h->wal.free_bytes > 0 ? h->wal.free_bytes : h->data.free_bytes;
    return room > 0 ? 0.25 * room : 4 * GB;
}

/* Page images are written anew after every checkpoint: what share of the WAL they are. */
static double image_share(const struct sense *s)
{
    return fmin(1, s->w.wal_fpi * 8192 / s->w.wal_bytes);
}

static double expect_checkpoints(const struct sense *s)
{
    double io = sense_wait(s, "IO:") + sense_wait(s, "LWLock:WAL");
    double images = image_share(s);
    double most = fmax(io > 0 ? 80 * io : 10, images > 0 ? 50 * images : 10);
    return fmax(10, ceil(most));
}

static bool fire_max_wal_size(const struct sense *s, struct setting_change *c)
{
    double now = sense_number(s, "max_wal_size");
    double timeout_s = sense_number(s, "checkpoint_timeout") / 1000;
    if (!checkpoint_pressure(s) || !(now > 0))
        return false;
    if (!(timeout_s > 0))
        timeout_s = 300;
    /* Room for all WAL of one interval, before the server asks, and a quarter more. */
    double goal = 1.25 * 1.9 * s->wal_rate * timeout_s;
    if (!(goal > 4 * now))
        goal = 4 * now;
    goal = fmin(power_above(fmax(goal, GB)), fmin(64 * GB, power_below(disk_room(s))));
    if (goal < 1.5 * now)
        return false;
    memory_value(c->value, sizeof c->value, goal);
    say_pressure(s, c->evidence, sizeof c->evidence);
    SAY(c->why,
        "max_wal_size (%s) forces checkpoints: pages are written early and every page after one "
        "goes to the WAL in full. "
        "%s lasts for a whole checkpoint_timeout.",
        size_figure(now).text, c->value);
    c->risk = RISK_MEDIUM;
    c->expect_lo = 2;
    c->expect_hi = expect_checkpoints(s);
    return true;
}

static bool fire_checkpoint_timeout(const struct sense *s, struct setting_change *c)
{
    double now = sense_number(s, "checkpoint_timeout") / 1000;
    const struct runtime_facts *r = &s->f->runtime;
    double hourly = r->ckpt_timed / r->stats_age_s * 3600;
    /* A run of seconds may pass between two of them; what they cost shows in the page images. */
    bool images = s->wal_rate > MB && image_share(s) > 0.3 && now <= 120;
    bool seen = s->measured ? s->w.ckpt_timed >= 1 || images : hourly > 20 && r->ckpt_timed >= 5;
    if (!(now <= 180) || !seen || !(s->wal_rate > 0 || !s->measured))
        return false;
    SAY(c->value, "15min");
    if (s->measured)
        SAY(c->evidence,
            "%.0f timed checkpoints in %.0f s at a checkpoint_timeout of %.0f s; %s/s of WAL, %s "
            "of it page images",
            s->w.ckpt_timed, s->w.secs, now, size_figure(s->wal_rate).text,
            share_figure(image_share(s)).text);
    else
        SAY(c->evidence, "%.0f timed checkpoints an hour at a checkpoint_timeout of %.0f s", hourly,
            now);
    SAY(c->why, "Checkpoints come so often that most writes are of pages that were just written. "
                "Recovery after a crash "
                "takes longer with 15 minutes.");
    c->risk = RISK_MEDIUM;
    c->expect_lo = 1;
    c->expect_hi = expect_checkpoints(s);
    return true;
}

static bool fire_completion_target(const struct sense *s, struct setting_change *c)
{
    double now = sense_number(s, "checkpoint_completion_target");
    bool writes = checkpoint_pressure(s) || s->w.ckpt_timed >= 1;
    if (!(now < 0.7) || !writes)
        return false;
    SAY(c->value, "0.9");
    SAY(c->evidence, "checkpoints squeeze %s page writes into %s of the interval",
        count_figure(s->w.buffers_ckpt > 0 ? s->w.buffers_ckpt : s->f->runtime.buffers_ckpt).text,
        share_figure(now).text);
    SAY(c->why, "Spreading a checkpoint over the whole interval leaves the disk to the sessions.");
    c->risk = RISK_LOW;
    c->expect_lo = 0;
    c->expect_hi = 5;
    return true;
}

static bool fire_wal_compression(const struct sense *s, struct setting_change *c)
{
    char now[32];
    const struct setting *one = settings_find(&s->f->settings, "wal_compression");
    double full = s->w.wal_fpi * 8192 / s->w.wal_bytes;
    double wait = sense_wait(s, "IO:WAL") + sense_wait(s, "LWLock:WAL");
    sense_shown(s, "wal_compression", now, sizeof now);
    if (!one || strcmp(now, "off") != 0 || !(full > 0.5) || !(s->wal_rate > 2 * MB) ||
        !(s->w.cpu_idle > 0.25) || !(wait > 0.1 || s->w.disk_util > 0.6))
        return false;
    SAY(c->value, "%s", strstr(one->enumvals, "lz4") ? "lz4" : "on");
    SAY(c->evidence, "%s of %s/s of WAL are full page images; waits for WAL %s, CPUs %s idle",
        share_figure(fmin(full, 1)).text, size_figure(s->wal_rate).text, share_figure(wait).text,
        share_figure(s->w.cpu_idle).text);
    SAY(c->why, "The WAL is the brake and most of it are page images that compress well; the CPUs "
                "have time for it.");
    c->risk = RISK_LOW;
    c->expect_lo = 0;
    c->expect_hi = ceil(fmax(5, 40 * (wait > 0 ? wait : 0)));
    return true;
}

/* Compressing costs CPU, and there is none to spare. */
static bool fire_no_compression(const struct sense *s, struct setting_change *c)
{
    char now[32];
    double wait = sense_wait(s, "IO:WAL") + sense_wait(s, "LWLock:WAL");
    sense_shown(s, "wal_compression", now, sizeof now);
    if (!now[0] || strcmp(now, "off") == 0 || !cpu_saturated(s) || !(wait < 0.1) ||
        !(s->wal_rate > MB))
        return false;
    SAY(c->value, "off");
    SAY(c->evidence, "CPUs %s idle, waits for WAL %s; %s/s of WAL with wal_compression %s",
        share_figure(s->w.cpu_idle).text, share_figure(wait).text, size_figure(s->wal_rate).text,
        now);
    SAY(c->why,
        "The CPUs are the brake and not the WAL: compressing page images takes from the sessions.");
    c->risk = RISK_LOW;
    c->expect_lo = 0;
    c->expect_hi = 6;
    return true;
}

static bool fire_bgwriter(const struct sense *s, struct setting_change *c)
{
    double all = s->w.buffers_backend + s->w.buffers_clean + s->w.buffers_ckpt;
    double rate = s->w.buffers_backend / s->w.secs;
    double now = sense_number(s, "bgwriter_lru_maxpages");
    if (!(s->w.buffers_backend > 0.5 * all) || !(rate > 500) || !(now <= 100))
        return false;
    SAY(c->value, "1000");
    SAY(c->evidence, "sessions wrote %s of %s pages themselves (%s/s), the background writer %s",
        share_figure(s->w.buffers_backend / all).text, count_figure(all).text,
        count_figure(rate).text, count_figure(s->w.buffers_clean).text);
    SAY(c->why,
        "Sessions must clean pages before they can read; at most %.0f pages a round is too little "
        "for the "
        "background writer to keep up.",
        now);
    c->risk = RISK_LOW;
    c->expect_lo = 0;
    c->expect_hi = 6;
    return true;
}

static double dead_share(const struct sense *s)
{
    const struct runtime_facts *r = &s->f->runtime;
    double all = r->dead_tuples + r->live_tuples;
    return r->dead_tuples > 100000 && all > 0 ? r->dead_tuples / all : 0;
}

static void say_dead(const struct sense *s, struct setting_change *c)
{
    SAY(c->evidence, "%s of %s rows are dead (%s)", count_figure(s->f->runtime.dead_tuples).text,
        count_figure(s->f->runtime.dead_tuples + s->f->runtime.live_tuples).text,
        share_figure(dead_share(s)).text);
    c->risk = RISK_LOW;
    c->expect_lo = 0;
    c->expect_hi = 4;
}

static bool fire_vacuum_scale(const struct sense *s, struct setting_change *c)
{
    if (dead_share(s) < 0.2 || !(sense_number(s, "autovacuum_vacuum_scale_factor") >= 0.1))
        return false;
    SAY(c->value, "0.05");
    say_dead(s, c);
    SAY(c->why,
        "Autovacuum comes when a fifth of a table is dead; that is late for tables of this size.");
    return true;
}

static bool fire_vacuum_limit(const struct sense *s, struct setting_change *c)
{
    double limit = sense_number(s, "autovacuum_vacuum_cost_limit");
    double own = sense_number(s, "vacuum_cost_limit");
    if (dead_share(s) < 0.3 || !((limit < 0 ? own : limit) <= 200))
        return false;
    SAY(c->value, "2000");
    say_dead(s, c);
    SAY(c->why, "Autovacuum does %.0f units of work between pauses and does not keep up.",
        limit < 0 ? own : limit);
    return true;
}

static const struct rule rows[] = {
    {"checkpoints_requested", "max_wal_size", "checkpoints", fire_max_wal_size},
    {"checkpoints_timed", "checkpoint_timeout", "checkpoints", fire_checkpoint_timeout},
    {"checkpoint_bursts", "checkpoint_completion_target", "checkpoints", fire_completion_target},
    {"page_images", "wal_compression", "checkpoints", fire_wal_compression},
    {"compression_dear", "wal_compression", "checkpoints", fire_no_compression},
    {"backend_writes", "bgwriter_lru_maxpages", "io", fire_bgwriter},
    {"dead_rows", "autovacuum_vacuum_scale_factor", "vacuum", fire_vacuum_scale},
    {"vacuum_behind", "autovacuum_vacuum_cost_limit", "vacuum", fire_vacuum_limit},
};

const struct rule_group rules_write = {rows, (int)ARRAY_LEN(rows)};
