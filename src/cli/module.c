/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/module.h"
#include "p11/module.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <trustp11/cryptoki.h>
#include <unistd.h>

/* To dlopen(3) a name without a slash is one of the system's libraries; to people it is a file that lies here. */
void tp_cli_module_path(const struct tp_cli *cli, char ret_path[PATH_MAX])
{
    const char *path = tp_cli_text(&cli->args, "module");
    path = path == NULL ? TP_MODULE_PATH : path;
    bool is_here = strchr(path, '/') == NULL && access(path, F_OK) == 0;
    (void)snprintf(ret_path, PATH_MAX, "%s%s", is_here ? "./" : "", path);
}

bool tp_cli_module_is_named(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strcmp(slash == NULL ? path : slash + 1, TP_CLI_MODULE_FILE) == 0;
}

/* ---- architecture ---- */

struct kind {
    unsigned char ident[EI_NIDENT];
    Elf64_Half type, machine; /* at the same places in 32-bit files */
};

static bool read_kind(const char *path, struct kind *ret_kind)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool got = fd >= 0 && read(fd, ret_kind, sizeof *ret_kind) == (ssize_t)sizeof *ret_kind &&
               memcmp(ret_kind->ident, ELFMAG, SELFMAG) == 0;
    if (fd >= 0)
        (void)close(fd);
    return got;
}

bool tp_cli_module_is_foreign(const char *path)
{
    struct kind own, other;
    return read_kind("/proc/self/exe", &own) && read_kind(path, &other) &&
           (own.machine != other.machine || own.ident[EI_CLASS] != other.ident[EI_CLASS]);
}

/* ---- loading ---- */

/* PKCS#11 pads with blanks, and ends with no NUL. */
static bool is_padded(const unsigned char *field, size_t field_len, const char *text)
{
    size_t len = strlen(text);
    if (len > field_len || memcmp(field, text, len) != 0)
        return false;
    while (len < field_len && field[len] == ' ')
        len++;
    return len == field_len;
}

static enum tp_cli_module ask(CK_FUNCTION_LIST *calls)
{
    CK_INFO info = {.flags = 0};
    bool started = calls->C_Initialize(NULL) == CKR_OK;
    bool told = started && calls->C_GetInfo(&info) == CKR_OK;
    bool ours = told && is_padded(info.libraryDescription, sizeof info.libraryDescription, TP_P11_LIBRARY);
    if (started)
        (void)calls->C_Finalize(NULL);
    return ours ? TP_CLI_MODULE_OK : told ? TP_CLI_MODULE_NOT_OURS : TP_CLI_MODULE_NOT_STARTING;
}

enum tp_cli_module tp_cli_module_look(const char *path, char *ret_words, size_t words_len)
{
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get = NULL;
    CK_FUNCTION_LIST *calls = NULL;
    (void)snprintf(ret_words, words_len, "%s", module == NULL ? dlerror() : path);
    if (module == NULL)
        return tp_cli_module_is_foreign(path) ? TP_CLI_MODULE_OTHER_ARCH : TP_CLI_MODULE_UNLOADABLE;
    *(void **)&get = dlsym(module, "C_GetFunctionList"); /* POSIX has it so: ISO C casts no function from void * */
    bool is_pkcs11 = get != NULL && get(&calls) == CKR_OK && calls != NULL;
    enum tp_cli_module found = is_pkcs11 ? ask(calls) : TP_CLI_MODULE_NO_PKCS11;
    (void)dlclose(module);
    return found;
}
