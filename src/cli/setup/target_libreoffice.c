/* SPDX-License-Identifier: Apache-2.0
 *
 * LibreOffice: it takes the NSS database that MOZILLA_CERTIFICATE_FOLDER or its own settings name, or else that of the
 * default profile of Thunderbird or Firefox. Where there is none of these it gets one of ours, and a line in its
 * settings.
 */
#include "cli/file.h"
#include "cli/setup/mozilla.h"
#include "cli/setup/nss.h"
#include "cli/setup/textfile.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SETTINGS "libreoffice/4/user/registrymodifications.xcu"
#define LOCK     "libreoffice/4/.lock"
#define ITEM_START                                                                                                     \
    "<item oor:path=\"/org.openoffice.Office.Common/Security/Scripting\"><prop oor:name=\"CertDir\" "                  \
    "oor:op=\"fuse\"><value>"
#define ITEM_END  "</value></prop></item>"
#define ITEMS_END "</oor:items>"

struct place {
    char folder[PATH_MAX];
    const char *why;
    bool own; /* made by setup: the settings name it, or are to */
};

static void own_folder(const struct tp_setup *setup, char ret_folder[PATH_MAX])
{
    char data[PATH_MAX];
    tp_setup_look_folder(setup, "XDG_DATA_HOME", ".local/share", data);
    tp_setup_look_path(ret_folder, "%s/trustp11/nssdb", data);
}

/* ---- which database ---- */

static bool by_variable(struct tp_setup *setup, struct place *ret_place)
{
    const char *folder = secure_getenv("MOZILLA_CERTIFICATE_FOLDER");
    (void)setup;
    if (folder == NULL || folder[0] == '\0')
        return false;
    tp_setup_look_path(ret_place->folder, "%s", tp_setup_nss_folder(folder));
    ret_place->why = "MOZILLA_CERTIFICATE_FOLDER";
    return true;
}

static bool by_settings(struct tp_setup *setup, struct place *ret_place)
{
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    char path[PATH_MAX], own[PATH_MAX];
    tp_setup_look_config(setup, SETTINGS, path);
    if (tp_cli_file_read(path, TP_SETUP_TEXT_MAX, NULL, &text) != TP_OK)
        return false;
    const char *item = strstr(tp_buf_string(&text), ITEM_START);
    if (item == NULL)
        return false;
    item = tp_setup_nss_folder(item + strlen(ITEM_START));
    tp_setup_look_path(ret_place->folder, "%.*s", (int)strcspn(item, "<"), item);
    own_folder(setup, own);
    ret_place->own = strcmp(ret_place->folder, own) == 0;
    ret_place->why = "its settings";
    return ret_place->folder[0] == '/';
}

static bool see_default(const char *folder, bool is_default, void *context)
{
    struct place *place = context;
    if (is_default || place->folder[0] == '\0')
        tp_setup_look_path(place->folder, "%s", folder);
    return !is_default;
}

static bool by_profile(struct tp_setup *setup, struct place *ret_place)
{
    static const struct {
        const char *root, *why;
    } programs[] = {{".thunderbird", "Thunderbird's default profile"},
                    {".mozilla/firefox", "Firefox's default profile"}};
    char root[PATH_MAX];
    for (size_t i = 0; i < sizeof programs / sizeof programs[0] && ret_place->folder[0] == '\0'; i++) {
        tp_setup_look_path(root, "%s/%s", setup->home, programs[i].root);
        tp_setup_mozilla_each(root, see_default, ret_place);
        ret_place->why = programs[i].why;
    }
    return ret_place->folder[0] != '\0';
}

/* In LibreOffice's own order (its xmlsecurity, nssinitializer.cxx). */
static void find_place(struct tp_setup *setup, struct place *ret_place)
{
    static bool (*const ways[])(struct tp_setup * setup, struct place * ret_place) = {by_variable, by_settings,
                                                                                      by_profile};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        memset(ret_place, 0, sizeof *ret_place);
        if (ways[i](setup, ret_place))
            return;
    }
    memset(ret_place, 0, sizeof *ret_place);
    own_folder(setup, ret_place->folder);
    ret_place->own = true;
    ret_place->why = "its settings";
}

/* ---- its settings ---- */

