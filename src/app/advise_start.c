/* advise_start.c - whom the DBA wants to be advised by, and what is asked besides questions: own prices, earlier consent, the list of
 * models; see advise.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/wishes.h"
#include "pgd/app/advise.h"
#include "pgd/app/dialogs_come.h"
#include "pgd/app/flow_parts.h"
#include "pgd/base/sha256.h"
#include "pgd/base/text.h"

enum other { OTHER_PRICES = 1, OTHER_AGREED, OTHER_MODELS, OTHER_ANSWERS = ADVISE_ANSWERS };
enum { HOME_FILE_MAX = 256 * 1024, LIST_MAX = 4 * 1024 * 1024 };

static struct req req_of(enum other id)
{
    return (struct req){OWNER_ASK, ASK_NO_QUESTION, (uint32_t)id};
}

/* ---- who ---- */

static const char *first_of(const char *a, const char *b, const char *c)
{
    return a[0] ? a : b[0] ? b : c;
}

/* The endpoint of a provider, from command line, environment and defaults. */
static void endpoint_of(const struct model *m, enum partner_kind kind, struct endpoint *out)
{
    const struct options *o = &m->opt;
    const struct prices *p = &m->partner.prices;
    bool gemini = kind == PARTNER_GEMINI;

    memset(out, 0, sizeof *out);
    out->dialect = gemini ? DIALECT_GEMINI : DIALECT_OPENAI;
    out->key = gemini ? o->env.gemini_key : o->env.openai_key;
    text_copy_raw(out->model, sizeof out->model,
                  gemini ? first_of(o->model, o->env.gemini_model, p->gemini_default)
                         : first_of(o->model, o->env.openai_model, p->openai_default));
    text_copy_raw(
        out->base, sizeof out->base,
        gemini ? first_of(o->env.gemini_base, "", "https://generativelanguage.googleapis.com")
               : first_of(o->env.openai_base, "", "https://api.openai.com/v1"));
}

static enum partner_kind wanted(const struct options *o)
{
    switch (o->advisor) {
    case ADVISOR_GEMINI:
        return PARTNER_GEMINI;
    case ADVISOR_OPENAI:
        return PARTNER_OPENAI;
    case ADVISOR_AUTO: /* a key by itself is no consent where there is nobody to be asked */
        return o->headless                                ? PARTNER_BUILTIN
               : o->env.gemini_key                        ? PARTNER_GEMINI
               : o->env.openai_key || *o->env.openai_base ? PARTNER_OPENAI
                                                          : PARTNER_BUILTIN;
    case ADVISOR_BUILTIN:
        break;
    }
    return PARTNER_BUILTIN;
}

bool advise_setup(struct model *m, struct err *e)
{
    const struct options *o = &m->opt;
    struct partner *p = &m->partner;
    enum partner_kind kind = wanted(o);

    for (int i = 0; i < ASK_SLOTS; i++)
        m->asks[i].slot = (enum ask_slot)i;
    p->kind = PARTNER_BUILTIN;
    p->privacy = o->privacy;
    p->cap_usd = o->max_usd > 0 ? o->max_usd : PARTNER_CAP_USD;
    p->cap_calls = o->max_calls > 0 ? o->max_calls : CAP_CALLS;
    p->no_stream = o->no_stream;
    if (!prices_load(&p->prices, NULL, 0, e))
        return false;
    if (kind == PARTNER_BUILTIN)
        return true;
    endpoint_of(m, kind, &p->endpoint);
    if (!endpoint_check(&p->endpoint, e))
        return o->advisor == ADVISOR_AUTO; /* then nobody has asked for it */
    p->kind = kind;
    p->told = o->headless; /* --advisor together with the key */
    return true;
}

static void home_file(const struct model *m, const char *name, struct buf *path)
{
    buf_printf(path, "%s/%s", m->opt.home, name);
}

