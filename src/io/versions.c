/* versions.c - see versions.h. */
#include "pgd/io/versions.h"

#include <curl/curl.h>
#include <libpq-fe.h>
#include <libssh/libssh.h>
#include <stdio.h>
#include <uv.h>

void versions_print(const char *program, const char *others)
{
    printf("pg_diagnose %s\n", program);
    printf("libpq %d.%d, libuv %s, libcurl %s, libssh %s, %s\n", PQlibVersion() / 10000,
           PQlibVersion() % 10000, uv_version_string(), curl_version_info(CURLVERSION_NOW)->version,
           ssh_version(0), others);
}
