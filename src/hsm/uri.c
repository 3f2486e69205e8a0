/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/uri.h"
#include "hsm/hsm.h"

#include <errno.h>
#include <fcntl.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIN_MAX     255 /* bytes; a longer file is not a PIN */
#define FILE_SCHEME "file:"
#define ADVICE      "write pkcs11:token=NAME?module-path=/path/to/library.so&pin-source=file:/path/to/pin"

struct tp_hsm_uri {
    P11KitUri *parsed;
    char name[33]; /* the label, or else the serial number */
};

void tp_hsm_uri_free(struct tp_hsm_uri *uri)
{
    if (uri == NULL)
        return;
    p11_kit_uri_free(uri->parsed);
    free(uri);
}

void tp_hsm_unpad(char *ret_text, const CK_UTF8CHAR *padded, size_t padded_len)
{
    size_t len = p11_kit_space_strlen(padded, padded_len);
    memcpy(ret_text, padded, len);
    ret_text[len] = '\0';
}

/* p11-kit keeps zeros in a field that the URI does not name. */
static bool names(const CK_UTF8CHAR *field)
{
    return field[0] != '\0';
}

static enum tp_rc check_token(struct tp_hsm_uri *uri, struct tp_error *error)
{
    const CK_TOKEN_INFO *token = p11_kit_uri_get_token_info(uri->parsed);
    if (names(token->label))
        tp_hsm_unpad(uri->name, token->label, sizeof(token->label));
    else if (names(token->serialNumber))
        tp_hsm_unpad(uri->name, token->serialNumber, sizeof(token->serialNumber));
    else
        return tp_error_set(error, TP_CONFIG, "the HSM's URI names no token: " ADVICE);
    return TP_OK;
}

const char *tp_hsm_pin_source_path(const char *source)
{
    if (strncmp(source, FILE_SCHEME, strlen(FILE_SCHEME)) == 0)
        source += strlen(FILE_SCHEME);
    else if (source[strcspn(source, "/:")] == ':') /* another scheme (RFC 3986 §4.2) */
        return NULL;
    return source[0] == '\0' || source[0] == '|' ? NULL : source;
}

static enum tp_rc check_query(const struct tp_hsm_uri *uri, struct tp_error *error)
{
    const char *path = p11_kit_uri_get_module_path(uri->parsed);
    const char *source = p11_kit_uri_get_pin_source(uri->parsed);
    const char *pin_path = source == NULL ? NULL : tp_hsm_pin_source_path(source);
    if (p11_kit_uri_get_pin_value(uri->parsed) != NULL)
        return tp_error_set(error, TP_CONFIG,
                            "the HSM's URI holds a PIN (pin-value); put the PIN into a file that only the engine can "
                            "read, and its path into pin-source=file:/path");
    if (path == NULL || path[0] != '/')
        return tp_error_set(error, TP_CONFIG, "the HSM's URI has no module-path with an absolute path: " ADVICE);
    if (pin_path == NULL || pin_path[0] != '/') /* a service may be started anywhere */
        return tp_error_set(error, TP_CONFIG, "the HSM's URI has no pin-source of the form file:/path: " ADVICE);
    return TP_OK;
}

enum tp_rc tp_hsm_uri_parse(const char *text, struct tp_error *error, struct tp_hsm_uri **ret_uri)
{
    struct tp_hsm_uri *uri TP_AUTO(tp_hsm_uri_free_p) = calloc(1, sizeof(*uri));
    if (uri == NULL || (uri->parsed = p11_kit_uri_new()) == NULL)
        return TP_MEMORY;
    int parsed = p11_kit_uri_parse(text, P11_KIT_URI_FOR_TOKEN | P11_KIT_URI_FOR_MODULE, uri->parsed);
    if (parsed != P11_KIT_URI_OK)
        return tp_error_set(error, TP_CONFIG, "the HSM's URI is not a PKCS#11 URI (%s): " ADVICE,
                            p11_kit_uri_message(parsed));
    if (p11_kit_uri_any_unrecognized(uri->parsed))
        return tp_error_set(error, TP_CONFIG, "the HSM's URI has an attribute that is not known: " ADVICE);
    TP_TRY(check_query(uri, error));
    TP_TRY(check_token(uri, error));
    *ret_uri = uri;
    uri = NULL;
    return TP_OK;
}

