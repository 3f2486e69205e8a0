/* SPDX-License-Identifier: Apache-2.0
 *
 * A program that has the module inside and behaves as foreign programs do: it forks, closes its descriptors, confines
 * itself, uses the module while it exits. One scenario a run:
 *
 *   guest SCENARIO MODULE TOKEN KEY [FOLDER]      the PIN in $TP_PIN: alone, with a login open (`trustp11 login`)
 *
 * Status 0: everything held; 1: something did not, said on standard error. It has no library in common with the module:
 * libcrypto is there only where a scenario brings it in.
 */
#ifndef TP_GUEST_H
#define TP_GUEST_H

#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct guest {
    const char *path, *token, *key, *pin, *folder;
    void *library;
    CK_FUNCTION_LIST *p11;
};
extern struct guest guest;

/* Ends the process with 1 unless it holds; without exit handlers, which some scenarios are about. */
#define HOLDS(condition) guest_holds((condition), __FILE__, __LINE__, #condition)
void guest_holds(bool condition, const char *file, int line, const char *words);
#define IS(call, wanted) guest_is((call), (wanted), __FILE__, __LINE__, #call)
void guest_is(CK_RV rv, CK_RV wanted, const char *file, int line, const char *words);

/* ---- the module ---- */

CK_FUNCTION_LIST *guest_list(void *library);
void guest_load(void);       /* and no C_Initialize */
void guest_initialize(void); /* and what comes before */
CK_SESSION_HANDLE guest_open(CK_FUNCTION_LIST *p11);
CK_RV guest_login(CK_FUNCTION_LIST *p11, CK_SESSION_HANDLE session);
CK_RV guest_find(CK_FUNCTION_LIST *p11, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *ret_key);
CK_RV guest_sign(CK_FUNCTION_LIST *p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_BYTE signature[64]);
/* Finds the key, signs, and verifies the signature with the public key. */
void guest_work(CK_FUNCTION_LIST *p11, CK_SESSION_HANDLE session);
/* All of it: initialised, logged in, and a signature. */
CK_SESSION_HANDLE guest_begin(void);

/* ---- the process ---- */

struct guest_holdings {
    size_t descriptors, threads;
};
struct guest_holdings guest_take_stock(void);
/* WORK in a child of fork, which must end well within ten seconds. */
void guest_in_child(void (*work)(void));

/* ---- scenarios ---- */

struct guest_scenario {
    const char *name;
    void (*run)(void);
};
extern const struct guest_scenario guest_confined[], guest_ending[], guest_forking[], guest_many[],
    guest_surroundings[]; /* each ends with a NULL */

#endif
