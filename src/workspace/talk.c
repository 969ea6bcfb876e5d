/* talk.c - see talk.h: only what its owner needs at the end. */
#include "pgd/workspace/talk.h"

#include <stdlib.h>
#include <string.h>

void talk_line_clear(struct talk_line *l)
{
    free(l->on_screen);
    free(l->told);
    memset(l, 0, sizeof *l);
}

void talk_facts_clear(struct talk *t)
{
    for (int i = 0; i < t->nfacts; i++)
        free(t->facts[i].text);
    memset(t->facts, 0, sizeof t->facts);
    t->nfacts = t->facts_rounds = 0;
}

void talk_clear(struct talk *t)
{
    talk_facts_clear(t);
    talk_line_clear(&t->now);
    for (int i = 0; i < t->nqueue; i++)
        talk_line_clear(&t->queue[i]);
    buf_clear(&t->statement);
    buf_clear(&t->answer);
    buf_clear(&t->preview);
    memset(t, 0, sizeof *t);
}
