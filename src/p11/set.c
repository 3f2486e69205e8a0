/* SPDX-License-Identifier: Apache-2.0
 *
 * The index is one array of (hash of attribute, object), sorted: a look-up is a binary search, whatever the attribute,
 * and a template is answered from the attribute of it that the fewest objects have.
 */
#include "p11/set.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

/* What consumers search by (PKCS#11 §5.7.7). */
static const CK_ATTRIBUTE_TYPE indexed[] = {
    CKA_CLASS,         CKA_ID,    CKA_LABEL,   CKA_SUBJECT,  CKA_ISSUER,
    CKA_SERIAL_NUMBER, CKA_VALUE, CKA_MODULUS, CKA_EC_POINT, CKA_PUBLIC_KEY_INFO,
};
#define INDEXED_LEN (sizeof(indexed) / sizeof(indexed[0]))

struct tp_p11_set *tp_p11_set_ref(struct tp_p11_set *set)
{
    (void)atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
    return set;
}

void tp_p11_set_unref(struct tp_p11_set *set)
{
    if (set == NULL || atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < set->count; i++)
        tp_p11_object_unref(set->objects[i]);
    free(set->objects);
    free(set->by_identity);
    free(set->postings);
    free(set);
}

/* ---- order ---- */

static int compare_handles(const void *a, const void *b)
{
    CK_OBJECT_HANDLE x = (*(struct tp_p11_object *const *)a)->handle, y = (*(struct tp_p11_object *const *)b)->handle;
    return x < y ? -1 : x > y;
}

static int compare_identities(const void *a, const void *b)
{
    return memcmp((*(struct tp_p11_object *const *)a)->identity, (*(struct tp_p11_object *const *)b)->identity,
                  TP_SHA256_LEN);
}

/* By object second: results come in the order of handles. */
static int compare_postings(const void *a, const void *b)
{
    const struct tp_p11_posting *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->object < y->object ? -1 : x->object > y->object;
}

