/* export_parts.h - what the files of the export share: the settings that a workspace's sessions leave
 * together, and text from outside made safe for Markdown. Nobody else includes it. */
#pragma once

#include "pgd/workspace/export.h"

/* A setting that is tuned in the end. All pointers are borrowed from the sessions. */
struct final_setting {
    const struct entry *entry;           /* what was sent */
    const char *from, *to;               /* as SHOW printed it: before the first session, now */
    struct entry original;               /* what the undo puts back */
    const struct session *by;            /* who set it last */
    const struct round_history *round;   /* which round of it; NULL = not recorded */
    const struct setting_change *change; /* of that round; NULL = not recorded */
    bool restart;
};

/* Later sessions win; what a later one reset, and what is on no list of settings that this program tunes,
 * is left out. Returns how many there are, in the order in which they were set last. */
int export_final(const struct model *m, const struct session *const *sessions, int n,
                 struct final_setting *out, int max);
/* What the setting stood at when the round of that index began, as SHOW prints it; "" if unknown. */
const char *export_value_before(const struct session *s, int round, const char *name);

/* "+17.2 % (95 % interval +13.9 % … +20.4 %)"; "not measured" without a figure. */
void export_effect(const struct verdict *v, struct buf *out);

/* TPS of the untouched server and of the best configuration: those of the confirmation, which the effect
 * compares; without one, of the baseline and of the round. NAN: not known. */
double export_tps_before(const struct session *s);
double export_tps_after(const struct session *s);
/* Text of a paragraph or a table cell: no character of it is markup, HTML, a link or a line's end. */
void export_markdown(struct buf *out, const char *text);
/* The same as a code span where the text is plain. */
void export_code(struct buf *out, const char *text);
/* SQL or configuration text as a block that it cannot leave. */
void export_fence(struct buf *out, const char *language, const char *text);
