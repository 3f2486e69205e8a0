/* SPDX-License-Identifier: Apache-2.0 */
#include "authn/pin.h"

#include "base/text.h"

#include <argon2.h>

/* OWASP's Password Storage Cheat Sheet: Argon2id with at least 19 MiB, 2 passes. */
#define FLOOR_MEMORY_KIB 19456u
#define FLOOR_PASSES     2u
#define MOST_MEMORY_KIB  (1u << 20)
#define MOST_PASSES      64u
#define MOST_LANES       16u

enum tp_rc tp_pin_cost_check(const struct tp_pin_cost *cost, bool allow_weak, struct tp_error *error)
{
    if (cost->memory_kib > MOST_MEMORY_KIB || cost->passes > MOST_PASSES || cost->lanes > MOST_LANES)
        return tp_error_set(error, TP_CONFIG, "Argon2id takes at most %u KiB, %u passes and %u lanes here",
                            MOST_MEMORY_KIB, MOST_PASSES, MOST_LANES);
    /* RFC 9106 §3.1: memory at least 8 KiB a lane */
    if (cost->passes == 0 || cost->lanes == 0 || cost->memory_kib < 8 * cost->lanes)
        return tp_error_set(error, TP_CONFIG, "Argon2id needs a pass, a lane, and 8 KiB of memory for each lane");
    if (!allow_weak && (cost->memory_kib < FLOOR_MEMORY_KIB || cost->passes < FLOOR_PASSES))
        return tp_error_set(error, TP_CONFIG, "Argon2id with less than %u KiB or %u passes is too weak for PINs",
                            FLOOR_MEMORY_KIB, FLOOR_PASSES);
    return TP_OK;
}

enum tp_rc tp_pin_stretch(struct tp_bytes pin, const uint8_t salt[TP_PIN_SALT_LEN], const struct tp_pin_cost *cost,
                          struct tp_error *error, struct tp_secret **ret_stretched)
{
    if (pin.len == 0 || pin.len > TP_PIN_MAX)
        return tp_error_set(error, TP_PIN_LENGTH, "a PIN has 1 to %d bytes", TP_PIN_MAX);
    TP_TRY(tp_pin_cost_check(cost, true, error));
    struct tp_secret *stretched TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_secret_new(TP_PIN_STRETCHED_LEN, &stretched));
    const int answer = argon2id_hash_raw(cost->passes, cost->memory_kib, cost->lanes, pin.data, pin.len, salt,
                                         TP_PIN_SALT_LEN, tp_secret_data(stretched), TP_PIN_STRETCHED_LEN);
    if (answer != ARGON2_OK)
        return tp_error_set(error, answer == ARGON2_MEMORY_ALLOCATION_ERROR ? TP_MEMORY : TP_CRYPTO, "Argon2id: %s",
                            argon2_error_message(answer));
    TP_TRY(tp_secret_set_len(stretched, TP_PIN_STRETCHED_LEN));
    *ret_stretched = stretched;
    stretched = NULL;
    return TP_OK;
}

/* ---- PINs that people choose ---- */

/* One step up; after 9 comes 0, as on a keyboard's row. */
static bool is_next(uint32_t a, uint32_t b)
{
    return b == a + 1 || (a == '9' && b == '0');
}

enum tp_rc tp_pin_acceptable(struct tp_bytes pin, size_t least, struct tp_error *error)
{
    if (pin.len < least || pin.len == 0 || pin.len > TP_PIN_MAX)
        return tp_error_set(error, TP_PIN_LENGTH, "the PIN must have %zu to %d bytes", least > 0 ? least : 1,
                            TP_PIN_MAX);
    bool same = true, up = true, down = true;
    uint32_t before = 0;
    for (size_t at = 0; at < pin.len;) {
        const bool is_first = at == 0;
        const uint32_t character = tp_text_next(pin, &at);
        if (character == TP_TEXT_NOT_UTF8 || tp_text_is_control(character))
            return tp_error_set(error, TP_BAD_ARGUMENT, "the PIN must be UTF-8 text without control characters");
        same = same && (is_first || character == before);
        up = up && (is_first || is_next(before, character));
        down = down && (is_first || is_next(character, before));
        before = character;
    }
    if (same || up || down)
        return tp_error_set(error, TP_BAD_ARGUMENT,
                            "the PIN is one character repeated, or a run like 12345678: choose another");
    return TP_OK;
}

/* ---- PIN ‖ code ---- */

enum tp_rc tp_pin_split(struct tp_bytes given, unsigned code_digits, struct tp_bytes *ret_pin,
                        struct tp_bytes *ret_code)
{
    if (given.len <= code_digits || given.len - code_digits > TP_PIN_MAX)
        return TP_PIN_LENGTH;
    const size_t pin_len = given.len - code_digits;
    unsigned not_digits = 0;
    for (size_t i = pin_len; i < given.len; i++)
        not_digits |= given.data[i] < '0' || given.data[i] > '9';
    if (not_digits != 0)
        return TP_PIN_LENGTH;
    *ret_pin = TP_BYTES(given.data, pin_len);
    *ret_code = TP_BYTES(given.data + pin_len, code_digits);
    return TP_OK;
}
