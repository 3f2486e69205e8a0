/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/file_digest.h"
#include "base/crypto.h"
#include "base/file_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_LEN ((size_t)256 << 10)

TP_DEFINE_AUTO(EVP_MD_CTX, EVP_MD_CTX_free)

static enum tp_rc digest_all(int fd, EVP_MD_CTX *context, uint8_t *block)
{
    for (;;) {
        const ssize_t got = read(fd, block, BLOCK_LEN);
        if (got == 0)
            return TP_OK;
        if (got < 0 && errno != EINTR)
            return TP_IO;
        if (got > 0 && EVP_DigestUpdate(context, block, (size_t)got) != 1)
            return TP_CRYPTO;
    }
}

static enum tp_rc digest_fd(int fd, enum tp_pki_hash hash, uint8_t *ret_digest)
{
    EVP_MD_CTX *context TP_AUTO(EVP_MD_CTX_free_p) = EVP_MD_CTX_new();
    const EVP_MD *md = tp_crypto_digest(tp_pki_hash_libcrypto(hash));
    uint8_t *block = malloc(BLOCK_LEN);
    enum tp_rc rc = context == NULL || block == NULL ? TP_MEMORY : TP_OK;
    if (rc == TP_OK && (md == NULL || EVP_DigestInit_ex2(context, md, NULL) != 1))
        rc = TP_CRYPTO;
    if (rc == TP_OK)
        rc = digest_all(fd, context, block);
    if (rc == TP_OK && EVP_DigestFinal_ex(context, ret_digest, NULL) != 1)
        rc = TP_CRYPTO;
    free(block);
    return rc;
}

/* The hash of half of one file and half of another would be signed as readily. A pipe is nothing that could be changed. */
static bool was_changed(int fd, const struct stat *before)
{
    struct stat now;
    return S_ISREG(before->st_mode) && (fstat(fd, &now) != 0 || !tp_file_state_is_same(&now, before));
}

enum tp_rc tp_cli_file_digest_check(const char *path, struct tp_error *error)
{
    struct stat status;
    if (strcmp(path, "-") == 0)
        return TP_OK;
    if (stat(path, &status) != 0 || faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0)
        return tp_error_set(error, errno == ENOENT ? TP_NOT_FOUND : TP_IO, "%s: %s", path, strerrordesc_np(errno));
    if (S_ISDIR(status.st_mode))
        return tp_error_set(error, TP_BAD_ARGUMENT, "%s: it is a folder: name a file that is in it", path);
    return TP_OK;
}

enum tp_rc tp_cli_file_digest(const char *path, enum tp_pki_hash hash, struct tp_error *error,
                              uint8_t ret_digest[TP_CLI_DIGEST_MAX])
{
    const bool is_input = strcmp(path, "-") == 0;
    const int fd = is_input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tp_error_set(error, errno == ENOENT ? TP_NOT_FOUND : TP_IO, "%s: %s", path, strerrordesc_np(errno));
    struct stat before = {.st_mode = 0};
    (void)fstat(fd, &before);
    const enum tp_rc rc = digest_fd(fd, hash, ret_digest);
    const int why = errno;
    const bool changed = was_changed(fd, &before);
    (void)close(fd);
    if (rc != TP_OK)
        return tp_error_set(error, rc, "%s: %s", path, rc == TP_IO ? strerrordesc_np(why) : tp_rc_words(rc));
    if (changed)
        return tp_error_set(error, TP_BUSY, "%s: it was changed by another program while it was being read; try again when that is done",
                            path);
    return TP_OK;
}