/* FNV-1a. Candidates are compared in full afterwards, so a collision costs time, never a wrong answer. */
static uint64_t hash_attribute(CK_ATTRIBUTE_TYPE type, struct tp_bytes value)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ type;
    for (size_t i = 0; i < value.len; i++)
        hash = (hash ^ value.data[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* ---- making ---- */

struct builder {
    const Tp__Ipc__ObjectsReply *reply;
    enum tp_p11_privacy privacy;
    const struct tp_p11_set *previous;
    atomic_ulong *last_handle;
    struct tp_p11_set *set;
};

static enum tp_rc set_add(struct tp_p11_set *set, struct tp_p11_object *object)
{
    if (set->count == set->capacity) {
        size_t capacity = set->capacity == 0 ? 16 : 2 * set->capacity;
        struct tp_p11_object **objects = reallocarray(set->objects, capacity, sizeof(struct tp_p11_object *));
        if (objects == NULL)
            return TP_MEMORY;
        set->objects = objects;
        set->capacity = capacity;
    }
    set->objects[set->count++] = object;
    return TP_OK;
}

static struct tp_p11_object *previous_of(const struct builder *builder, const uint8_t identity[TP_SHA256_LEN])
{
    struct tp_p11_object key, *wanted = &key;
    if (builder->previous == NULL || builder->previous->count == 0)
        return NULL;
    memcpy(key.identity, identity, TP_SHA256_LEN);
    struct tp_p11_object **found = bsearch(&wanted, builder->previous->by_identity, builder->previous->count,
                                           sizeof(struct tp_p11_object *), compare_identities);
    return found == NULL ? NULL : *found;
}

/* What makes an object the same one in another set. Issuers are themselves, whoever's chain they are in. */
static enum tp_rc identify(const struct tp_p11_source *source, uint8_t ret_identity[TP_SHA256_LEN])
{
    uint8_t role = (uint8_t)source->role;
    struct tp_bytes name = source->certificate;
    if (source->credential != NULL)
        name = tp_bytes_of_string(source->credential->id);
    else if (source->beside != NULL)
        name = tp_bytes_of_string(source->beside->id);
    else if (source->role == TP_P11_PROFILE)
        name = TP_BYTES(&source->profile, sizeof(source->profile));
    return tp_sha256(TP_BYTES(&role, 1), name, TP_BYTES_NONE, ret_identity);
}

static enum tp_rc take_over(const struct builder *builder, const struct tp_p11_source *source,
                            const uint8_t identity[TP_SHA256_LEN], const uint8_t content[TP_SHA256_LEN])
{
    struct tp_error error = {0};
    struct tp_p11_object *object TP_AUTO(tp_p11_object_unref_p) = NULL, *old = previous_of(builder, identity);
    if (old != NULL && memcmp(old->content, content, TP_SHA256_LEN) == 0) {
        object = tp_p11_object_ref(old);
    } else {
        enum tp_rc rc = tp_p11_object_make(source, &error, &object);
        if (rc == TP_MEMORY)
            return rc;
        if (rc != TP_OK) {
            tp_log(TP_LOG_WARNING, "an object is not shown: %s", tp_error_words(&error));
            return TP_OK;
        }
        memcpy(object->identity, identity, TP_SHA256_LEN);
        memcpy(object->content, content, TP_SHA256_LEN);
        object->handle = old != NULL ? old->handle : atomic_fetch_add(builder->last_handle, 1) + 1;
    }
    TP_TRY(set_add(builder->set, object));
    object = NULL;
    return TP_OK;
}

static enum tp_rc add_object(const struct builder *builder, const struct tp_p11_source *source,
                             const uint8_t content[TP_SHA256_LEN])
{
    uint8_t identity[TP_SHA256_LEN];
    TP_TRY(identify(source, identity));
    return take_over(builder, source, identity, content);
}

static enum tp_rc hash_message(const ProtobufCMessage *message, uint8_t ret_content[TP_SHA256_LEN])
{
    struct tp_buf packed TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(tp_buf_reserve(&packed, protobuf_c_message_get_packed_size(message)));
    packed.len = protobuf_c_message_pack(message, packed.data);
    return tp_sha256(tp_buf_bytes(&packed), TP_BYTES_NONE, TP_BYTES_NONE, ret_content);
}

static enum tp_rc add_credential(const struct builder *builder, const Tp__Ipc__Credential *credential)
{
    static const enum tp_p11_role roles[] = {TP_P11_CERTIFICATE, TP_P11_PUBLIC_KEY, TP_P11_PRIVATE_KEY};
    uint8_t content[TP_SHA256_LEN];
    if (strcmp(credential->state, "deleted") == 0)
        return TP_OK;
    TP_TRY(hash_message(&credential->base, content));
    struct tp_p11_source source = {
        .credential = credential,
        .certificate = TP_BYTES(credential->certificate.data, credential->certificate.len),
        .spki = TP_BYTES(credential->spki.data, credential->spki.len),
        .privacy = builder->privacy,
    };
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        source.role = roles[i];
        if (source.role != TP_P11_CERTIFICATE || source.certificate.len > 0)
            TP_TRY(add_object(builder, &source, content));
    }
    return TP_OK;
}

static enum tp_rc add_beside(const struct builder *builder, const Tp__Ipc__TokenObject *beside)
{
    uint8_t content[TP_SHA256_LEN];
    struct tp_p11_source source = {.role = TP_P11_DATA, .beside = beside, .privacy = builder->privacy};
    if (strcmp(beside->kind, "certificate") == 0) {
        source.role = TP_P11_STRANGER;
        source.certificate = TP_BYTES(beside->value.data, beside->value.len);
    } else if (strcmp(beside->kind, "data") != 0) {
        return TP_OK; /* a newer engine's */
    }
    TP_TRY(hash_message(&beside->base, content));
    return add_object(builder, &source, content);
}

/* ---- issuers: the same few stand in the chains of thousands, and are wanted once ---- */

struct issuer {
    uint8_t identity[TP_SHA256_LEN];
    struct tp_p11_source source;
};

static int compare_issuers(const void *a, const void *b)
{
    return memcmp(((const struct issuer *)a)->identity, ((const struct issuer *)b)->identity, TP_SHA256_LEN);
}

static size_t count_chains(const Tp__Ipc__ObjectsReply *reply)
{
    size_t count = 0;
    for (size_t i = 0; i < reply->n_credentials; i++)
        count += reply->credentials[i]->n_chain;
    return count;
}

static enum tp_rc collect_issuers(const struct builder *builder, const Tp__Ipc__Credential *credential,
                                  struct issuer *issuers, size_t *count)
{
    for (size_t i = 0; i < credential->n_chain; i++) {
        struct issuer *issuer = &issuers[*count];
        issuer->source = (struct tp_p11_source){
            .role = TP_P11_ISSUER,
            .certificate = TP_BYTES(credential->chain[i].data, credential->chain[i].len),
            .privacy = builder->privacy,
        };
        if (issuer->source.certificate.len == 0)
            continue;
        TP_TRY(identify(&issuer->source, issuer->identity));
        (*count)++;
    }
    return TP_OK;
}

static enum tp_rc add_collected(const struct builder *builder, struct issuer *issuers, size_t count)
{
    static const uint8_t unchanging[TP_SHA256_LEN];
    qsort(issuers, count, sizeof(*issuers), compare_issuers);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || compare_issuers(&issuers[i - 1], &issuers[i]) != 0)
            TP_TRY(take_over(builder, &issuers[i].source, issuers[i].identity, unchanging));
    return TP_OK;
}

