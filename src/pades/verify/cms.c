/* SPDX-License-Identifier: Apache-2.0 */
/* Detached CMS over a file (CAdES, EN 319 122-1): one verdict a signer. */
#include "pades/verify/internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One PEM block of any label, or as it is. */
static enum tp_rc unwrap(struct tp_bytes file, struct tp_error *error, struct tp_buf *ret_der)
{
    struct tp_buf digits TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    static const char begin[] = "-----BEGIN ", end[] = "-----END ";
    const uint8_t *from = file.len == 0 ? NULL : memmem(file.data, file.len, begin, sizeof begin - 1);
    if (from == NULL || (file.data[0] == 0x30))
        return tp_buf_append(ret_der, file);
    size_t left = file.len - (size_t)(from - file.data);
    const uint8_t *line = memchr(from, '\n', left), *to = memmem(from, left, end, sizeof end - 1);
    if (line == NULL || to == NULL || line > to)
        return tp_error_set(error, TP_MALFORMED, "the PEM file has no whole block");
    for (; line < to; line++)
        if (*line > ' ')
            TP_TRY(tp_buf_append_u8(&digits, *line));
    enum tp_rc rc = tp_base64_decode(tp_buf_string(&digits), digits.len, ret_der);
    return rc == TP_OK ? rc : tp_error_set(error, rc, "the PEM block is not base64");
}

#define ATTRIBUTES_MOST ((uint64_t)1 << 20) /* of a content that could be a signature's attributes; hardly any have 1 KB */

static enum tp_rc refuse_attributes(int fd, uint64_t length, struct tp_error *error, struct tp_pades_signature *signature)
{
    struct tp_buf content TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (length > ATTRIBUTES_MOST)
        return TP_OK;
    TP_TRY(tp_buf_reserve(&content, (size_t)length));
    content.len = (size_t)length;
    if (pread(fd, content.data, content.len, 0) != (ssize_t)content.len)
        return tp_error_set(error, TP_IO, "what was signed cannot be read, or became shorter meanwhile");
    if (!tp_pki_cms_are_attributes(tp_buf_bytes(&content)))
        return TP_OK;
    signature->intact = false;
    tp_pades_verdict(&signature->verdict, TP_SUB_FORMAT_FAILURE, "what was signed are a signature's attributes, and no document");
    return TP_OK;
}

static enum tp_rc judge_each(struct tp_pades_court *court, const struct tp_pki_cms *cms, int fd, uint64_t length, struct tp_error *error,
                             struct tp_pades_verification *verification)
{
    size_t len = tp_pki_cms_signers_len(cms);
    for (size_t i = 0; i < len && i < TP_PADES_SIGNATURES_MAX; i++) {
        struct tp_pades_signature *signature;
        struct tp_pki_cms_signer signer = {0};
        TP_TRY(tp_pades_signature_new(verification, &signature));
        tp_pki_cms_signer(cms, i, &signer);
        *signature = (struct tp_pades_signature){.form = TP_PADES_CMS, .whole = true, .revision = 1, .proven_ms = INT64_MAX,
                                                 .range = {0, length, length, 0}};
        struct tp_pades_case lawsuit = {.cms = cms, .signer = i, .fd = fd, .range = signature->range, .proven_ms = INT64_MAX,
                                        .cades = signer.has_ess};
        TP_TRY(tp_pades_judge(court, &lawsuit, error, signature));
        if (!signer.has_attributes)
            TP_TRY(refuse_attributes(fd, length, error, signature));
    }
    return TP_OK;
}

static enum tp_rc judge_file(struct tp_pades_court *court, struct tp_bytes file, int fd, struct tp_error *error,
                             struct tp_pades_verification *verification)
{
    struct tp_pki_cms *cms TP_AUTO(tp_pki_cms_free_p) = NULL;
    struct tp_buf der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct stat about;
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
        return tp_error_set(error, TP_IO, "what was signed is not a regular file");
    verification->at_ms = court->now_ms, verification->length = (uint64_t)about.st_size, verification->revisions = 1;
    TP_TRY(unwrap(file, error, &der));
    TP_TRY(tp_pki_cms_parse(tp_buf_bytes(&der), error, &cms));
    if (tp_pki_cms_content(cms).len > 0)
        return tp_error_set(error, TP_UNSUPPORTED, "the signature has content of its own: only detached ones are verified");
    TP_TRY(judge_each(court, cms, fd, verification->length, error, verification));
    tp_pades_sum_up(verification);
    tp_pades_court_note(court, verification);
    return court->trial->fingerprint ? tp_pades_fingerprint(fd, error, verification) : TP_OK;
}

enum tp_rc tp_pades_verify_cms(struct tp_bytes cms, int fd, const struct tp_pades_trial *trial, struct tp_error *error,
                               struct tp_pades_verification **ret_verification)
{
    struct tp_pades_verification *verification TP_AUTO(tp_pades_verification_free_p) = calloc(1, sizeof *verification);
    struct tp_pades_court court = {.trial = NULL};
    struct tp_error unwanted = {.rc = TP_OK};
    if (verification == NULL)
        return TP_MEMORY;
    enum tp_rc rc = tp_pades_court_open(trial, &court);
    if (rc == TP_OK)
        rc = judge_file(&court, cms, fd, error != NULL ? error : &unwanted, verification);
    tp_pades_court_close(&court);
    TP_TRY(rc);
    *ret_verification = verification;
    verification = NULL;
    return TP_OK;
}
