/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto.h"
#include "validation/internal.h"

#include <stdlib.h>
#include <string.h>

struct item {
    uint8_t hash[TP_SHA256_LEN];
    struct tp_buf der;
    char *from;
    int64_t poe_ms;
    bool crl_read;
    struct tp_pki_crl crl; /* of a CRL, when it was first asked for */
    struct tp_pki_crl_index *index;
    bool crl_verified; /* with the issuer of this hash */
    uint8_t crl_issuer[TP_SHA256_LEN];
};

struct amount {
    size_t items, bytes;
};

struct list {
    struct item *items;
    size_t len, capacity;
    struct amount shares[TP_EVIDENCE_SHARE_END]; /* how much of it came in each */
};

struct tp_evidence {
    struct list lists[TP_EVIDENCE_KIND_END];
    size_t items, bytes; /* of all kinds */
};

enum tp_rc tp_evidence_new(struct tp_evidence **ret_evidence)
{
    struct tp_evidence *evidence = calloc(1, sizeof *evidence);
    if (evidence == NULL)
        return TP_MEMORY;
    *ret_evidence = evidence;
    return TP_OK;
}

static void item_clear(struct item *item)
{
    tp_buf_clear(&item->der);
    free(item->from);
    tp_pki_crl_clear(&item->crl);
    tp_pki_crl_index_free(item->index);
}

void tp_evidence_free(struct tp_evidence *evidence)
{
    if (evidence == NULL)
        return;
    for (size_t kind = 0; kind < TP_EVIDENCE_KIND_END; kind++) {
        for (size_t i = 0; i < evidence->lists[kind].len; i++)
            item_clear(&evidence->lists[kind].items[i]);
        free(evidence->lists[kind].items);
    }
    free(evidence);
}

static struct item *find(struct list *list, const uint8_t hash[TP_SHA256_LEN])
{
    for (size_t i = 0; i < list->len; i++)
        if (memcmp(list->items[i].hash, hash, TP_SHA256_LEN) == 0)
            return &list->items[i];
    return NULL;
}

static enum tp_rc room_for_one(struct tp_evidence *evidence, struct list *list, size_t der_len)
{
    if (evidence->items == TP_EVIDENCE_ITEMS_MAX || der_len > TP_EVIDENCE_BYTES_MAX - evidence->bytes)
        return TP_TOO_LARGE;
    if (list->len < list->capacity)
        return TP_OK;
    const size_t capacity = list->capacity == 0 ? 8 : 2 * list->capacity;
    struct item *items = reallocarray(list->items, capacity, sizeof *items);
    if (items == NULL)
        return TP_MEMORY;
    list->items = items;
    list->capacity = capacity;
    return TP_OK;
}

static enum tp_rc item_make(struct tp_bytes der, const char *from, int64_t poe_ms, struct item *item)
{
    item->poe_ms = poe_ms;
    item->from = strdup(from);
    if (item->from != NULL && tp_buf_append(&item->der, der) == TP_OK)
        return TP_OK;
    item_clear(item);
    return TP_MEMORY;
}

static bool has_room(const struct amount *share, size_t der_len)
{
    return share == NULL || (share->items < TP_EVIDENCE_SHARE_ITEMS && der_len <= TP_EVIDENCE_SHARE_BYTES &&
                             share->bytes <= TP_EVIDENCE_SHARE_BYTES - der_len);
}

/* SHARE NULL: it has no bound of its own. */
static enum tp_rc add(struct tp_evidence *evidence, struct list *list, struct tp_bytes der, const char *from,
                      int64_t poe_ms, struct amount *share)
{
    struct item item = {0};
    TP_TRY(tp_sha256(der, TP_BYTES_NONE, TP_BYTES_NONE, item.hash));
    struct item *same = find(list, item.hash);
    if (same != NULL) {
        same->poe_ms = poe_ms < same->poe_ms ? poe_ms : same->poe_ms;
        return TP_OK;
    }
    if (!has_room(share, der.len))
        return TP_TOO_LARGE;
    TP_TRY(room_for_one(evidence, list, der.len));
    TP_TRY(item_make(der, from, poe_ms, &item));
    list->items[list->len++] = item;
    evidence->items++;
    evidence->bytes += der.len;
    if (share != NULL)
        *share = (struct amount){share->items + 1, share->bytes + der.len};
    return TP_OK;
}

