/* export_parts.h - what the files of the export share: the settings that a workspace's sessions leave
 * together, and text from outside made safe for Markdown. Besides them only `verify` includes it, for that list. */
#pragma once

#include "pgd/workspace/export.h"

/* A setting that is tuned in the end. All pointers are borrowed from the sessions. */
struct final_setting {
    const struct entry *entry;           /* what was sent */
    const char *from, *to;               /* as SHOW printed it: before the first session, now */
    struct entry original;               /* what the undo puts back */
    const struct session *by;            /* whose value it is */
    const struct round_history *round;   /* which round of it; NULL = not recorded */
    const struct setting_change *change; /* of that round; NULL = not recorded */
    bool restart;
    /* Where the sessions disagree and another one's value than the last one's was found to be the better: what the last one
     * left on the server, and why. */
    const char *left, *why; /* NULL = it is the last one's */
};

/* export_advised.c: what settings cannot mend, as a section of the report and of the ticket: that of the newest session, or, with
 * the marks of now, of this connection. Nothing where there is none. put: writes a text escaped for its page. */
void export_advised(const struct model *m, const struct session *const *sessions, int n,
                    struct buf *out);
void export_advised_html(const struct model *m, const struct session *const *sessions, int n,
                         void (*put)(struct buf *out, const char *text), struct buf *out);

/* The functions of the table. */
void export_ansible(const struct model *m, const struct session *const *sessions, int n,
                    struct buf *out);
void export_html(const struct model *m, const struct session *const *sessions, int n,
                 struct buf *out);
void export_ticket(const struct model *m, const struct session *const *sessions, int n,
                   struct buf *out);
void export_sql(const struct model *m, const struct session *const *sessions, int n,
                struct buf *out);
void export_undo(const struct model *m, const struct session *const *sessions, int n,
                 struct buf *out);
void export_json(const struct model *m, const struct session *const *sessions, int n,
                 struct buf *out);
void export_patroni(const struct model *m, const struct session *const *sessions, int n,
                    struct buf *out);
void export_cnpg(const struct model *m, const struct session *const *sessions, int n,
                 struct buf *out);
void export_rds(const struct model *m, const struct session *const *sessions, int n,
                struct buf *out);
void export_docker(const struct model *m, const struct session *const *sessions, int n,
                   struct buf *out);

/* Where sessions disagree the value is the one that the merged report has chosen (m->advising.merged), of those that a session
 * has measured; without one the later session wins. What a later one reset, and what is on no list of settings that this
 * program tunes, is left out. Returns how many there are, in the order in which they were set last. */
int export_final(const struct model *m, const struct session *const *sessions, int n,
                 struct final_setting *out, int max);
/* The same without what is no setting of the server but of its operating system. */
int export_settings(const struct model *m, const struct session *const *sessions, int n,
                    struct final_setting *out, int max);
/* A scalar of YAML, in double quotes. */
void export_yaml(struct buf *out, const char *text);
/* export_os.c: of the same list those of the operating system: how many; their commands, a line each; the play that brings
 * them about or takes them back, with its files for the machine's start (nothing without any). */
int export_os_count(const struct final_setting *list, int n);
void export_os_commands(const struct final_setting *list, int n, bool undo, struct buf *out);
void export_os_play(const struct final_setting *list, int n, struct buf *out);
/* What the setting stood at when the round of that index began, as SHOW prints it; "" if unknown. */
const char *export_value_before(const struct session *s, int round, const char *name);

/* A line of a comment: mark, label and the text, cleaned so that it cannot become a second one. Nothing where text is "". */
void export_comment(struct buf *out, const char *mark, const char *label, const char *text);
/* What every file of a configuration says of itself, as comments. */
void export_head(const struct model *m, int nsessions, int nsettings, const char *mark,
                 struct buf *out);

/* The value for a server of that major version (0 = the one that was tuned), and what is to be said of it. False: it has no
 * such setting. */
bool export_fits(const struct entry *e, int version, char *value, size_t size, char *lacks,
                 size_t lacks_size);

/* "+17.2 % (95 % interval +13.9 % … +20.4 %)"; "not measured" without a figure. */
void export_effect(const struct verdict *v, struct buf *out);

/* What is claimed of a session: the confirmation's effect; without one what its rounds have shown, "+17.2 % over the start, by the
 * runs of round 1; not confirmed". */
void export_claim(const struct session *s, struct buf *out);
/* TPS of the start and of the best configuration, of the runs that the claim is from (gain.h); of a session that kept nothing the
 * baseline. NAN: not known. */
double export_tps_before(const struct session *s);
double export_tps_after(const struct session *s);
/* Text of a paragraph or a table cell: no character of it is markup, HTML, a link or a line's end. */
void export_markdown(struct buf *out, const char *text);
/* The same as a code span where the text is plain. */
void export_code(struct buf *out, const char *text);
/* SQL or configuration text as a block that it cannot leave. */
void export_fence(struct buf *out, const char *language, const char *text);
