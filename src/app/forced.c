/* forced.c - see forced.h. Outside of test builds it does nothing. */
#include "pgd/app/forced.h"

#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"

#ifdef PGD_TEST_BUILD
static void force_change(struct proposal *p, const char *pair, size_t len)
{
    const char *eq = memchr(pair, '=', len);
    size_t name = eq ? (size_t)(eq - pair) : 0;

    if (!name || p->n == CHANGES_MAX || name >= sizeof p->changes[0].name ||
        len - name - 1 >= sizeof p->changes[0].value)
        return;
    struct setting_change *c = &p->changes[p->n++];
    memset(c, 0, sizeof *c);
    memcpy(c->name, pair, name);
    memcpy(c->value, eq + 1, len - name - 1);
    p->nothing_left = false;
    text_copy(c->why, sizeof c->why, "asked for by a test");
}
#endif

void forced_changes(struct proposal *p, int round)
{
#ifdef PGD_TEST_BUILD
    const char *at = getenv("PGD_TEST_FORCE_CHANGE");
    bool rounds = at && strchr(at, '\n');

    if (getenv("PGD_TEST_ONLY_FORCED")) /* the advisor's own are left out */
        p->n = p->nsets = 0;
    for (; rounds && at && round > 1; round--)
        at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL;
    if (at && *at == '!') {
        p->n = p->nsets = 0;
        p->repair = false;
        at++;
    }
    while (at && *at && *at != '\n') {
        size_t len = strcspn(at, ";\n");
        force_change(p, at, len);
        at += len + (at[len] == ';');
    }
#else
    (void)p;
    (void)round;
#endif
}
