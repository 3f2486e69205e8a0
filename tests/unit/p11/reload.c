/* SPDX-License-Identifier: Apache-2.0
 *
 * The built module, loaded and unloaded again and again in a program that does not use libcrypto itself: exports what
 * it should, and leaves no descriptor, thread or mapping behind. Argument: the path of libtrustp11.so. A plain program,
 * since Criterion would bring its own threads.
 */
#include "trustp11/cryptoki.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIMES      1000
#define FIRST      50  /* rounds until libraries below us have made what they keep */
#define PAGES_MOST 512 /* that may be added between round FIRST and the last: 2 MiB, or 2 KiB a round */

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                      \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

struct holdings {
    size_t descriptors, threads, maps, pages;
};

static size_t count_entries(const char *path)
{
    size_t count = 0;
    DIR *folder = opendir(path);
    CHECK(folder != NULL);
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count;
}

static size_t count_lines(const char *path)
{
    size_t count = 0;
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    for (int c = fgetc(file); c != EOF; c = fgetc(file))
        count += c == '\n';
    (void)fclose(file);
    return count;
}

static size_t resident_pages(void)
{
    size_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL && fscanf(file, "%*s %zu", &pages) == 1);
    (void)fclose(file);
    return pages;
}

static struct holdings take_stock(void)
{
    return (struct holdings){count_entries("/proc/self/fd"), count_entries("/proc/self/task"),
                             count_lines("/proc/self/maps"), resident_pages()};
}

static void *symbol(void *library, const char *name)
{
    return dlsym(library, name);
}

/* Everything that makes something: a session, a digest, random numbers, a try to reach an engine that is not there. */
static void use(CK_FUNCTION_LIST *list)
{
    CK_SESSION_HANDLE session;
    CK_TOKEN_INFO token;
    CK_MECHANISM mechanism = {CKM_SHA256, NULL, 0};
    CK_BYTE bytes[32];
    CK_ULONG len = sizeof(bytes);
    CHECK(list->C_Initialize(NULL) == CKR_OK);
    CHECK(list->C_GetTokenInfo(0, &token) == CKR_DEVICE_REMOVED);
    CHECK(list->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK);
    CHECK(list->C_DigestInit(session, &mechanism) == CKR_OK);
    CHECK(list->C_Digest(session, bytes, 3, bytes, &len) == CKR_OK);
    CHECK(list->C_GenerateRandom(session, bytes, sizeof(bytes)) == CKR_OK);
    CHECK(list->C_Finalize(NULL) == CKR_OK);
}

static void load_and_unload(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        (void)fprintf(stderr, "%s\n", dlerror());
    CHECK(library != NULL);
    CK_C_GetFunctionList get_list;
    void *found = symbol(library, "C_GetFunctionList");
    CHECK(found != NULL && symbol(library, "C_GetInterface") != NULL && symbol(library, "C_GetInterfaceList") != NULL);
    CHECK(symbol(library, "C_Initialize") == NULL && symbol(library, "tp_buf_append") == NULL);
    memcpy(&get_list, &found, sizeof(get_list));
    CK_FUNCTION_LIST *list = NULL;
    CHECK(get_list(&list) == CKR_OK);
    use(list);
    CHECK(dlclose(library) == 0);
    CHECK(dlopen(path, RTLD_NOW | RTLD_NOLOAD) == NULL); /* it has really gone */
}

static void write_conf(const char *path)
{
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    (void)fprintf(file, "socket = %s.sock\nengine_user = %u\nusers = alice\n", path, (unsigned)getuid());
    (void)fclose(file);
    (void)setenv("TRUSTP11_CONF", path, 1);
}

int main(int argc, char **argv)
{
    char conf_path[] = "/tmp/trustp11-reload-XXXXXX";
    struct holdings before = {0};
    CHECK(argc == 2);
    int fd = mkstemp(conf_path);
    CHECK(fd >= 0 && close(fd) == 0);
    write_conf(conf_path);
    for (int i = 0; i < TIMES; i++) {
        load_and_unload(argv[1]);
        if (i == FIRST)
            before = take_stock();
    }
    struct holdings after = take_stock();
    (void)unlink(conf_path);
    (void)printf("descriptors %zu, %zu; threads %zu, %zu; mappings %zu, %zu; pages %zu, %zu\n", before.descriptors,
                 after.descriptors, before.threads, after.threads, before.maps, after.maps, before.pages, after.pages);
    CHECK(after.descriptors == before.descriptors && after.threads == before.threads);
    CHECK(after.maps <= before.maps + 2 && after.pages <= before.pages + PAGES_MOST);
    return 0;
}
