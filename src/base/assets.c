/* Look-up in the table of embedded files. The table comes from cmake/EmbedAssets.cmake and is sorted by bytes. */
#include "pgd/base/assets.h"

#include <string.h>

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

const struct asset *asset_at(size_t i)
{
    return i < asset_count ? &asset_table[i] : NULL;
}
