/* SPDX-License-Identifier: Apache-2.0 */
#include "sweep.h"

#include <stdio.h>
#include <string.h>

#define LEN_OF(array) (sizeof(array) / sizeof((array)[0]))

/* What is declared as a struct or a number may be expected to be aligned as such; void * and bytes may lie anywhere.
 * Where the machine does not mind, neither may the module: consumers exist that do not mind. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define ALIGNED_ONLY
#endif
#endif
#if !defined(ALIGNED_ONLY) && !defined(__SANITIZE_ADDRESS__) && (defined(__x86_64__) || defined(__aarch64__))
#define ODD_STRUCTS true
#else
#define ODD_STRUCTS false
#endif

static bool expect(struct attempt *attempt, enum how how, CK_RV rv, const char *words)
{
    attempt->how = how;
    attempt->rv = rv;
    (void)snprintf(attempt->words, sizeof(attempt->words), "%s", words);
    return true;
}

static bool expect_number(struct attempt *attempt, enum how how, CK_RV rv, const char *words, CK_ULONG number)
{
    char all[100];
    (void)snprintf(all, sizeof(all), "%s 0x%lx", words, number);
    return expect(attempt, how, rv, all);
}

/* ---- numbers ---- */

static bool vary_session(struct attempt *attempt, unsigned at, unsigned number)
{
    if (number >= SESSIONS_BAD)
        return false;
    attempt->values[at].number = token.no_session[number];
    attempt->always = true;
    return expect_number(attempt, EXACTLY, CKR_SESSION_HANDLE_INVALID, "session", token.no_session[number]);
}

static bool vary_slot(struct attempt *attempt, unsigned at, unsigned number)
{
    static const CK_SLOT_ID none[] = {3, ~0ul, 1ul << 32, 1ul << 63};
    if (number >= LEN_OF(none))
        return false;
    attempt->values[at].number = none[number];
    attempt->always = true;
    return expect_number(attempt, EXACTLY, CKR_SLOT_ID_INVALID, "slot", none[number]);
}

/* Which key of several is looked at first, and under which name, is left to a function that we may not have. */
static bool vary_object(struct attempt *attempt, unsigned at, unsigned number)
{
    bool is_key = attempt->row->kinds[at] == KEY;
    if (number >= OBJECTS_BAD)
        return false;
    attempt->values[at].number = token.no_object[number];
    attempt->always = attempt->row->good == CKR_KEY_INDIGESTIBLE;
    return expect_number(attempt, attempt->row->optional ? REFUSED : EXACTLY,
                         is_key ? CKR_KEY_HANDLE_INVALID : CKR_OBJECT_HANDLE_INVALID, is_key ? "key" : "object",
                         token.no_object[number]);
}

static bool vary_number(struct attempt *attempt, unsigned at, unsigned number)
{
    static const CK_ULONG numbers[] = {0, 1, 1ul << 32, 1ul << 63, ~0ul};
    if (number >= LEN_OF(numbers))
        return false;
    attempt->values[at].number = numbers[number] | (attempt->row->kinds[at] == DONT_BLOCK ? CKF_DONT_BLOCK : 0);
    return expect_number(attempt, ALLOWED, CKR_OK, "number", numbers[number]);
}

/* Longer than memory can be; where only short data are taken, also longer than these by what 32 bits do not hold. */
static bool vary_len(struct attempt *attempt, unsigned at, unsigned number)
{
    const CK_ULONG lens[] = {0, 1, ~0ul, ~7ul, 1ul << 63, 1ul << 32, (1ul << 32) + attempt->values[at].number};
    enum kind of = attempt->row->kinds[at - 1];
    bool bounded = attempt->row->bounded || (of != DATA && of != RANDOM);
    if (number >= (bounded ? LEN_OF(lens) : 5))
        return false;
    if (lens[number] == 1 && place_len(at - 1) == 0)
        attempt->values[at - 1].pointer = place_again(at - 1, 1, 0);
    attempt->values[at].number = lens[number];
    return expect_number(attempt, lens[number] <= 1 ? ALLOWED : REFUSED, CKR_OK, "length", lens[number]);
}

static bool vary_count(struct attempt *attempt, unsigned at, unsigned number)
{
    static const CK_ULONG counts[] = {0, 1, ~0ul, ~7ul, 1ul << 32, (1ul << 61) + 1};
    if (number >= LEN_OF(counts))
        return false;
    attempt->values[at].number = counts[number];
    return expect_number(attempt, counts[number] <= 1 ? ALLOWED : REFUSED, CKR_OK, "count", counts[number]);
}

