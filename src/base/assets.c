/* Look-up in the table of embedded files. The table comes from cmake/EmbedAssets.cmake and is sorted by bytes. */
#include "pgd/base/assets.h"

#include <string.h>

#include "pgd/base/mem.h"

const struct asset *asset_find(const char *name)
{
    size_t low = 0;
    size_t high = asset_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, asset_table[middle].name);
        if (order == 0)
            return &asset_table[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const char *asset_body(const char *text)
{
    while (strncmp(text, "--", 2) == 0) {
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    return text;
}

const char *asset_sql(const char *name)
{
    const struct asset *a = asset_find(name);

    if (!a)
        die("the asset %s is missing", name);
    return asset_body((const char *)a->data);
}

const struct asset *asset_at(size_t i)
{
    return i < asset_count ? &asset_table[i] : NULL;
}
