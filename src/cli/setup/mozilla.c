/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/setup/mozilla.h"
#include "cli/file.h"
#include "cli/setup/textfile.h"

#include <string.h>

struct profile {
    bool is_profile; /* the section is one; there are others */
    bool is_relative, is_default;
    char path[PATH_MAX];
};

static const char *value_of(const char *line, const char *key)
{
    size_t len = strlen(key);
    return strncmp(line, key, len) == 0 && line[len] == '=' ? line + len + 1 : NULL;
}

static void read_line(const char *line, struct profile *profile)
{
    const char *value;
    if ((value = value_of(line, "Path")) != NULL)
        (void)snprintf(profile->path, sizeof profile->path, "%.*s", (int)strcspn(value, "\r\n"), value);
    else if ((value = value_of(line, "IsRelative")) != NULL)
        profile->is_relative = value[0] == '1';
    else if ((value = value_of(line, "Default")) != NULL)
        profile->is_default = value[0] == '1';
}

/* Profiles that were deleted by hand stay in the list. */
static bool hand_out(const char *root, const struct profile *profile, tp_setup_mozilla_see *see, void *context)
{
    char folder[PATH_MAX];
    struct stat status;
    if (!profile->is_profile || profile->path[0] == '\0')
        return true;
    tp_setup_look_path(folder, "%s%s%s", profile->is_relative ? root : "", profile->is_relative ? "/" : "",
                       profile->path);
    if (folder[0] != '/' || stat(folder, &status) != 0 || !S_ISDIR(status.st_mode))
        return true;
    return see(folder, profile->is_default, context);
}

void tp_setup_mozilla_each(const char *root, tp_setup_mozilla_see *see, void *context)
{
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct profile profile = {.is_profile = false};
    char path[PATH_MAX];
    tp_setup_look_path(path, "%s/profiles.ini", root);
    if (tp_cli_file_read(path, TP_SETUP_TEXT_MAX, NULL, &text) != TP_OK)
        return;
    for (const char *line = tp_buf_string(&text); *line != '\0'; line += strspn(line, "\n")) {
        if (line[0] != '[') {
            read_line(line, &profile);
        } else if (hand_out(root, &profile, see, context)) {
            memset(&profile, 0, sizeof profile);
            profile.is_profile = strncmp(line, "[Profile", strlen("[Profile")) == 0;
        } else {
            return;
        }
        line += strcspn(line, "\n");
    }
    (void)hand_out(root, &profile, see, context);
}
