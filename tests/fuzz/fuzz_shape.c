/* The shapes of two plans: the text of EXPLAIN holds whatever a query says. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/discovery/shape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct plan_shape a, b;
    char flip[200], *text = xstrndup((const char *)data, size);
    char *second = strchr(text, '\x01');

    plan_shape(text, &a);
    plan_shape(second ? second + 1 : "", &b);
    bool differs = plan_flip(&a, &b, flip, sizeof flip);
    free(text);
    if (memchr(a.text, '\0', sizeof a.text) == NULL || strlen(flip) >= sizeof flip ||
        differs != (a.text[0] && b.text[0] && strcmp(a.text, b.text) != 0))
        abort();
    return 0;
}