const char *tp_hsm_uri_module_path(const struct tp_hsm_uri *uri)
{
    return p11_kit_uri_get_module_path(uri->parsed);
}

const char *tp_hsm_uri_name(const struct tp_hsm_uri *uri)
{
    return uri->name;
}

enum tp_hsm_uri_match tp_hsm_uri_match_token(const struct tp_hsm_uri *uri, const CK_TOKEN_INFO *token)
{
    const CK_TOKEN_INFO *wanted = p11_kit_uri_get_token_info(uri->parsed);
    if (p11_kit_uri_match_token_info(uri->parsed, token))
        return TP_HSM_URI_MATCH;
    bool same_label = names(wanted->label) && memcmp(wanted->label, token->label, sizeof(token->label)) == 0;
    return same_label ? TP_HSM_URI_SAME_LABEL : TP_HSM_URI_OTHER;
}

void tp_hsm_uri_pin_serial(struct tp_hsm_uri *uri, const CK_TOKEN_INFO *token)
{
    CK_TOKEN_INFO *wanted = p11_kit_uri_get_token_info(uri->parsed);
    memcpy(wanted->serialNumber, token->serialNumber, sizeof(wanted->serialNumber));
}

static enum tp_rc check_owner_only(int fd, const char *path, struct tp_error *error)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return tp_error_set(error, TP_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return tp_error_set(error, TP_CONFIG, "%s (pin-source) is not a regular file", path);
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return tp_error_set(error, TP_CONFIG,
                            "%s holds a PIN and is open to others than its owner: chmod 600 %s", path, path);
    return TP_OK;
}

static enum tp_rc read_all(int fd, const char *path, struct tp_error *error, struct tp_secret *pin)
{
    uint8_t *data = tp_secret_data(pin);
    size_t len = 0;
    for (;;) {
        ssize_t got = read(fd, data + len, tp_secret_capacity(pin) - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return tp_error_set(error, TP_IO, "%s (pin-source): %s", path, strerror(errno));
        len += (size_t)got;
        if (got == 0 || len == tp_secret_capacity(pin))
            break;
    }
    if (len > 0 && len <= PIN_MAX + 1 && data[len - 1] == '\n')
        len--;
    if (len == 0 || len > PIN_MAX)
        return tp_error_set(error, TP_CONFIG, "%s (pin-source) is %s: it must hold the PIN, on one line",
                            path, len == 0 ? "empty" : "too long");
    return tp_secret_set_len(pin, len);
}

enum tp_rc tp_hsm_pin_source_read(const char *source, struct tp_error *error, struct tp_secret **ret_pin)
{
    const char *path = tp_hsm_pin_source_path(source);
    struct tp_secret *pin TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_secret_new(PIN_MAX + 2, &pin)); /* the newline, and one more that tells a file that is too long */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return tp_error_set(error, TP_CONFIG, "cannot open %s (pin-source): %s", path, strerror(errno));
    enum tp_rc rc = check_owner_only(fd, path, error);
    if (rc == TP_OK)
        rc = read_all(fd, path, error, pin);
    close(fd);
    if (rc != TP_OK)
        return rc;
    *ret_pin = pin;
    pin = NULL;
    return TP_OK;
}

enum tp_rc tp_hsm_uri_read_pin(const struct tp_hsm_uri *uri, struct tp_error *error, struct tp_secret **ret_pin)
{
    return tp_hsm_pin_source_read(p11_kit_uri_get_pin_source(uri->parsed), error, ret_pin);
}

enum tp_rc tp_hsm_uri_check(const char *uri, struct tp_error *error)
{
    struct tp_hsm_uri *parsed TP_AUTO(tp_hsm_uri_free_p) = NULL;
    return tp_hsm_uri_parse(uri, error, &parsed);
}
