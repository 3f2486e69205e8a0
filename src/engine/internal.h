/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's own: what its files share. How they fit together:
 *
 *   engine.c        owns everything; start and stop; engine_conf.c what its configuration says, lock_file.c that it is the
 *                   only one of its store
 *   deployment.c    makes all that an engine needs to start; service_key.c the checkpoint key among it
 *   dispatch.c      a batch of requests from ipc → signing at once (sign.c), all else to a pool of threads (call.h)
 *   pool.c          those threads: they take jobs, fairly to the uids that have asked for them
 *   people.c        users with their credentials as they are known in memory
 *   edit.c          a change to their records: one transaction, one log entry, and memory after it
 *   authorisation.c who may sign now
 *   policy.c        whether a key signs: a pure function, of what facts.c gathers
 *   refusals.c      how many refusals the log takes
 *   loop.c          which thread serves
 *   approval.c      logins that wait for their owner's word
 *   events.c        what happens to users, and who waits for it
 *   trail.c         an entry of the log
 *   account.c       how an account begins, and what is given up of one
 *   login.c, enrol.c, sign.c, user.c, erase.c, pin_init.c, token_init.c, factor.c, key.c, key_make.c, certificate.c,
 *   certificate_request.c, crl.c, token_object.c, look.c, log.c, status.c   the operations
 *   timestamp.c     timestamps, as sign.c signs; authority.c with which key and promises, authority_key.c that key in the HSM
 *   together.c      what sign.c and timestamp.c have in common: signing and recording at the same time
 *   vault.c         PINs, seals and blobs: all that needs the HSM but signing
 *
 * Locks: `lock` guards what is in memory (people, authorisations, counters) and is never held across a call to the HSM, the
 * ledger or a client. Records are changed through the ledger first, in memory only once they are durable.
 */
#ifndef TP_ENGINE_INTERNAL_H
#define TP_ENGINE_INTERNAL_H

#include "audit/action.h"
#include "audit/ledger.h"
#include "authn/permit.h"
#include "authn/tries.h"
#include "engine/engine_conf.h"
#include "engine/pool.h"
#include "engine/records.pb-c.h"
#include "hsm/hsm.h"
#include "ipc/server.h"
#include "tsa/clock.h"
#include "tsa/serial.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uthash.h>

#define TP_SUBJECT_LEN 32
#define TP_SALT_LEN 16
#define TP_ORIGIN_LEN 128
#define TP_TOKEN_LABEL_LEN 32 /* bytes: CK_TOKEN_INFO.label */
#define TP_COMMIT_WAIT_MS 20000
#define TP_EVENTS_KEPT 256

struct tp_authorisation;
struct tp_authority;
struct tp_refuser;
struct tp_user;
struct tp_waiting;
struct tp_watcher;

/* A credential as it is known in memory. Belongs to its user. `record` and what is derived from it change only under the
 * engine's lock. */
struct tp_credential {
    char id[TP_ID_LEN];
    struct tp_user *user;
    uint64_t version;
    char label[TP_STORE_NAME_MAX + 1];
    Tp__Engine__Key *record;
    /* derived, for policy and signing */
    unsigned key_bits, key_usage;
    bool certificate_matches;
    int64_t not_before_ms, not_after_ms;
    struct tp_credential *next; /* of the same user */
    UT_hash_handle hh;          /* engine->credentials */
};

/* What programs keep beside keys; of the user. */
struct tp_beside {
    char id[TP_ID_LEN];
    uint64_t version;
    Tp__Engine__Object *record;
    struct tp_beside *next;
};

/* A user as known in memory: there while somebody holds a reference, and some time longer. */
struct tp_user {
    char id[TP_ID_LEN];
    char name[TP_STORE_NAME_MAX + 1];
    uint64_t version;
    Tp__Engine__User *record;
    uint8_t subject[TP_SUBJECT_LEN];
    struct tp_credential *credentials, **credentials_end; /* all of them, oldest first; loaded with the user */
    struct tp_beside *beside, **beside_end; /* likewise */
    uint64_t objects;                  /* generation for TOKEN and OBJECTS */
    unsigned references;
    pthread_mutex_t turn;        /* one login, enrolment or change at a time: tp_people_turn */
    bool doubtful;               /* the turn's: what is in memory may not be what the store holds */
    bool gone;                   /* the turn's: erased; only those who hold a reference still see it */
    struct tp_bucket stale;      /* used codes, not counted but limited */
    int64_t wait_until_ms;       /* monotonic: no login before, after too many of them */
    struct tp_authorisation *authorisations;
    struct tp_user *idle_previous, *idle_next; /* without references, oldest first */
    UT_hash_handle hh;           /* engine->users, by name */
};

