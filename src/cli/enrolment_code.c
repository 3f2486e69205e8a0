/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/enrolment_code.h"
#include "base/clock.h"
#include "cli/output.h"

enum tp_rc tp_cli_enrolment_code_prepare(struct tp_cli *cli, struct tp_cli_enrolment_code *ret_place)
{
    struct tp_cli_enrolment_code place = {.path = tp_cli_text(&cli->args, "code-file")};
    if (place.path != NULL)
        TP_TRY(tp_cli_file_make(place.path, S_IRUSR | S_IWUSR, &cli->error, &place.file));
    *ret_place = place;
    return TP_OK;
}

void tp_cli_enrolment_code_clear(struct tp_cli_enrolment_code *place)
{
    tp_cli_new_file_free(place->file);
    place->file = NULL;
}

static enum tp_rc give_json(struct tp_cli *cli, const Tp__Ipc__UserAddReply *added, const char *path,
                            struct tp_bytes code)
{
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "user_id", added->user_id);
    tp_cli_put_time(cli, object, "until", added->until_ms, false);
    tp_cli_put_text(cli, object, "code_file", path);
    if (path == NULL) /* a caller who wants no secret in its JSON says --code-file */
        tp_cli_put(cli, object, "code", json_stringn((const char *)code.data, code.len));
    return tp_cli_emit_record(cli, object, NULL);
}

enum tp_rc tp_cli_enrolment_code_give(struct tp_cli *cli, struct tp_cli_enrolment_code *place, const char *user,
                                      const Tp__Ipc__UserAddReply *added, const struct tp_secret *code)
{
    struct tp_bytes bytes = tp_secret_bytes(code);
    char until[TP_TIME_TEXT_LEN];
    if (bytes.len == 0)
        return tp_error_set(&cli->error, TP_INTERNAL, "the engine sent no enrolment code");
    if (place->file != NULL)
        TP_TRY(tp_cli_file_fill(place->file, bytes, &cli->error));
    if (cli->json)
        return give_json(cli, added, place->path, bytes);
    tp_time_format(added->until_ms, false, until);
    if (place->path != NULL)
        (void)fprintf(cli->out, "The enrolment code is in %s, and holds until %s.\n", place->path, until);
    else
        (void)fprintf(cli->out, "Enrolment code: %.*s\nIt holds until %s, is shown this once, and is for %s alone:\n",
                      (int)bytes.len, (const char *)bytes.data, until, user);
    (void)fprintf(cli->out, "  trustp11 enrol --user %s\n", user);
    return TP_OK;
}
