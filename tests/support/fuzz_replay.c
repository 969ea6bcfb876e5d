/*
 * Stands in for libFuzzer in ordinary builds: gives every file of the folders (or files) on the command line to the fuzz
 * target, and the empty input and every prefix of each file up to 64 bytes with it. A crash or a sanitizer's report is the
 * failure.
 */
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A target to which a prefix is a whole story of its own says here that none is to be told. */
extern const size_t fuzz_prefix_most __attribute__((weak));

/* The bytes stand in a block of exactly their size, so that the sanitizer sees the first read beyond it. */
static void give(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(1);
    }
    size_t room = 1 << 20;
    uint8_t *data = malloc(room);
    if (data == NULL)
        abort();
    size_t size = fread(data, 1, room, f);
    fclose(f);
    size_t most = &fuzz_prefix_most ? fuzz_prefix_most : 64;
    for (size_t prefix = 0; prefix < size && prefix < most; prefix++)
        give(data, prefix);
    give(data, size);
    free(data);
    return 1;
}

static int replay(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return 0;
    if (!S_ISDIR(st.st_mode))
        return replay_file(path);
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, alphasort);
    int files = 0;
    for (int i = 0; i < n; i++) {
        char name[4096];
        if (entries[i]->d_name[0] != '.' &&
            snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name) < (int)sizeof name)
            files += replay(name);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return files;
}

int main(int argc, char **argv)
{
    int files = 0;
    give((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++)
        files += replay(argv[i]);
    printf("%d inputs replayed\n", files);
    if (files == 0) {
        fprintf(stderr, "the corpus is empty\n");
        return 1;
    }
    return 0;
}
