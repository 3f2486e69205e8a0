/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share among themselves: reading PSKC in two steps, XML to named values, values to tokens.
 */
#ifndef TP_AUTHN_INTERNAL_H
#define TP_AUTHN_INTERNAL_H

#include "base/error.h"
#include "base/secret.h"

#define TP_PSKC_VALUE_MAX 512 /* with NUL; a seed of 64 bytes, encrypted, in base64 takes 128 */

/* The values of a PSKC file that we use. Those of the container stand first, and last for the whole file. */
enum tp_pskc_value {
    TP_PSKC_VERSION,
    TP_PSKC_KDF,
    TP_PSKC_SALT,
    TP_PSKC_ITERATIONS,
    TP_PSKC_KEY_LEN,
    TP_PSKC_PRF,
    TP_PSKC_MAC_METHOD,
    TP_PSKC_MAC_KEY_CIPHER,
    TP_PSKC_MAC_KEY,
    TP_PSKC_PACKAGE, /* from here on: of one KeyPackage */
    TP_PSKC_MANUFACTURER = TP_PSKC_PACKAGE,
    TP_PSKC_SERIAL,
    TP_PSKC_ALGORITHM,
    TP_PSKC_SUITE,
    TP_PSKC_DIGITS,
    TP_PSKC_ENCODING,
    TP_PSKC_CHECK_DIGIT,
    TP_PSKC_SEED,
    TP_PSKC_SEED_CIPHER,
    TP_PSKC_SEED_ENCRYPTED,
    TP_PSKC_SEED_MAC,
    TP_PSKC_COUNTER,
    TP_PSKC_START,
    TP_PSKC_PERIOD,
    TP_PSKC_VALUES
};

/* Lies in a tp_secret, since one of the values is a seed. "" is absent. */
struct tp_pskc_values {
    char text[TP_PSKC_VALUES][TP_PSKC_VALUE_MAX];
};

/* Calls EACH at the end of every KeyPackage. */
typedef enum tp_rc tp_pskc_package_fn(void *context, const struct tp_pskc_values *values);
TP_MUST_USE enum tp_rc tp_pskc_xml_read(struct tp_bytes file, struct tp_error *error, tp_pskc_package_fn *each,
                                        void *context);

/* The keys of an encrypted file, found when the first encrypted seed is met. */
struct tp_pskc_keys {
    struct tp_bytes key, passphrase;        /* what the caller gave */
    struct tp_secret *cipher_key, *mac_key; /* owned; cipher_key NULL: not found yet; mac_key NULL: there is no MAC */
};
void tp_pskc_keys_clear(struct tp_pskc_keys *keys);
TP_MUST_USE enum tp_rc tp_pskc_seed_decrypt(const struct tp_pskc_values *values, struct tp_pskc_keys *keys,
                                            struct tp_error *error, struct tp_secret **ret_seed);
/* Base64 with any white space in it. */
TP_MUST_USE enum tp_rc tp_pskc_base64(const char *text, struct tp_secret **ret_bytes);
/* Decimal digits only, at most MOST. */
TP_MUST_USE enum tp_rc tp_pskc_number(const char *text, uint64_t most, uint64_t *ret_number);

#endif
