/* way.h - how this server is configured: by ALTER SYSTEM that we send, or by its DBA.
 *
 * A platform is a row of a table: how it is recognised, whether it keeps the configuration itself, and the form in which
 * its DBA makes a change. Nothing else in the program assumes that a change is an ALTER SYSTEM. */
#pragma once

#include "pgd/base/buf.h"
#include "pgd/discovery/facts.h"
#include "pgd/tuning/ledger.h"

enum way_change {
    WAY_ALTER_SYSTEM, /* we send ALTER SYSTEM and reload */
    WAY_MANUAL        /* the DBA makes each change; we only look */
};

enum way_form {
    FORM_SQL,
    FORM_FILE, /* ALTER SYSTEM is switched off: the files are made by somebody else's program */
    FORM_PATRONI,
    FORM_RDS,
    FORM_AURORA,
    FORM_CLOUDSQL,
    FORM_ALLOYDB,
    FORM_AZURE,
    FORM_CNPG
};

struct way {
    enum way_change change;
    enum way_form form;
    char platform[48]; /* "Patroni", "Amazon RDS" …; "" = a server of its own */
    char why[240];     /* why it is manual, a sentence; "" when it is not */
};

const char *way_change_name(enum way_change c); /* "alter_system", "manual" */
const char *way_form_name(enum way_form f);     /* "sql", "patroni", "rds" … */
/* Decides from platform, rights and allow_alter_system. */
void way_decide(const struct server_facts *f, struct way *w);
/* The value as managed services take it: a number in the unit of pg_settings, without a suffix. What has no unit, or is no value
 * of that setting (NULL = not known), stays as it is. */
void way_plain_number(const struct setting *s, const char *value, char *dst, size_t size);
/* One change of the configuration, in the platform's form. */
struct way_item {
    const struct entry *to;
    const struct setting *setting; /* unit and context; NULL = not known to the server */
};
/* What the DBA has to do, as lines of text to be read, copied and run. sent: the changes are in the configuration
 * already, only the restart is missing. */
void way_text(const struct way *w, const struct server_facts *f, const struct way_item *items,
              int n, bool restart, bool sent, struct buf *out);
