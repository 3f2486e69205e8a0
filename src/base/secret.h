/* SPDX-License-Identifier: Apache-2.0
 *
 * The only home of PINs, one-time codes, OTP seeds and key material.
 *
 * Memory of a tp_secret comes from an arena of its own: locked (mlock), left out of core files (MADV_DONTDUMP), empty in
 * children of fork (MADV_WIPEONFORK), wiped when released, and with guard pages at its ends. Small secrets share pages,
 * so that ten thousand cached sealing keys cost kilobytes (see docs/architecture.md). Not libcrypto's secure heap: that
 * is one per process and belongs to the program that loaded us.
 */
#ifndef TP_BASE_SECRET_H
#define TP_BASE_SECRET_H

#include "base/bytes.h"

#define TP_SECRET_MAX ((size_t)64 << 10) /* bytes; larger is TP_TOO_LARGE */

/* In a child of fork an inherited secret has length and capacity 0 and can only be freed; new ones can be made. */
struct tp_secret; /* owned by whoever made it; not shared between threads without a lock */

/* Room for CAPACITY bytes, length 0, all zero. */
TP_MUST_USE enum tp_rc tp_secret_new(size_t capacity, struct tp_secret **ret_secret);
/* A copy of BYTES; wiping the source is the caller's business. */
TP_MUST_USE enum tp_rc tp_secret_new_copy(struct tp_bytes bytes, struct tp_secret **ret_secret);
/* Wipes and releases. NULL is allowed. */
void tp_secret_free(struct tp_secret *secret);
TP_DEFINE_AUTO(struct tp_secret, tp_secret_free)

uint8_t *tp_secret_data(struct tp_secret *secret); /* CAPACITY bytes may be written */
size_t tp_secret_len(const struct tp_secret *secret);
size_t tp_secret_capacity(const struct tp_secret *secret);
/* LEN must not exceed the capacity; bytes past it are wiped. */
TP_MUST_USE enum tp_rc tp_secret_set_len(struct tp_secret *secret, size_t len);
TP_MUST_USE enum tp_rc tp_secret_append(struct tp_secret *secret, struct tp_bytes bytes);
struct tp_bytes tp_secret_bytes(const struct tp_secret *secret); /* a view; NULL gives none */

/* Bytes that lie elsewhere and must go (a stack buffer, a library's output). */
void tp_wipe(void *data, size_t len);
/* Whether all secrets of this process are in locked memory (false once an mlock was refused); for doctor. */
bool tp_secret_locked(void);
/* For this whole process: no core file, not ptrace-able by its own uid (PR_SET_DUMPABLE 0, RLIMIT_CORE 0). Services and
 * command line only: never in the module, whose process is somebody else's. */
void tp_process_harden(void);

#endif
