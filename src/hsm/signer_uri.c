/* SPDX-License-Identifier: Apache-2.0
 *
 * A PKCS#11 URI (RFC 7512) that names somebody's key.
 */
#include "hsm/signer_internal.h"
#include "hsm/uri.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADVICE "write pkcs11:token=NAME;object=KEY?module-path=/path/to/library.so&pin-source=file:/path/to/pin"

static enum tp_rc check(P11KitUri *uri, struct tp_error *error)
{
    const char *path = p11_kit_uri_get_module_path(uri), *source = p11_kit_uri_get_pin_source(uri);
    if (p11_kit_uri_any_unrecognized(uri))
        return tp_error_set(error, TP_CONFIG, "the key's URI has an attribute that is not known: " ADVICE);
    if (p11_kit_uri_get_pin_value(uri) != NULL)
        return tp_error_set(
            error, TP_CONFIG,
            "the key's URI holds a PIN (pin-value), which other users of this machine can see: put it into a "
            "file that only you can read, and its path into pin-source=file:/path");
    if (p11_kit_uri_get_module_name(uri) != NULL)
        return tp_error_set(error, TP_CONFIG,
                            "the key's URI has a module-name: give module-path=/path/to/library.so instead");
    if (path != NULL && path[0] != '/')
        return tp_error_set(error, TP_CONFIG, "the key's URI has a module-path that is not absolute: " ADVICE);
    if (source != NULL && tp_hsm_pin_source_path(source) == NULL)
        return tp_error_set(error, TP_CONFIG, "the key's URI has a pin-source that is no file: " ADVICE);
    return TP_OK;
}

static enum tp_rc place_pin_source(P11KitUri *uri, const char *folder, struct tp_error *error)
{
    char *whole;
    const char *source = p11_kit_uri_get_pin_source(uri), *path = source == NULL ? NULL : tp_hsm_pin_source_path(source);
    if (path == NULL || path[0] == '/')
        return TP_OK;
    if (folder == NULL)
        return tp_error_set(error, TP_CONFIG, "the key's URI has a pin-source that is not absolute: " ADVICE);
    if (asprintf(&whole, "%s/%s", folder, path) < 0)
        return TP_MEMORY;
    p11_kit_uri_set_pin_source(uri, whole);
    free(whole);
    return TP_OK;
}

enum tp_rc tp_hsm_card_uri_parse(const char *text, const char *folder, struct tp_error *error, P11KitUri **ret_uri)
{
    P11KitUri *uri = p11_kit_uri_new();
    if (uri == NULL)
        return TP_MEMORY;
    const int parsed = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri);
    enum tp_rc rc = parsed == P11_KIT_URI_OK
                        ? check(uri, error)
                        : tp_error_set(error, TP_CONFIG, "the key's URI is not a PKCS#11 URI (%s): " ADVICE,
                                       p11_kit_uri_message(parsed));
    if (rc == TP_OK)
        rc = place_pin_source(uri, folder, error);
    if (rc == TP_OK)
        *ret_uri = uri;
    else
        p11_kit_uri_free(uri);
    return rc;
}

const char *tp_hsm_card_uri_module(P11KitUri *uri)
{
    const char *path = p11_kit_uri_get_module_path(uri);
    return path != NULL ? path : TP_MODULE_PATH;
}

bool tp_hsm_card_uri_has_pin(const P11KitUri *uri)
{
    return p11_kit_uri_get_pin_source(uri) != NULL;
}

static struct tp_bytes attribute(P11KitUri *uri, CK_ATTRIBUTE_TYPE type)
{
    const CK_ATTRIBUTE *found = p11_kit_uri_get_attribute(uri, type);
    return found != NULL ? TP_BYTES(found->pValue, found->ulValueLen) : TP_BYTES_NONE;
}

struct tp_bytes tp_hsm_card_uri_id(P11KitUri *uri)
{
    return attribute(uri, CKA_ID);
}

struct tp_bytes tp_hsm_card_uri_label(P11KitUri *uri)
{
    return attribute(uri, CKA_LABEL);
}
