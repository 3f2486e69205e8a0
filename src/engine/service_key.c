/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/service_key.h"

#include "engine/edit.h"
#include "pki/certificate.h"
#include "pki/key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SERVICE_ID "00000000000000000000000000000001" /* ids of users and keys are random: this one is taken by intent */
#define SERVICE_NAME "checkpoint"
#define KEY_FILE_MAX 8192

static enum tp_rc read_file(const char *path, struct tp_error *error, uint8_t *bytes, size_t *ret_len)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return tp_error_set(error, TP_CONFIG, "the log's public key %s: %s; restore it from a copy (an auditor has one)", path,
                            strerror(errno));
    *ret_len = fread(bytes, 1, KEY_FILE_MAX, file);
    fclose(file);
    return TP_OK;
}

enum tp_rc tp_service_key_public(const struct tp_engine_conf *conf, struct tp_error *error, struct tp_buf *ret_spki)
{
    uint8_t bytes[KEY_FILE_MAX];
    size_t len = 0;
    TP_TRY(read_file(conf->audit_key, error, bytes, &len));
    enum tp_rc rc = tp_pki_key_read(TP_BYTES(bytes, len), error, ret_spki);
    return rc == TP_OK ? TP_OK : tp_error_prefix(error, rc, "%s", conf->audit_key);
}

enum tp_rc tp_service_key_read(struct tp_vault *vault, struct tp_error *error)
{
    struct tp_ledger_record record = {0};
    TP_TRY(tp_ledger_find(vault->ledger, "service", "", SERVICE_NAME, error, &record));
    Tp__Engine__ServiceKey *key = tp__engine__service_key__unpack(NULL, record.content.len, record.content.data);
    tp_ledger_record_clear(&record);
    if (key == NULL)
        return tp_error_set(error, TP_STORE_DAMAGED, "the record of the checkpoint key cannot be read");
    enum tp_rc rc = TP_OK;
    if (!tp_bytes_equal(tp_field(key->spki), tp_buf_bytes(&vault->checkpoint_spki)))
        rc = tp_error_set(error, TP_TAMPERED,
                          "the file audit_key is not the log's public key; restore it from a copy (an auditor has one)");
    if (rc == TP_OK)
        rc = tp_buf_append(&vault->checkpoint_blob, tp_field(key->blob));
    tp__engine__service_key__free_unpacked(key, NULL);
    return rc;
}

enum tp_rc tp_service_key_make(struct tp_vault *vault, struct tp_hsm_session *session, struct tp_error *error)
{
    struct tp_secret *wrapped TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_hsm_key_generate(session, TP_BYTES_NONE, TP_HSM_P256, error, &wrapped, &vault->checkpoint_spki));
    return tp_buf_append(&vault->checkpoint_blob, tp_secret_bytes(wrapped));
}

enum tp_rc tp_service_key_record(const struct tp_vault *vault, struct tp_edit *edit)
{
    Tp__Engine__ServiceKey key = TP__ENGINE__SERVICE_KEY__INIT;
    key.type = TP_HSM_P256;
    key.spki = (ProtobufCBinaryData){.data = vault->checkpoint_spki.data, .len = vault->checkpoint_spki.len};
    key.blob = (ProtobufCBinaryData){.data = vault->checkpoint_blob.data, .len = vault->checkpoint_blob.len};
    return tp_edit_service(edit, SERVICE_ID, SERVICE_NAME, 0, &key);
}

enum tp_rc tp_service_key_publish(const struct tp_vault *vault, const struct tp_engine_conf *conf,
                                  struct tp_error *error)
{
    struct tp_buf pem TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(tp_pki_pem_write("PUBLIC KEY", tp_buf_bytes(&vault->checkpoint_spki), &pem));
    int fd = open(conf->audit_key, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return tp_error_set(error, errno == EEXIST ? TP_EXISTS : TP_IO, "%s: %s", conf->audit_key, strerror(errno));
    ssize_t written = write(fd, pem.data, pem.len);
    bool whole = written == (ssize_t)pem.len && fsync(fd) == 0;
    close(fd);
    if (whole)
        return TP_OK;
    unlink(conf->audit_key);
    return tp_error_set(error, TP_IO, "%s: cannot be written; is the disk full?", conf->audit_key);
}