enum tp_rc tp_evidence_add(struct tp_evidence *evidence, enum tp_evidence_kind kind, struct tp_bytes der,
                           const char *from, int64_t poe_ms)
{
    return add(evidence, &evidence->lists[kind], der, from, poe_ms, NULL);
}

enum tp_rc tp_evidence_add_share(struct tp_evidence *evidence, enum tp_evidence_share share, enum tp_evidence_kind kind,
                                 struct tp_bytes der, const char *from, int64_t poe_ms)
{
    struct list *list = &evidence->lists[kind];
    return add(evidence, list, der, from, poe_ms, &list->shares[share]);
}

void tp_evidence_prefer(struct tp_evidence *evidence, struct tp_bytes certificate)
{
    struct list *list = &evidence->lists[TP_EVIDENCE_CERTIFICATE];
    for (size_t i = 0; i < list->len; i++) {
        if (!tp_bytes_equal(tp_buf_bytes(&list->items[i].der), certificate))
            continue;
        const struct item preferred = list->items[i];
        memmove(&list->items[1], &list->items[0], i * sizeof list->items[0]);
        list->items[0] = preferred;
        return;
    }
}

size_t tp_evidence_len(const struct tp_evidence *evidence, enum tp_evidence_kind kind)
{
    return evidence->lists[kind].len;
}

struct tp_bytes tp_evidence_at(const struct tp_evidence *evidence, enum tp_evidence_kind kind, size_t index)
{
    return index < evidence->lists[kind].len ? tp_buf_bytes(&evidence->lists[kind].items[index].der) : TP_BYTES_NONE;
}

const char *tp_evidence_from(const struct tp_evidence *evidence, enum tp_evidence_kind kind, size_t index)
{
    return index < evidence->lists[kind].len ? evidence->lists[kind].items[index].from : "";
}

int64_t tp_evidence_poe_ms(const struct tp_evidence *evidence, enum tp_evidence_kind kind, size_t index)
{
    return index < evidence->lists[kind].len ? evidence->lists[kind].items[index].poe_ms : INT64_MAX;
}

enum tp_rc tp_evidence_views(const struct tp_evidence *evidence, enum tp_evidence_kind kind,
                             struct tp_bytes **ret_views, size_t *ret_len)
{
    const struct list *list = &evidence->lists[kind];
    struct tp_bytes *views = calloc(list->len + 1, sizeof *views);
    if (views == NULL)
        return TP_MEMORY;
    for (size_t i = 0; i < list->len; i++)
        views[i] = tp_buf_bytes(&list->items[i].der);
    *ret_views = views;
    *ret_len = list->len;
    return TP_OK;
}

enum tp_rc tp_evidence_crl(const struct tp_evidence *evidence, size_t index, struct tp_error *error,
                           const struct tp_pki_crl **ret_crl, const struct tp_pki_crl_index **ret_index)
{
    struct item *item = &evidence->lists[TP_EVIDENCE_CRL].items[index];
    if (!item->crl_read) {
        TP_TRY(tp_pki_crl_parse(tp_buf_bytes(&item->der), error, &item->crl));
        item->crl_read = true;
    }
    if (item->index == NULL)
        TP_TRY(tp_pki_crl_index_new(tp_buf_bytes(&item->der), error, &item->index));
    *ret_crl = &item->crl;
    *ret_index = item->index;
    return TP_OK;
}

enum tp_rc tp_evidence_crl_verify(const struct tp_evidence *evidence, size_t index, struct tp_bytes issuer,
                                  struct tp_error *error)
{
    struct item *item = &evidence->lists[TP_EVIDENCE_CRL].items[index];
    uint8_t hash[TP_SHA256_LEN];
    TP_TRY(tp_sha256(issuer, TP_BYTES_NONE, TP_BYTES_NONE, hash));
    if (item->crl_verified && memcmp(item->crl_issuer, hash, sizeof hash) == 0)
        return TP_OK;
    TP_TRY(tp_pki_crl_verify(tp_buf_bytes(&item->der), issuer, error));
    item->crl_verified = true;
    memcpy(item->crl_issuer, hash, sizeof hash);
    return TP_OK;
}
