/* SPDX-License-Identifier: Apache-2.0
 *
 * The key that signs the log's checkpoints: a service key (architecture: Keys), wrapped by the KEK, without a PIN layer. Its
 * public half is also a file, so that an auditor, and the engine before it can read a record, knows it.
 */
#ifndef TP_ENGINE_SERVICE_KEY_H
#define TP_ENGINE_SERVICE_KEY_H

#include "engine/internal.h"

/* From the file `audit_key`; DER, appended. */
TP_MUST_USE enum tp_rc tp_service_key_public(const struct tp_engine_conf *conf, struct tp_error *error,
                                             struct tp_buf *ret_spki);
/* The wrapped key from its record, which must be about the same public key. */
TP_MUST_USE enum tp_rc tp_service_key_read(struct tp_vault *vault, struct tp_error *error);
/* Makes one in the HSM; its record is for the caller to write. */
TP_MUST_USE enum tp_rc tp_service_key_make(struct tp_vault *vault, struct tp_hsm_session *session,
                                           struct tp_error *error);
/* The record of what `make` made, as a change in EDIT. */
struct tp_edit;
TP_MUST_USE enum tp_rc tp_service_key_record(const struct tp_vault *vault, struct tp_edit *edit);
/* Writes the file `audit_key`; refuses to replace one. */
TP_MUST_USE enum tp_rc tp_service_key_publish(const struct tp_vault *vault, const struct tp_engine_conf *conf,
                                              struct tp_error *error);

#endif
