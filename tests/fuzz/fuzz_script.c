/* The scanner of pgbench scripts. A text that is accepted holds no \shell or \setshell right
 * behind a backslash. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/runner/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {0};
    char *text = xstrndup((const char *)data, size);
    if (script_check("fuzz.sql", (const char *)data, size, &e)) {
        if (strcasestr(text, "\\shell") || strcasestr(text, "\\setshell"))
            abort();
    } else if (e.code == ERR_NONE || e.msg[0] == '\0') {
        abort();
    }
    (void)script_writes(text);
    for (int n = 0; n < 8; n++) {
        struct buf out = {0};
        bool found = script_select(text, n, 10, &out);
        if (found == (out.len == 0))
            abort();
        buf_clear(&out);
        if (!found)
            break;
    }
    free(text);
    return 0;
}