static void read_home(struct model *m, enum other id, const char *name, struct effects *fx)
{
    struct buf path = {0};

    home_file(m, name, &path);
    fx_file(fx, req_of(id), FILE_READ, buf_text(&path))->u.file.max_bytes = HOME_FILE_MAX;
    buf_clear(&path);
}

void advise_start(struct model *m, struct effects *fx)
{
    m->advising.random ^= (uint64_t)m->wall_us << 20 ^ (uint64_t)m->opt.pid;
    if (m->partner.kind == PARTNER_BUILTIN)
        return;
    read_home(m, OTHER_PRICES, "prices.json", fx);
    if (!m->partner.told)
        read_home(m, OTHER_AGREED, "agreed.txt", fx);
}

void advise_know(struct model *m)
{
    const struct link *l = &m->links[CONN_CONTROL];
    const struct server_facts *f = &m->server;
    struct mask *mask;

    if (m->partner.kind == PARTNER_BUILTIN)
        return;
    mask = partner_mask(&m->partner);
    mask_know(mask, ALIAS_HOST, m->opt.ssh_host);
    mask_know(mask, ALIAS_HOST, m->opt.bench_host);
    mask_know(mask, ALIAS_USER, m->opt.ssh_user);
    mask_know(mask, ALIAS_USER, m->opt.bench_user);
    if (!m->server_known)
        return;
    mask_know(mask, ALIAS_HOST, l->host);
    mask_know(mask, ALIAS_HOST, f->host.hostname);
    mask_know(mask, ALIAS_ADDRESS, l->hostaddr);
    mask_know(mask, ALIAS_ADDRESS, f->id.server_addr);
    mask_know(mask, ALIAS_USER, l->user);
    mask_know(mask, ALIAS_USER, f->id.role);
    mask_know(mask, ALIAS_USER, f->id.owner);
    mask_know(mask, ALIAS_DATABASE, l->dbname);
    mask_know(mask, ALIAS_DATABASE, f->id.database);
}

/* ---- consent ---- */

/* One line for each address that may be talked to. */
static bool agreed_before(const char *text, const char *base)
{
    size_t n = strlen(base);

    while (*text) {
        size_t len = strcspn(text, "\n");
        if (len == n && strncmp(text, base, n) == 0)
            return true;
        text += len + (text[len] == '\n');
    }
    return false;
}

static void ask_consent(struct model *m)
{
    if (m->partner.kind == PARTNER_BUILTIN || m->partner.told)
        return;
    m->partner.told = agreed_before(m->advising.agreed, m->partner.endpoint.base);
    m->advising.notice = !m->partner.told;
    if (m->partner.told)
        model_say(m, CHAT_EVENT, "%s advises, as you have agreed before",
                  m->partner.endpoint.model);
}

bool advise_undecided(const struct model *m)
{
    return m->partner.kind != PARTNER_BUILTIN && !m->partner.told && !m->opt.headless;
}

/* The first sight has waited for it. */
static void decided(struct model *m, struct effects *fx)
{
    if (m->flow == FLOW_SIGHT && !advise_undecided(m) && !advise_busy(m))
        advise(m, OP_FIRST_SIGHT, fx);
}

static bool wishes_lost(struct err *e, enum wishes_kept kept)
{
    if (kept != WISHES_NEVER_LOST)
        return false;
    err_set(e, ERR_REFUSED, "PGDIAG.md forbids more than can be kept");
    err_detail(e, "It is longer than %d kB, or it names more than %d settings.",
               WISHES_FILE_MAX / 1024, NEVER_MAX);
    err_hint(e,
             "Shorten it (autovacuum* stands for all that begin so); until then nothing is tuned.");
    return true;
}