/* As much as there is fits: it is the caller's word that more would. */
static bool vary_most(struct attempt *attempt, unsigned at, unsigned number)
{
    static const CK_ULONG mosts[] = {0, 1, ~0ul, ~7ul, (1ul << 61) + 1};
    if (number >= LEN_OF(mosts))
        return false;
    attempt->values[at].number = mosts[number];
    return expect_number(attempt, EXACTLY, CKR_OK, "room for", mosts[number]);
}

/* ---- pointers ---- */

static bool odd(struct attempt *attempt, unsigned at)
{
    attempt->values[at].pointer = place_again(at, place_len(at), ODD);
    return expect(attempt, attempt->row->optional ? ALLOWED : EXACTLY, CKR_OK, "odd address");
}

static bool vary_bytes(struct attempt *attempt, unsigned at, unsigned number)
{
    bool more = attempt->row->more && attempt->row->kinds[at] == SIGNATURE;
    if (number == 1)
        return odd(attempt, at);
    if (number > 1)
        return false;
    attempt->values[at].pointer = NULL;
    if (attempt->row->kinds[at + 1] == LEN && attempt->values[at + 1].number == 0)
        attempt->values[at + 1].number = 8;
    if (attempt->row->kinds[at] == PARAMETER)
        return expect(attempt, REFUSED, CKR_OK, "NULL with a length");
    return expect(attempt, more ? ALLOWED : EXACTLY, CKR_ARGUMENTS_BAD, "NULL");
}

static bool vary_name(struct attempt *attempt, unsigned at, unsigned number)
{
    if (number > 0)
        return false;
    attempt->values[at].pointer = NULL;
    return expect(attempt, ALLOWED, CKR_OK, "NULL");
}

static bool vary_record(struct attempt *attempt, unsigned at, unsigned number)
{
    if (number == 1 && ODD_STRUCTS)
        return odd(attempt, at);
    if (number > 0)
        return false;
    attempt->values[at].pointer = NULL;
    return expect(attempt, EXACTLY, CKR_ARGUMENTS_BAD, "NULL");
}

static bool vary_out(struct attempt *attempt, unsigned at, unsigned number)
{
    if (number == 1 && (attempt->row->size == 0 || ODD_STRUCTS))
        return odd(attempt, at);
    if (number > 0)
        return false;
    attempt->values[at].pointer = NULL;
    return expect(attempt, EXACTLY, CKR_OK, "NULL: how long is it?");
}

static bool set_room(struct attempt *attempt, unsigned at, size_t items, CK_ULONG told)
{
    size_t size = attempt->row->size != 0 ? attempt->row->size : 1;
    attempt->values[at - 1].pointer = place_again(at - 1, items * size, 0);
    attempt->values[at].pointer = place_put(at, &told, sizeof(told), WRITABLE);
    return true;
}

static bool vary_out_len(struct attempt *attempt, unsigned at, unsigned number)
{
    size_t needed = place_len(at - 1) / (attempt->row->size != 0 ? attempt->row->size : 1);
    enum how how = attempt->row->optional ? ALLOWED : EXACTLY;
    switch (number) {
    case 0:
        attempt->values[at].pointer = NULL;
        return expect(attempt, attempt->row->more ? ALLOWED : EXACTLY, CKR_ARGUMENTS_BAD, "NULL");
    case 1:
        return set_room(attempt, at, 0, 0) && expect(attempt, how, CKR_BUFFER_TOO_SMALL, "no room");
    case 2:
        return set_room(attempt, at, needed - 1, needed - 1) &&
               expect(attempt, how, CKR_BUFFER_TOO_SMALL, "room for one less");
    case 3:
        return set_room(attempt, at, needed, ~0ul) && expect(attempt, how, CKR_OK, "room that is said to be endless");
    case 4:
        return set_room(attempt, at, needed, (1ul << 32) + needed) &&
               expect(attempt, how, CKR_OK, "room that 32 bits do not hold");
    case 5:
        return ODD_STRUCTS && odd(attempt, at);
    default:
        return false;
    }
}

/* ---- mechanisms ---- */

static bool set_parameter(struct attempt *attempt, unsigned at, void *parameter, CK_ULONG len)
{
    CK_MECHANISM mechanism = *mechanism_of(attempt->row->mechanism);
    mechanism.pParameter = parameter;
    mechanism.ulParameterLen = len;
    attempt->values[at].pointer = place_put(at, &mechanism, sizeof(mechanism), 0);
    return expect_number(attempt, REFUSED, CKR_OK, parameter == NULL ? "no parameter, length" : "parameter, length",
                         len);
}

