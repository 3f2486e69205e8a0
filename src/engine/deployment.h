/* SPDX-License-Identifier: Apache-2.0
 *
 * Making a deployment: token keys, store, checkpoint key, first log entry. Once, before the engine first runs.
 */
#ifndef TP_ENGINE_DEPLOYMENT_H
#define TP_ENGINE_DEPLOYMENT_H

#include "engine/engine_conf.h"

/* Steps, for a progress bar. May be NULL. */
typedef void tp_deployment_progress_fn(void *context, unsigned done, unsigned total, const char *what);

/* CUSTODIAN_SPKI: RSA public key of the backup custodians; without it no backup of the token keys is made, and none can
 * ever be. The wrapped keys are written into BACKUP_DIR (0600), one file a key. Refuses (TP_EXISTS) when there is a store
 * or the token holds keys. When it fails it leaves neither a store nor keys on the token. RET_AUDIT_SPKI: the log's public
 * key (DER), which is also written to the file `audit_key` of the configuration (PEM). */
TP_MUST_USE enum tp_rc tp_deployment_create(const struct tp_engine_conf *conf, struct tp_bytes custodian_spki,
                                            const char *backup_dir, tp_deployment_progress_fn *progress, void *context,
                                            struct tp_error *error, struct tp_buf *ret_audit_spki);

#endif