bool advise_wishes(struct model *m, const struct event *ev, struct err *e)
{
    struct advising *v = &m->advising;
    struct wishes *found = &v->found;

    wishes_init(found);
    v->wishes_hash[0] = '\0';
    v->wishes_untrusted = false;
    if (ev->err.code != ERR_NONE && !ev->u.file.missing) { /* what it forbids nobody knows */
        *e = ev->err;
        err_set(e, ERR_REFUSED, "PGDIAG.md, which may forbid settings, cannot be read");
        err_detail(e, "%s.", ev->err.msg);
        return false;
    }
    if (!ev->text || ev->len == 0)
        return true;
    enum wishes_kept kept = wishes_read(ev->text, ev->len, found);
    if (wishes_lost(e, kept))
        return false;
    if (kept == WISHES_TEXT_CUT)
        model_say(m, CHAT_WARN,
                  "PGDIAG.md is long: all that it forbids counts, and the advisor is told the "
                  "first %zu bytes",
                  strlen(found->text));
    if (found->nodd > 0)
        model_say(m, CHAT_WARN,
                  "PGDIAG.md: no setting is named where it forbids something (%d line%s), so "
                  "nothing is guarded there: %s",
                  found->nodd, found->nodd == 1 ? "" : "s", found->odd);
    sha256_text(ev->text, ev->len, v->wishes_hash);
    if (strcmp(v->wishes_hash, v->trusted_hash) == 0) {
        m->wishes = *found;
        return true;
    }
    v->wishes_untrusted = true;
    m->wishes.nnever = found->nnever;
    memcpy(m->wishes.never, found->never, sizeof m->wishes.never);
    model_say(m, CHAT_EVENT, "PGDIAG.md is new or has changed: only what it forbids counts so far");
    return true;
}

void advise_notice(struct model *m)
{
    if (m->advising.wishes_untrusted && !m->opt.headless && m->screen.dialog.kind == DIALOG_NONE &&
        m->fl.decision == DECIDE_NOTHING)
        (void)dialogs_come(m, DIALOG_TRUST);
    if (m->advising.notice && m->screen.dialog.kind == DIALOG_NONE)
        (void)dialogs_come(m, DIALOG_NOTICE);
}

void advise_agree(struct model *m, bool yes, struct effects *fx)
{
    struct buf path = {0}, text = {0};

    m->advising.notice = false;
    m->dirty = true;
    if (!yes) {
        advise_cancel_all(m, fx);
        m->partner.kind = PARTNER_BUILTIN;
        model_say(m, CHAT_EVENT, "nothing is sent: the builtin advisor advises");
        decided(m, fx);
        return;
    }
    m->partner.told = true;
    advise_know(m);
    model_say(m, CHAT_EVENT, "%s advises from here on", m->partner.endpoint.model);
    buf_printf(&text, "%s%s\n", m->advising.agreed, m->partner.endpoint.base);
    text_copy_raw(m->advising.agreed, sizeof m->advising.agreed, buf_text(&text));
    home_file(m, "agreed.txt", &path);
    struct effect *e = fx_file(fx, flow_store_req(), FILE_SAVE, buf_text(&path));
    e->len = text.len;
    e->text = buf_take(&text);
    buf_clear(&path);
    decided(m, fx);
}

/* ---- models ---- */

/* The id tells a late list from the one that is awaited. */
static struct req list_req(const struct model *m)
{
    return (struct req){OWNER_ASK, ASK_NO_QUESTION, OTHER_MODELS + 16 * m->advising.list_no};
}

void advise_models(struct model *m, struct effects *fx)
{
    struct partner *p = &m->partner;

    if (p->kind == PARTNER_BUILTIN || p->models_asked || !p->told)
        return;
    p->models_asked = true;
    memset(&p->models_err, 0, sizeof p->models_err);
    buf_clear(&m->advising.list);
    wire_models(fx, list_req(m), &p->endpoint);
}

