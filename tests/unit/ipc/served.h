/* SPDX-License-Identifier: Apache-2.0
 *
 * An engine for tests: the real server in a thread, in a folder of its own, with a handler that is easy to foretell:
 *
 *   TOKEN        answers with the user's name as label
 *   SIGN         answers with the data as signature
 *   LOGOUT       refuses: TP_PIN_WRONG, "no such login", 3 tries left
 *   ENROL        answers with the second secret as its secret, the first one's length in `digits`
 *   OBJECTS      answers with a credential whose certificate has `known` bytes
 *   CRL_IMPORT   answers with the length of the CRL in `revoked`
 *   STATUS, DOCTOR  are kept until served_release
 */
#ifndef SERVED_H
#define SERVED_H

#include "ipc/server.h"

#include <pthread.h>
#include <stdatomic.h>

struct served {
    char folder[32], path[64];
    struct tp_ipc_server *server;
    pthread_t thread;
    int64_t grace_ms;
    atomic_bool leaves; /* the handler's thread leaves the server after each batch, and another one goes on */
    atomic_uint left;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct tp_ipc_request *kept;
    unsigned kept_count, kept_total, gone, requests, turned_away, large_asked;
    struct tp_ipc_peer last_peer; /* of the last request, or of the connection that is gone */
    bool no_large;                /* what may_send_large answers */
    enum tp_rc away_rc;           /* of what was turned away last */
    unsigned away_op;             /* likewise; 0: a connection */
    const char *away_words;
};

void served_folder(struct served *served);                                    /* makes folder and path */
void served_start(struct served *served, struct tp_ipc_server_config config); /* in that folder */
void served_stop(struct served *served);                                      /* everything kept must be released */
void served_clear(struct served *served);
/* Until that many requests have been kept since the start, or connections have gone. */
void served_wait_kept(struct served *served, unsigned total);
void served_wait_gone(struct served *served, unsigned gone);
void served_wait_away(struct served *served, unsigned turned_away);
unsigned served_kept(struct served *served);
unsigned served_release(struct served *served); /* answers what is kept; how many */

#endif