static enum tp_rc add_issuers(const struct builder *builder)
{
    size_t count = 0;
    enum tp_rc rc = TP_OK;
    struct issuer *issuers = calloc(count_chains(builder->reply) + 1, sizeof(*issuers));
    if (issuers == NULL)
        return TP_MEMORY;
    for (size_t i = 0; rc == TP_OK && i < builder->reply->n_credentials; i++)
        if (strcmp(builder->reply->credentials[i]->state, "deleted") != 0)
            rc = collect_issuers(builder, builder->reply->credentials[i], issuers, &count);
    if (rc == TP_OK)
        rc = add_collected(builder, issuers, count);
    free(issuers);
    return rc;
}

/* The profiles that hold here (3.0 §4.13, Profiles 3.0 §2): with the last one, consumers list without a login,
 * which is not true of a slot that serves all. */
static enum tp_rc add_profiles(const struct builder *builder)
{
    static const CK_ULONG profiles[] = {CKP_BASELINE_PROVIDER, CKP_AUTHENTICATION_TOKEN, CKP_PUBLIC_CERTIFICATES_TOKEN};
    static const uint8_t unchanging[TP_SHA256_LEN];
    size_t count = sizeof(profiles) / sizeof(profiles[0]) - (builder->privacy == TP_P11_ALL_PRIVATE ? 1 : 0);
    for (size_t i = 0; i < count; i++) {
        struct tp_p11_source source = {.role = TP_P11_PROFILE, .profile = profiles[i], .privacy = builder->privacy};
        TP_TRY(add_object(builder, &source, unchanging));
    }
    return TP_OK;
}

static enum tp_rc add_all(const struct builder *builder)
{
    for (size_t i = 0; i < builder->reply->n_credentials; i++)
        TP_TRY(add_credential(builder, builder->reply->credentials[i]));
    for (size_t i = 0; i < builder->reply->n_objects; i++)
        TP_TRY(add_beside(builder, builder->reply->objects[i]));
    TP_TRY(add_issuers(builder));
    return add_profiles(builder);
}

static enum tp_rc order(struct tp_p11_set *set)
{
    set->by_identity = calloc(set->count + 1, sizeof(struct tp_p11_object *));
    if (set->by_identity == NULL)
        return TP_MEMORY;
    if (set->count == 0)
        return TP_OK;
    memcpy(set->by_identity, set->objects, set->count * sizeof(struct tp_p11_object *));
    qsort(set->by_identity, set->count, sizeof(struct tp_p11_object *), compare_identities);
    qsort(set->objects, set->count, sizeof(struct tp_p11_object *), compare_handles);
    return TP_OK;
}

static void index_object(struct tp_p11_set *set, size_t object)
{
    for (size_t i = 0; i < INDEXED_LEN; i++) {
        struct tp_bytes value;
        if (tp_p11_attributes_find(&set->objects[object]->attributes, indexed[i], &value))
            set->postings[set->posting_count++] =
                (struct tp_p11_posting){hash_attribute(indexed[i], value), (uint32_t)object};
    }
}

