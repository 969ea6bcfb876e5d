/* place.c - see place.h. */
#include "pgd/discovery/place.h"

#include <stdlib.h>
#include <string.h>

void place_child(const struct identity *id, struct effect *e)
{
    if (!id->over_ssh)
        return;
    e->u.child.flags |= CHILD_REMOTE;
    e->u.child.ssh = SSH_SERVER;
    if (strcmp(id->access, "root") != 0) {
        free(e->u.child.run_as);
        e->u.child.run_as = NULL;
    }
}

int place_as_owner(const struct identity *id, const char **first)
{
    const char *const words[PLACE_PREFIX] = {"sudo", "-n", "-u", id->owner, "--"};

    if (strcmp(id->access, "sudo") != 0)
        return 0;
    memcpy(first, words, sizeof words);
    return PLACE_PREFIX;
}
