/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "cli/credential.h"
#include "cli/doctor.h"
#include "pki/certificate.h"

#include <string.h>

#define WORDS_LEN 512

struct look {
    struct tp_cli *cli;
    json_t *list;
    const char *user;
    const Tp__Ipc__ObjectsReply *objects;
};

static void add(const struct look *look, const Tp__Ipc__Credential *key, const char *verdict, const char *what,
                const char *advice)
{
    char words[WORDS_LEN];
    (void)snprintf(words, sizeof words, "%s's key \"%s\" %s", look->user, key->label, what);
    tp_cli_doctor_add(look->cli, look->list, verdict, "certificates", words, advice);
}

static bool is_same(ProtobufCBinaryData a, ProtobufCBinaryData b)
{
    return tp_bytes_equal(TP_BYTES(a.data, a.len), TP_BYTES(b.data, b.len));
}

/* Programs put key and certificate together by their ids. */
static void check_id(const struct look *look, size_t index)
{
    const Tp__Ipc__Credential *key = look->objects->credentials[index];
    if (key->cka_id.len == 0)
        add(look, key, "bad", "has no id: programs do not find its certificate", "make another, with --id");
    for (size_t i = 0; i < index; i++)
        if (is_same(look->objects->credentials[i]->cka_id, key->cka_id))
            add(look, key, "note", "has the id of another key: programs take one of them for the other",
                "trustp11 key delete the one that is not used");
}

static void check_time(const struct look *look, const Tp__Ipc__Credential *key,
                       const struct tp_pki_certificate *certificate)
{
    int64_t now_ms = tp_clock_utc_ms();
    if (now_ms < certificate->not_before_ms)
        add(look, key, "bad", "has a certificate that is not valid yet",
            "see whether this machine's clock is right, and the time zone of its hardware clock");
    else if (now_ms > certificate->not_after_ms)
        add(look, key, "note", "has a certificate that has expired: programs do not offer it, or warn",
            "a new one: trustp11 key csr, then trustp11 cert import");
}

static void check_certificate(const struct look *look, const Tp__Ipc__Credential *key)
{
    struct tp_pki_certificate certificate TP_AUTO(tp_pki_certificate_clear) = {.subject = ""};
    if (key->certificate.len == 0) {
        add(look, key, "note", "has no certificate: Java, GnuPG and NSS do not show it",
            "trustp11 key csr, then trustp11 cert import what the CA makes of it");
        return;
    }
    if (tp_pki_certificate_parse(TP_BYTES(key->certificate.data, key->certificate.len), NULL, &certificate) != TP_OK ||
        !tp_bytes_equal(tp_buf_bytes(&certificate.spki), TP_BYTES(key->spki.data, key->spki.len))) {
        add(look, key, "bad", "has a certificate for another key: what it signs does not verify",
            "trustp11 cert import the right one");
        return;
    }
    check_time(look, key, &certificate);
}

static bool is_usable(const Tp__Ipc__Credential *key)
{
    return strcmp(key->state, "active") == 0;
}

void tp_cli_doctor_keys(struct tp_cli *cli, json_t *list, const char *user)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    if (tp_cli_credentials(cli, (char *)(uintptr_t)user, &reply) != TP_OK)
        return; /* what is wrong with the engine has been said */
    const struct look look = {cli, list, user, (const void *)reply.message};
    for (size_t i = 0; i < look.objects->n_credentials; i++) {
        if (!is_usable(look.objects->credentials[i]))
            continue;
        check_id(&look, i);
        check_certificate(&look, look.objects->credentials[i]);
    }
}
