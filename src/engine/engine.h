/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine: the only process that opens the store or the HSM. One of these a process.
 */
#ifndef TP_ENGINE_ENGINE_H
#define TP_ENGINE_ENGINE_H

#include "base/error.h"

#include <stdbool.h>

struct tp_engine;

/* Reads the configuration, opens HSM and store, checks the log from the last checkpoint on, and listens. A log or state
 * that does not match does not fail this: the engine then serves only looking and `accept` until an officer has looked. */
TP_MUST_USE enum tp_rc tp_engine_new(const char *conf_path, bool spawned, struct tp_error *error,
                                     struct tp_engine **ret_engine);
/* Serves until tp_engine_stop; when spawned, also ends by itself after "idle" without clients. */
TP_MUST_USE enum tp_rc tp_engine_run(struct tp_engine *engine, struct tp_error *error);
void tp_engine_stop(struct tp_engine *engine); /* async-signal-safe */
void tp_engine_free(struct tp_engine *engine);
TP_DEFINE_AUTO(struct tp_engine, tp_engine_free)
/* Before tp_engine_run: why it will give no timestamps although engine.conf names a key for them; NULL when all is well. */
const char *tp_engine_without_timestamps(const struct tp_engine *engine);
/* Before tp_engine_run: TELL is called with what was found wrong with log or records, at once for what start-up found, and from
 * a thread of the engine's for what is found later. */
void tp_engine_on_tampered(struct tp_engine *engine, void (*tell)(const char *words));

#endif
