/* SPDX-License-Identifier: Apache-2.0
 *
 * The census: which records must be there. It holds, in memory, the slots of every record by each way that a record is
 * asked for: kind and id; kind, owner and name; the list of a kind; the list of a kind and owner.
 *
 * A row that is missing from the store cannot speak for itself (state_tree.h): the census does. It is filled at
 * start-up from rows whose leaves together have the root of the head, and follows each commit. Keys are 128 bits of
 * SHA-256, salted, so that nobody who chooses names can make them collide. About 130 bytes a record.
 */
#ifndef TP_AUDIT_CENSUS_H
#define TP_AUDIT_CENSUS_H

#include "store/store.h"

struct tp_census;

/* How a list of slots is asked for. Unused members are NULL: {kind, id}, {kind, owner, name}, {kind}, {kind, owner}. */
struct tp_census_key {
    const char *kind, *id, *owner, *name;
};

TP_MUST_USE enum tp_rc tp_census_new(struct tp_census **ret_census);
void tp_census_free(struct tp_census *census);
TP_DEFINE_AUTO(struct tp_census, tp_census_free)

/* Only kind, id, owner, name and slot of RECORD are looked at. On TP_MEMORY nothing has changed. */
TP_MUST_USE enum tp_rc tp_census_add(struct tp_census *census, const struct tp_store_record *record);
/* Keeps the memory, so that adding RECORD again right away cannot fail: how a batch is undone. */
void tp_census_remove(struct tp_census *census, const struct tp_store_record *record);
uint64_t tp_census_records(const struct tp_census *census);

/* Slots of KEY above AFTER, ascending, at most MOST of them. */
TP_MUST_USE enum tp_rc tp_census_slots(const struct tp_census *census, const struct tp_census_key *key, uint64_t after,
                                       size_t most, uint32_t *ret_slots, size_t *ret_len);

#endif