static bool vary_parameter(struct attempt *attempt, unsigned at, unsigned number)
{
    const CK_MECHANISM *good = mechanism_of(attempt->row->mechanism);
    const CK_ULONG lens[] = {1, good->ulParameterLen - 1, ~0ul, ~7ul, 1ul << 32, (1ul << 32) + good->ulParameterLen};
    if (number >= 2 * LEN_OF(lens))
        return false;
    void *parameter = number % 2 == 0            ? NULL
                      : good->pParameter == NULL ? place_put(PARAMETER_PLACE, NULL, 8, 0)
                                                 : place_again(PARAMETER_PLACE, good->ulParameterLen, 0);
    return set_parameter(attempt, at, parameter, lens[number / 2]);
}

static bool vary_mechanism(struct attempt *attempt, unsigned at, unsigned number)
{
    CK_MECHANISM mechanism = *mechanism_of(attempt->row->mechanism);
    switch (number) {
    case 0: /* 3.0 §5.13.1: ends the operation that is active; none is */
        attempt->values[at].pointer = NULL;
        return expect(attempt, EXACTLY, CKR_ARGUMENTS_BAD, "NULL");
    case 1:
        mechanism.mechanism = ~0ul;
        attempt->values[at].pointer = place_put(at, &mechanism, sizeof(mechanism), 0);
        return expect(attempt, EXACTLY, CKR_MECHANISM_INVALID, "no mechanism");
    case 2:
        if (mechanism.pParameter != NULL)
            mechanism.pParameter = place_again(PARAMETER_PLACE, mechanism.ulParameterLen, ODD);
        attempt->values[at].pointer = place_put(at, &mechanism, sizeof(mechanism), ODD_STRUCTS ? ODD : 0);
        return expect(attempt, attempt->row->optional ? ALLOWED : EXACTLY, CKR_OK, "odd address");
    default:
        return vary_parameter(attempt, at, number - 3);
    }
}

/* ---- templates ---- */

static void set_attribute(struct attempt *attempt, unsigned at, unsigned index, CK_ATTRIBUTE attribute)
{
    CK_ATTRIBUTE template[VALUES_MAX];
    size_t len = place_len(at);
    bool written = attempt->row->kinds[at] == GET_TEMPLATE;
    memcpy(template, attempt->values[at].pointer, len);
    template[index] = attribute;
    attempt->values[at].pointer = place_put(at, template, len, written ? WRITABLE : 0);
}

#define VALUE_LENS 8

static bool vary_value(struct attempt *attempt, unsigned at, unsigned index, unsigned number)
{
    CK_ATTRIBUTE attribute;
    memcpy(&attribute, (CK_ATTRIBUTE *)attempt->values[at].pointer + index, sizeof(attribute));
    const struct piece *piece = &template_of(attempt->row, attempt->row->kinds[at]).list[index];
    const CK_ULONG lens[VALUE_LENS] = {0,    1,    piece->len - 1, piece->len + 1,
                                       ~0ul, ~7ul, 1ul << 32,      (1ul << 32) + piece->len};
    bool searches = attempt->row->template == FIND; /* what no object has is no mistake */
    unsigned place = value_place(attempt->row->kinds[at], index);
    if (number >= VALUE_LENS || (number == 3 && !piece->fixed))
        return false;
    attribute.ulValueLen = lens[number];
    if (number < 4)
        attribute.pValue = place_again(place, lens[number], 0);
    set_attribute(attempt, at, index, attribute);
    bool possible = number < 3 ? !piece->fixed || lens[number] == piece->len : number == 3 && !piece->fixed;
    return expect_number(attempt, possible || (searches && number < 4) ? ALLOWED : REFUSED, CKR_OK,
                         number < 4 ? "a value of length" : "a value of impossible length", lens[number]);
}

static bool vary_attribute(struct attempt *attempt, unsigned at, unsigned index, unsigned number)
{
    CK_ATTRIBUTE attribute;
    memcpy(&attribute, (CK_ATTRIBUTE *)attempt->values[at].pointer + index, sizeof(attribute));
    switch (number) {
    case 0:
        attribute.pValue = NULL;
        set_attribute(attempt, at, index, attribute);
        return expect(attempt, REFUSED, CKR_OK, "a value that is NULL");
    case 1:
        attribute.type = ~0ul;
        set_attribute(attempt, at, index, attribute);
        return expect(attempt, ALLOWED, CKR_OK, "no attribute's type");
    case 2:
        attribute.pValue = place_again(value_place(attempt->row->kinds[at], index), attribute.ulValueLen, ODD);
        set_attribute(attempt, at, index, attribute);
        return expect(attempt, attempt->row->optional ? ALLOWED : EXACTLY, CKR_OK, "a value at an odd address");
    default:
        return vary_value(attempt, at, index, number - 3);
    }
}

#define VARIANTS_OF_AN_ATTRIBUTE (3 + VALUE_LENS)

