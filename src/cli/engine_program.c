/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/engine_program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* From the folder of this program: in a build tree, below a prefix that was moved, in one folder with it. */
static const char *const places[] = {"../server/trustp11d", "../sbin/trustp11d", "trustp11d"};

static bool own_folder(char ret_folder[PATH_MAX])
{
    const ssize_t len = readlink("/proc/self/exe", ret_folder, PATH_MAX - 1);
    if (len <= 0)
        return false;
    ret_folder[len] = '\0';
    char *slash = strrchr(ret_folder, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return true;
}

static bool is_the_installed_one(const char *path)
{
    struct stat one, other;
    return stat(path, &one) == 0 && stat(TP_ENGINE_PROGRAM, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

bool tp_cli_engine_program_find(char ret_path[PATH_MAX])
{
    char folder[PATH_MAX], path[PATH_MAX + 32];
    if (!own_folder(folder))
        return false;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, places[i]);
        if (access(path, X_OK) == 0 && realpath(path, ret_path) != NULL)
            return !is_the_installed_one(ret_path);
    }
    return false;
}