static void models_event(struct model *m, const struct event *ev)
{
    struct partner *p = &m->partner;
    struct buf *list = &m->advising.list;

    if (ev->kind == EV_HTTP_HEAD)
        m->advising.list_status = ev->u.http.status;
    if (ev->kind == EV_HTTP_DATA && ev->text && list->len + ev->len <= LIST_MAX)
        buf_append(list, ev->text, ev->len);
    if (ev->kind != EV_HTTP_END)
        return;
    p->models_asked = false;
    m->dirty = true;
    if (ev->err.code != ERR_NONE)
        p->models_err = ev->err;
    else if (m->advising.list_status / 100 != 2)
        err_set(&p->models_err, ERR_MODEL, "the list of models was refused (HTTP %d)",
                m->advising.list_status);
    else
        p->nmodels = wire_read_models(p->endpoint.dialect, buf_text(list), list->len, p->models,
                                      MODELS_MAX, &p->models_err);
    buf_clear(list);
}

/* What is still to come is the list of another address. */
static void drop_list(struct model *m, struct effects *fx)
{
    if (!m->partner.models_asked)
        return;
    effects_add(fx, FX_HTTP_CANCEL, list_req(m));
    m->advising.list_no++;
    m->partner.models_asked = false;
    buf_clear(&m->advising.list);
}

void advise_use(struct model *m, const char *name, struct effects *fx)
{
    struct partner *p = &m->partner;
    struct endpoint to;
    struct err e = {0};
    enum partner_kind kind = p->kind;

    for (int k = PARTNER_BUILTIN; k <= PARTNER_OPENAI; k++)
        if (strcmp(name, partner_kind_name((enum partner_kind)k)) == 0)
            kind = (enum partner_kind)k;
    bool provider = strcmp(name, partner_kind_name(kind)) == 0;
    m->dirty = true;
    if (kind == PARTNER_BUILTIN && !provider) {
        model_say(m, CHAT_WARN, "name a provider first: /model gemini or /model openai");
        return;
    }
    advise_cancel_all(m,
                      fx); /* no try of theirs goes to another address than the DBA has agreed to */
    if (kind == PARTNER_BUILTIN) {
        p->kind = kind;
        m->advising.notice = false;
        model_say(m, CHAT_EVENT, "the builtin advisor advises");
        decided(m, fx);
        return;
    }
    if (provider)
        endpoint_of(m, kind, &to);
    else
        to = p->endpoint;
    if (!provider)
        text_copy(to.model, sizeof to.model, name);
    if (!endpoint_check(&to, &e)) {
        model_say(m, CHAT_WARN, "%s", e.msg);
        if (e.hint[0])
            model_say(m, CHAT_WARN, "%s", e.hint);
        return;
    }
    if (strcmp(to.base, p->endpoint.base) != 0) {
        p->told = false;
        p->nmodels = 0;
    }
    drop_list(m, fx);
    to.no_schema = false;
    p->endpoint = to;
    p->kind = kind;
    partner_anew(p);
    m->advising.breaker_told = BREAKER_CLOSED;
    m->advising.gone_told[0] = '\0';
    ask_consent(m);
    advise_know(m);
    if (p->told)
        model_say(m, CHAT_EVENT, "%s advises from here on", to.model);
    decided(m, fx);
}

/* ---- answers ---- */

void advise_other(struct model *m, const struct event *ev, struct effects *fx)
{
    struct err e = {0};

    switch ((enum other)(ev->req.id % 16)) {
    case OTHER_PRICES:
        if (ev->err.code == ERR_NONE && ev->text &&
            !prices_load(&m->partner.prices, ev->text, ev->len, &e))
            model_say(m, CHAT_WARN, "prices.json of the home is not used: %s", e.msg);
        break;
    case OTHER_AGREED:
        if (ev->err.code == ERR_NONE && ev->text)
            text_copy_raw(m->advising.agreed, sizeof m->advising.agreed, ev->text);
        ask_consent(m);
        decided(m, fx);
        m->dirty = true;
        break;
    case OTHER_MODELS:
        if (req_same(ev->req, list_req(m)))
            models_event(m, ev);
        break;
    case OTHER_ANSWERS:
        advise_answers_known(m, ev, fx);
        break;
    }
}