static bool vary_template(struct attempt *attempt, unsigned at, unsigned number)
{
    unsigned index = (number - 2) / VARIANTS_OF_AN_ATTRIBUTE, variant = (number - 2) % VARIANTS_OF_AN_ATTRIBUTE;
    if (number == 0) {
        attempt->values[at].pointer = NULL;
        return expect(attempt, EXACTLY, CKR_ARGUMENTS_BAD, "NULL with a count");
    }
    if (number == 1)
        return ODD_STRUCTS ? odd(attempt, at) : expect(attempt, ALLOWED, CKR_OK, "as it is");
    if (index >= template_of(attempt->row, attempt->row->kinds[at]).count)
        return false;
    /* what this attribute does not have is the good call once more: the next one's variants follow */
    return vary_attribute(attempt, at, index, variant) || expect(attempt, ALLOWED, CKR_OK, "as it is");
}

#define VARIANTS_OF_A_ROOM 7

/* Here lengths are of rooms, which may be larger than needed; NULL asks. */
static bool vary_got(struct attempt *attempt, unsigned at, unsigned index, unsigned variant)
{
    CK_ATTRIBUTE attribute;
    memcpy(&attribute, (CK_ATTRIBUTE *)attempt->values[at].pointer + index, sizeof(attribute));
    const CK_ULONG rooms[] = {0, attribute.ulValueLen - 1, ~0ul, (1ul << 32) + attribute.ulValueLen};
    unsigned place = value_place(attempt->row->kinds[at], index);
    switch (variant) {
    case 0:
        attribute.pValue = NULL;
        set_attribute(attempt, at, index, attribute);
        return expect(attempt, EXACTLY, CKR_OK, "NULL: how long is it?");
    case 1:
        attribute.pValue = place_again(place, attribute.ulValueLen, ODD);
        set_attribute(attempt, at, index, attribute);
        return expect(attempt, EXACTLY, CKR_OK, "room at an odd address");
    case 2:
        attribute.type = index % 2 == 0 ? CKA_PRIVATE_EXPONENT : ~0ul;
        set_attribute(attempt, at, index, attribute);
        return expect(attempt, EXACTLY, CKR_ATTRIBUTE_TYPE_INVALID, "an attribute that the object does not have");
    default:
        attribute.ulValueLen = rooms[variant - 3];
        attribute.pValue = place_again(place, variant < 5 ? rooms[variant - 3] : place_len(place), 0);
        set_attribute(attempt, at, index, attribute);
        return expect_number(attempt, EXACTLY, variant < 5 ? CKR_BUFFER_TOO_SMALL : CKR_OK, "room of",
                             rooms[variant - 3]);
    }
}

static bool vary_get_template(struct attempt *attempt, unsigned at, unsigned number)
{
    if (number < 2)
        return vary_template(attempt, at, number);
    unsigned index = (number - 2) / VARIANTS_OF_A_ROOM;
    if (index >= template_of(attempt->row, TEMPLATE).count)
        return false;
    return vary_got(attempt, at, index, (number - 2) % VARIANTS_OF_A_ROOM);
}

/* ---- all ---- */

static bool vary_nothing(struct attempt *attempt, unsigned at, unsigned number)
{
    (void)attempt, (void)at, (void)number;
    return false;
}

bool vary(struct attempt *attempt, unsigned at, unsigned number)
{
    static bool (*const ways[KINDS])(struct attempt *, unsigned, unsigned) = {
        [NOTHING] = vary_nothing,
        [YES_NO] = vary_nothing,
        [CALLBACK] = vary_nothing,
        [SESSION] = vary_session,
        [EXTRA_SESSION] = vary_session,
        [SLOT] = vary_slot,
        [EXTRA_SLOT] = vary_slot,
        [KEY] = vary_object,
        [OBJECT] = vary_object,
        [NUMBER] = vary_number,
        [DONT_BLOCK] = vary_number,
        [LEN] = vary_len,
        [COUNT] = vary_count,
        [MOST] = vary_most,
        [MECHANISM] = vary_mechanism,
        [TEMPLATE] = vary_template,
        [PRIVATE_TEMPLATE] = vary_template,
        [GET_TEMPLATE] = vary_get_template,
        [DATA] = vary_bytes,
        [PIN] = vary_bytes,
        [NEW_PIN] = vary_bytes,
        [USERNAME] = vary_bytes,
        [LABEL] = vary_bytes,
        [SIGNATURE] = vary_bytes,
        [WRAPPED] = vary_bytes,
        [PARAMETER] = vary_bytes,
        [NAME] = vary_name,
        [VERSION] = vary_name,
        [RECORD] = vary_record,
        [OUT] = vary_out,
        [OUT_LEN] = vary_out_len,
        [OBJECTS] = vary_record,
        [RANDOM] = vary_bytes,
        [RESERVED] = vary_nothing,
        [ANY] = vary_nothing,
    };
    return ways[attempt->row->kinds[at]](attempt, at, number);
}
