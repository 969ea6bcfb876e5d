/* PGDIAG.md of any bytes: bounded, printable, and read again it says the same. */
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/wishes.h"
#include "pgd/base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wishes w, again;
    wishes_init(&w);
    enum wishes_kept kept = wishes_read((const char *)data, size, &w);
    if (strlen(w.text) >= sizeof w.text || w.nnever < 0 || w.nnever > NEVER_MAX)
        abort();
    for (int i = 0; i < w.nnever; i++) {
        char name[SETTING_NAME_MAX];
        text_copy_raw(name, sizeof name, w.never[i]);
        size_t n = strlen(name);
        if (n && name[n - 1] == '*')
            name[n - 1] = '\0';
        if (!text_is_ident(name) || !wishes_forbid(&w, name))
            abort();
    }
    if (kept != WISHES_WHOLE)
        return 0;
    wishes_init(&again);
    wishes_read(w.text, strlen(w.text), &again);
    if (strcmp(w.text, again.text) != 0 || w.nnever != again.nnever)
        abort();
    return 0;
}
