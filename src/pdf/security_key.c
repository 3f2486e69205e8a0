/* SPDX-License-Identifier: Apache-2.0
 *
 * The file's key (ISO 32000-2 §7.6.4.3, algorithms 2 and 2.A with 2.B; 4 to 7 and 11 to 12 to know whether the password is one).
 */
#include "pdf/security.h"

#include <string.h>

#define MD5_LEN   16
#define PAD_LEN   32
#define SALT_LEN  8
#define ENTRY_LEN 48 /* of /O and /U since revision 5: hash, validation salt, key salt */

static const uint8_t padding[PAD_LEN] = {0x28, 0xBF, 0x4E, 0x5E, 0x4E, 0x75, 0x8A, 0x41, 0x64, 0x00, 0x4E,
                                         0x56, 0xFF, 0xFA, 0x01, 0x08, 0x2E, 0x2E, 0x00, 0xB6, 0xD0, 0x68,
                                         0x3E, 0x80, 0x2F, 0x0C, 0xA9, 0xFE, 0x64, 0x53, 0x69, 0x7A};

struct opening {
    const struct tp_pdf_lock *lock;
    struct tp_pdf_rc4 *rc4;
    struct tp_bytes password;
    struct tp_secret *key;
};

/* ---- revisions 2 to 4 ---- */

static void pad(struct tp_bytes password, uint8_t padded[PAD_LEN])
{
    const size_t len = password.len < PAD_LEN ? password.len : PAD_LEN;
    if (len > 0)
        memcpy(padded, password.data, len);
    memcpy(padded + len, padding, PAD_LEN - len);
}

/* Fifty times more of the first LEN bytes, since revision 3. */
static enum tp_rc stir(const struct tp_pdf_lock *lock, uint8_t hash[MD5_LEN], size_t len)
{
    for (int i = 0; lock->revision >= 3 && i < 50; i++)
        TP_TRY(tp_pdf_hash("MD5", &TP_BYTES(hash, len), 1, hash));
    return TP_OK;
}

/* Algorithm 2. */
static enum tp_rc make_key(const struct tp_pdf_lock *lock, const uint8_t padded[PAD_LEN], uint8_t hash[MD5_LEN])
{
    const uint32_t p = lock->permissions;
    const uint8_t permissions[4] = {(uint8_t)(p & 0xFF), (uint8_t)(p >> 8 & 0xFF), (uint8_t)(p >> 16 & 0xFF), (uint8_t)(p >> 24)};
    const bool plain_metadata = lock->revision >= 4 && !lock->metadata;
    const struct tp_bytes parts[] = {TP_BYTES(padded, PAD_LEN), TP_BYTES(lock->owner.data, PAD_LEN), TP_BYTES(permissions, 4),
                                     lock->id, TP_BYTES("\xFF\xFF\xFF\xFF", plain_metadata ? 4 : 0)};
    TP_TRY(tp_pdf_hash("MD5", parts, 5, hash));
    return stir(lock, hash, lock->key_len);
}

/* RC4 once, or in twenty rounds, each with a key of its own: DIRECTION 1 from the first round on, -1 from the last. */
static enum tp_rc rounds(struct opening *opening, const uint8_t *key, uint8_t *data, size_t len, int direction)
{
    const int count = opening->lock->revision >= 3 ? 20 : 1;
    const size_t key_len = opening->lock->key_len;
    uint8_t changed[MD5_LEN];
    enum tp_rc rc = TP_OK;
    for (int i = 0; rc == TP_OK && i < count; i++) {
        const int number = direction > 0 ? i : count - 1 - i;
        for (size_t at = 0; at < key_len; at++)
            changed[at] = (uint8_t)(key[at] ^ number);
        rc = tp_pdf_rc4_apply(opening->rc4, TP_BYTES(changed, key_len), data, len);
    }
    tp_wipe(changed, sizeof(changed));
    return rc;
}

/* Algorithms 4 to 6: /U is as this key makes it. Since revision 3 only its first half says something. */
static enum tp_rc check_user(struct opening *opening, const uint8_t *key)
{
    uint8_t made[PAD_LEN];
    const bool old = opening->lock->revision < 3;
    const size_t len = old ? PAD_LEN : MD5_LEN;
    const struct tp_bytes parts[] = {TP_BYTES(padding, PAD_LEN), opening->lock->id};
    memcpy(made, padding, PAD_LEN);
    if (!old)
        TP_TRY(tp_pdf_hash("MD5", parts, 2, made));
    TP_TRY(rounds(opening, key, made, len, 1));
    return tp_bytes_equal_secret(TP_BYTES(made, len), TP_BYTES(opening->lock->user.data, len)) ? TP_OK : TP_PIN_WRONG;
}

static enum tp_rc try_user(struct opening *opening, const uint8_t padded[PAD_LEN])
{
    uint8_t key[MD5_LEN];
    enum tp_rc rc = make_key(opening->lock, padded, key);
    if (rc == TP_OK)
        rc = check_user(opening, key);
    if (rc == TP_OK)
        rc = tp_secret_append(opening->key, TP_BYTES(key, opening->lock->key_len));
    tp_wipe(key, sizeof(key));
    return rc;
}

/* Algorithm 7: the user's password, padded, out of /O. */
static enum tp_rc try_owner(struct opening *opening, const uint8_t padded[PAD_LEN])
{
    uint8_t key[MD5_LEN], user[PAD_LEN];
    enum tp_rc rc = tp_pdf_hash("MD5", &TP_BYTES(padded, PAD_LEN), 1, key);
    memcpy(user, opening->lock->owner.data, PAD_LEN);
    if (rc == TP_OK)
        rc = stir(opening->lock, key, MD5_LEN);
    if (rc == TP_OK)
        rc = rounds(opening, key, user, PAD_LEN, -1);
    if (rc == TP_OK)
        rc = try_user(opening, user);
    tp_wipe(key, sizeof(key)), tp_wipe(user, sizeof(user));
    return rc;
}