static enum tp_rc make_index(struct tp_p11_set *set)
{
    set->postings = calloc(set->count * INDEXED_LEN + 1, sizeof(*set->postings));
    if (set->postings == NULL)
        return TP_MEMORY;
    for (size_t i = 0; i < set->count; i++)
        index_object(set, i);
    qsort(set->postings, set->posting_count, sizeof(*set->postings), compare_postings);
    return TP_OK;
}

enum tp_rc tp_p11_set_new(const Tp__Ipc__ObjectsReply *reply, enum tp_p11_privacy privacy,
                          const struct tp_p11_set *previous, atomic_ulong *last_handle, struct tp_p11_set **ret_set)
{
    struct tp_p11_set *set TP_AUTO(tp_p11_set_unref_p) = calloc(1, sizeof(*set));
    if (set == NULL)
        return TP_MEMORY;
    atomic_init(&set->refs, 1);
    set->generation = reply->generation;
    const struct builder builder = {reply, privacy, previous, last_handle, set};
    TP_TRY(add_all(&builder));
    TP_TRY(order(set));
    TP_TRY(make_index(set));
    *ret_set = set;
    set = NULL;
    return TP_OK;
}

/* ---- looking up ---- */

struct tp_p11_object *tp_p11_set_find(const struct tp_p11_set *set, CK_OBJECT_HANDLE handle)
{
    struct tp_p11_object key, *wanted = &key;
    key.handle = handle;
    if (set == NULL || set->count == 0)
        return NULL;
    struct tp_p11_object **found =
        bsearch(&wanted, set->objects, set->count, sizeof(struct tp_p11_object *), compare_handles);
    return found == NULL ? NULL : *found;
}

struct tp_p11_object *tp_p11_set_find_own(const struct tp_p11_set *set, enum tp_p11_role role, const char *engine_id)
{
    struct tp_p11_object key, *wanted = &key;
    const uint8_t tag = (uint8_t)role;
    if (set == NULL || set->count == 0 ||
        tp_sha256(TP_BYTES(&tag, 1), tp_bytes_of_string(engine_id), TP_BYTES_NONE, key.identity) != TP_OK)
        return NULL;
    struct tp_p11_object **found =
        bsearch(&wanted, set->by_identity, set->count, sizeof(struct tp_p11_object *), compare_identities);
    return found == NULL ? NULL : *found;
}

/* The first posting whose hash is not below HASH. */
static size_t lower_bound(const struct tp_p11_set *set, uint64_t hash)
{
    size_t low = 0, high = set->posting_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->postings[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct range {
    size_t first, count;
};

static struct range range_of(const struct tp_p11_set *set, const CK_ATTRIBUTE *attribute)
{
    uint64_t hash = hash_attribute(attribute->type, TP_BYTES(attribute->pValue, attribute->ulValueLen));
    size_t first = lower_bound(set, hash);
    size_t end = hash == UINT64_MAX ? set->posting_count : lower_bound(set, hash + 1);
    return (struct range){first, end - first};
}

static bool is_indexed(CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < INDEXED_LEN; i++)
        if (indexed[i] == type)
            return true;
    return false;
}

/* False when nothing in the template is indexed. */
static bool narrowest(const struct tp_p11_set *set, const CK_ATTRIBUTE *template, CK_ULONG count,
                      struct range *ret_range)
{
    bool any = false;
    for (CK_ULONG i = 0; i < count; i++) {
        if (!is_indexed(template[i].type))
            continue;
        struct range range = range_of(set, &template[i]);
        if (!any || range.count < ret_range->count)
            *ret_range = range;
        any = true;
    }
    return any;
}

enum tp_rc tp_p11_set_search(const struct tp_p11_set *set, const CK_ATTRIBUTE *template, CK_ULONG count,
                             tp_p11_object_fn *each, void *context)
{
    struct range range = {0, set->count};
    bool by_index = narrowest(set, template, count, &range);
    for (size_t i = range.first; i < range.first + range.count; i++) {
        struct tp_p11_object *object = set->objects[by_index ? set->postings[i].object : i];
        if (tp_p11_attributes_match(&object->attributes, template, count))
            TP_TRY(each(context, object));
    }
    return TP_OK;
}
