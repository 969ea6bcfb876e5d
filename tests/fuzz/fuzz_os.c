/* Names and values of the operating system's settings, from a model, a session's files or a host: what is taken is a plain word,
 * reads back as itself, and its command is one line in which no shell finds anything but the command. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/tuning/os.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one_plain_line(const char *text, const char *value)
{
    if (strpbrk(text, "\n\r;&$`\\\"'<>(){}!~"))
        abort();
    if (strpbrk(value, " |*?[]#"))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct entry e = {.present = true};
    struct err err = {0};
    struct buf out = {0};
    char value[SETTING_VALUE_MAX], again[SETTING_VALUE_MAX];
    double number;
    size_t n = 0;

    while (n < size && data[n] != '\n')
        n++;
    if (n >= sizeof e.name || size - n > sizeof e.value)
        return 0;
    memcpy(e.name, data, n);
    if (n < size)
        memcpy(e.value, data + n + 1, size - n - 1);
    const struct os_row *row = os_find(e.name);
    if (!row) {
        if (os_send(&e, &err))
            abort();
        return 0;
    }
    if (os_value(row, e.value, &number, value, sizeof value, &err)) {
        if (!os_value(row, value, &number, again, sizeof again, &err) || strcmp(value, again) != 0)
            abort();
        text_copy_raw(e.value, sizeof e.value, value);
        if (!os_entry_ok(&e))
            abort();
        os_command(&e, &out);
        const char *text = buf_text(&out);
        one_plain_line(*text == '#' ? value : text, value);
    } else if (os_send(&e, &err) || os_entry_ok(&e)) {
        abort();
    }
    buf_clear(&out);
    return 0;
}
