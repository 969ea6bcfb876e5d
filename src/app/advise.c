/* advise.c - see advise.h. */
#include "pgd/app/advise.h"

void advise_event(struct model *m, const struct event *ev, struct effects *fx)
{
    (void)m;
    (void)ev;
    (void)fx;
}