static enum tp_rc open_old(struct opening *opening)
{
    uint8_t padded[PAD_LEN];
    pad(opening->password, padded);
    enum tp_rc rc = try_user(opening, padded);
    if (rc == TP_PIN_WRONG)
        rc = try_owner(opening, padded);
    tp_wipe(padded, sizeof(padded));
    return rc;
}

/* ---- revisions 5 and 6 ---- */

#define HASH_MAX   64
#define REPEATS    64
#define ROUNDS_MIN 64
#define INPUT_MAX  (REPEATS * (TP_PDF_PASSWORD_MAX + HASH_MAX + ENTRY_LEN))

/* Sixteen bytes as a number, modulo 3: 256 is 1 modulo 3. */
static unsigned modulo_3(const uint8_t bytes[16])
{
    unsigned sum = 0;
    for (int i = 0; i < 16; i++)
        sum += bytes[i];
    return sum % 3;
}

/* One round of algorithm 2.B. INPUT has room for INPUT_MAX bytes. */
static enum tp_rc harden_once(struct tp_bytes password, struct tp_bytes owner_of, uint8_t hash[HASH_MAX], size_t *hash_len,
                              uint8_t *input, uint8_t *ret_last)
{
    static const char *const digests[] = {"SHA256", "SHA384", "SHA512"};
    const struct tp_bytes parts[] = {password, TP_BYTES(hash, *hash_len), owner_of};
    size_t len = 0;
    for (size_t i = 0; i < REPEATS * 3; i++) {
        if (parts[i % 3].len > 0)
            memcpy(input + len, parts[i % 3].data, parts[i % 3].len);
        len += parts[i % 3].len;
    }
    TP_TRY(tp_pdf_aes(true, TP_BYTES(hash, 16), hash + 16, false, TP_BYTES(input, len), input, &len));
    const unsigned which = modulo_3(input);
    *ret_last = input[len - 1];
    *hash_len = 32 + 16 * which;
    return tp_pdf_hash(digests[which], &TP_BYTES(input, len), 1, hash);
}

static enum tp_rc harden(struct tp_bytes password, struct tp_bytes owner_of, uint8_t hash[HASH_MAX])
{
    struct tp_secret *input TP_AUTO(tp_secret_free_p) = NULL;
    size_t hash_len = 32;
    uint8_t last = 0;
    TP_TRY(tp_secret_new(INPUT_MAX, &input));
    for (int i = 0; i < ROUNDS_MIN || last > i - 32; i++) /* ends: a byte is at most 255 */
        TP_TRY(harden_once(password, owner_of, hash, &hash_len, tp_secret_data(input), &last));
    return TP_OK;
}

/* SALT is 8 bytes; OWNER_OF is /U for the owner's, nothing for the user's. */
static enum tp_rc hash_password(const struct opening *opening, const uint8_t *salt, struct tp_bytes owner_of,
                                uint8_t hash[HASH_MAX])
{
    const struct tp_bytes parts[] = {opening->password, TP_BYTES(salt, SALT_LEN), owner_of};
    TP_TRY(tp_pdf_hash("SHA256", parts, 3, hash));
    return opening->lock->revision >= 6 ? harden(opening->password, owner_of, hash) : TP_OK;
}

/* Algorithm 2.A for one of the two: ENTRY is /U or /O, WRAPPED /UE or /OE. */
static enum tp_rc try_new(struct opening *opening, struct tp_bytes entry, struct tp_bytes wrapped, struct tp_bytes owner_of)
{
    static const uint8_t no_iv[16] = {0};
    uint8_t hash[HASH_MAX], key[TP_PDF_KEY_MAX];
    size_t len = 0;
    enum tp_rc rc = hash_password(opening, entry.data + 32, owner_of, hash);
    if (rc == TP_OK && !tp_bytes_equal_secret(TP_BYTES(hash, 32), TP_BYTES(entry.data, 32)))
        rc = TP_PIN_WRONG;
    if (rc == TP_OK)
        rc = hash_password(opening, entry.data + 40, owner_of, hash);
    if (rc == TP_OK)
        rc = tp_pdf_aes(false, TP_BYTES(hash, 32), no_iv, false, TP_BYTES(wrapped.data, TP_PDF_KEY_MAX), key, &len);
    if (rc == TP_OK)
        rc = tp_secret_append(opening->key, TP_BYTES(key, sizeof(key)));
    tp_wipe(hash, sizeof(hash)), tp_wipe(key, sizeof(key));
    return rc;
}

static enum tp_rc open_new(struct opening *opening)
{
    const struct tp_pdf_lock *lock = opening->lock;
    if (opening->password.len > TP_PDF_PASSWORD_MAX)
        opening->password.len = TP_PDF_PASSWORD_MAX;
    const enum tp_rc rc = try_new(opening, lock->owner, lock->owner_key, TP_BYTES(lock->user.data, ENTRY_LEN));
    return rc != TP_PIN_WRONG ? rc : try_new(opening, lock->user, lock->user_key, TP_BYTES_NONE);
}

enum tp_rc tp_pdf_lock_open(const struct tp_pdf_lock *lock, struct tp_pdf_rc4 *rc4, struct tp_bytes password,
                            struct tp_secret *key)
{
    struct opening opening = {.lock = lock, .rc4 = rc4, .password = password, .key = key};
    return lock->revision >= 5 ? open_new(&opening) : open_old(&opening);
}
