/*
 * What is read beside libssh: a keyword of ~/.ssh/config, and the command line that libssh makes of ProxyJump. A value is one word of one
 * line; nothing of the command that is made of it means more to a shell than a name.
 */
#include <string.h>

#include "../support/fuzz.h"
#include "pgd/io/ssh_auth.h"

static void check_value(const char *text, const char *host, const char *keyword)
{
    char value[32];

    memset(value, 'x', sizeof value);
    ssh_config_value(text, host, keyword, value, sizeof value);
    REQUIRE(memchr(value, '\0', sizeof value) != NULL);
    REQUIRE(!strpbrk(value, "\r\n"));
}

static void check_jump(const char *command)
{
    static const char through[] = "'[%h]:%p'";
    struct buf out = {0};

    if (!ssh_proxy_command(command, NULL, &out)) {
        REQUIRE(out.len == 0);
        return;
    }
    REQUIRE(strncmp(buf_text(&out), "ssh -o BatchMode=yes ", 21) == 0);
    char *quoted = strstr(out.data, through);
    REQUIRE(quoted != NULL);
    memset(quoted, ' ', sizeof through - 1);
    REQUIRE(!strpbrk(out.data, ";&|<>()$`\\\"'*?#~!{}\r\n\t"));
    buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 8192)
        return 0;
    char *text = xmalloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    check_value(text, "db1", "StrictHostKeyChecking");
    check_value(text, "10.0.0.7", "User");
    check_jump(text);
    free(text);
    return 0;
}