enum tp_scope { TP_SCOPE_PROCESS, TP_SCOPE_UID };

struct tp_authorisation {
    char id[TP_ID_LEN];
    struct tp_user *user; /* a reference */
    enum tp_scope scope;
    uid_t uid;
    pid_t pid;
    uint64_t pid_started;
    int64_t opened_ms, until_ms; /* monotonic */
    uint32_t granted, used;      /* signatures; granted 0: not limited */
    char credential[TP_ID_LEN];  /* for one signature with this one, which always authenticates; "": for all others */
    bool lent;                   /* what opened it has opened one of those as well */
    struct tp_secret *secret;    /* the sealing key, then the proofs of what was given: see authorisation.c */
    uint32_t under_way;          /* signatures decided, not answered yet */
    bool orphan;                 /* its process has closed its last connection: has it ended? */
    struct tp_authorisation *user_next;
    UT_hash_handle hh; /* engine->authorisations */
};

struct tp_loop {
    struct tp_job job; /* first: the pool's view of it */
    struct tp_engine *engine;
    bool many_processors;
    atomic_bool brisk;        /* the last lone request came as soon as the one before was done */
    atomic_llong ended_us;    /* when that was; monotonic */
    atomic_llong quiet_until_us; /* others want the processors: no lingering before */
    pthread_mutex_t lock; /* of what is below */
    pthread_cond_t changed;
    bool ended;
    enum tp_rc rc;
    struct tp_error error;
};

/* What the ledger needs of the HSM (vault.c). */
struct tp_vault {
    struct tp_hsm *hsm;
    struct tp_ledger *ledger; /* for the checkpoint key's record */
    struct tp_buf checkpoint_blob, checkpoint_spki; /* as made by create, or read from its record */
};

struct tp_counters {
    atomic_uint_fast64_t signatures, timestamps, refusals;
};

/* Something that happened to a user, and how things are since. */
struct tp_event {
    uint64_t mark; /* random: where a client goes on that has been told this one */
    bool present, enrolled, locked, suspended;
    char id[TP_ID_LEN];
    char name[TP_STORE_NAME_MAX + 1];
};

struct tp_events {
    uint64_t count;      /* so far; the newest TP_EVENTS_KEPT of them are kept */
    uint64_t first_mark; /* where a client goes on that was here before the first one */
    struct tp_event ring[TP_EVENTS_KEPT];
    struct tp_watcher *watchers; /* newest first */
};

/* The timestamp authority, where there is one (authority.h). */
struct tp_timestamps {
    bool wanted;                  /* engine.conf has a key for it */
    struct tp_tsa_clock *clock;
    struct tp_tsa_serials serials;
    atomic_uint signing;          /* tokens that are not signed yet */
    atomic_bool no_room;          /* less than the reserve is left, as the last tick found it */
    struct tp_authority *authority; /* the present key; NULL: none that is usable. Under the engine's lock */
    char why_not[TP_ERROR_WORDS_LEN];
};

struct tp_engine {
    struct tp_engine_conf conf;
    bool spawned;
    int lock_fd; /* lock_file.h */
    int64_t ticked_ms; /* monotonic; the server's thread only */
    size_t orphans_seen; /* likewise: how many of them the ticks have looked at in this round */
    int64_t started_ms; /* UTC */
    char origin[TP_ORIGIN_LEN]; /* of the log: its checkpoints' first line */
    struct tp_hsm *hsm;
    struct tp_hsm_abilities abilities;
    struct tp_vault vault;
    struct tp_ledger *ledger;
    void (*tell_tampered)(const char *words); /* or NULL */
    bool told_tampered;
    struct tp_timestamps timestamps;
    struct tp_ipc_server *server;
    struct tp_pool *signers;  /* the hot path, and the server's loop */
    struct tp_loop loop;
    struct tp_pool *logins;   /* what stretches PINs or makes keys */
    struct tp_pool *office;   /* everything else */
    struct tp_counters counters;
    pthread_mutex_t sweep; /* before any user's turn: one at a time, whatever looks at many records and changes some by it */
    struct tp_secret *proof_key; /* of this process's life: see authorisation.c */

    pthread_mutex_t lock; /* guards what is below */
    struct tp_user *users;
    struct tp_user *idle_first, *idle_last;
    unsigned idle_len;
    struct tp_credential *credentials;
    struct tp_authorisation *authorisations;
    struct tp_refuser *refusers; /* refusals.h */
    struct tp_waiting *waiting;  /* approval.h; newest first */
    uint64_t objects_clock; /* source of generations */
    struct tp_events events; /* events.h */
    bool clock_synchronised; /* both refreshed by the server's tick: asking the kernel for each signature costs more */
    unsigned local_hour;
};

#endif