static enum tp_rc read_settings(struct tp_setup *setup, struct tp_setup_textfile *ret_file)
{
    char path[PATH_MAX];
    TP_TRY(tp_setup_config_path(setup, LOCK, path));
    if (access(path, F_OK) == 0)
        return tp_error_set(&setup->cli->error, TP_BUSY,
                            "LibreOffice is running, and would write over its settings: end it first (%s)", path);
    TP_TRY(tp_setup_config_path(setup, SETTINGS, path));
    if (access(path, F_OK) != 0)
        return tp_error_set(&setup->cli->error, TP_NOT_FOUND,
                            "LibreOffice has no settings for this account yet: start it once, and then this again");
    return tp_setup_textfile_read(path, &setup->cli->error, ret_file);
}

/* Items are sorted by nobody: one more goes before the end. */
static enum tp_rc put_item(struct tp_setup *setup, const struct tp_setup_textfile *file, const char *item,
                           struct tp_buf *ret_after)
{
    const char *text = tp_buf_string(&file->text), *end = strstr(text, ITEMS_END);
    if (end == NULL)
        return tp_error_set(&setup->cli->error, TP_MALFORMED, "%s has no " ITEMS_END, file->path);
    TP_TRY(tp_buf_append(ret_after, TP_BYTES(text, (size_t)(end - text))));
    TP_TRY(tp_buf_append_string(ret_after, item));
    return tp_buf_append_string(ret_after, end);
}

static enum tp_rc cut_item(const struct tp_setup_textfile *file, const char *item, struct tp_buf *ret_after)
{
    const char *text = tp_buf_string(&file->text), *at = strstr(text, item);
    if (at == NULL)
        return tp_buf_append_string(ret_after, text);
    TP_TRY(tp_buf_append(ret_after, TP_BYTES(text, (size_t)(at - text))));
    return tp_buf_append_string(ret_after, at + strlen(item));
}

static enum tp_rc add_step(struct tp_setup *setup, struct tp_setup_textfile *file, struct tp_buf *after)
{
    struct tp_setup_step *step;
    TP_TRY(tp_setup_plan_step(&setup->plan, &tp_setup_step_file, file->path, &step));
    step->mode = file->mode;
    step->is_there = step->stays = true;
    step->before = file->text;
    step->after = *after;
    file->text = *after = TP_BUF_INIT;
    return TP_OK;
}

static enum tp_rc plan_settings(struct tp_setup *setup, const struct place *place)
{
    struct tp_setup_textfile file TP_AUTO(tp_setup_textfile_clear) = {.there = false};
    struct tp_buf after TP_AUTO(tp_buf_clear) = TP_BUF_INIT, item TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct place named = {.folder = ""};
    if (by_settings(setup, &named) != setup->remove)
        return TP_OK; /* the line is there already, or is not */
    if (strpbrk(place->folder, "<>&\"'") != NULL)
        return tp_error_set(&setup->cli->error, TP_UNSUPPORTED, "%s: LibreOffice's settings cannot name that",
                            place->folder);
    TP_TRY(read_settings(setup, &file));
    TP_TRY(tp_buf_printf(&item, ITEM_START "%s" ITEM_END "\n", place->folder));
    TP_TRY(setup->remove ? cut_item(&file, tp_buf_string(&item), &after)
                         : put_item(setup, &file, tp_buf_string(&item), &after));
    return add_step(setup, &file, &after);
}

/* ---- the target ---- */

static enum tp_rc plan(struct tp_setup *setup)
{
    struct place place;
    find_place(setup, &place);
    TP_TRY(
        tp_setup_plan_note(&setup->plan, "LibreOffice takes the NSS database in %s, by %s", place.folder, place.why));
    if (!setup->remove)
        TP_TRY(tp_setup_plan_note(&setup->plan, "it asks for no PIN where it runs without a window: login = session in "
                                                "trustp11.conf, and trustp11 login"));
    TP_TRY(tp_setup_nss_plan(setup, place.folder));
    return place.own ? plan_settings(setup, &place) : TP_OK;
}

static void find(struct tp_setup *setup, json_t *found)
{
    struct place place;
    find_place(setup, &place);
    tp_setup_nss_find(setup, place.folder, found);
}

const struct tp_setup_target tp_setup_libreoffice = {
    .name = "libreoffice",
    .programs = {"soffice", "libreoffice"},
    .package = "libreoffice-writer",
    .system = "LibreOffice takes an NSS database of each account",
    .plan = plan,
    .find = find,
};
