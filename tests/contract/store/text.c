/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts that can be erased.
 */
#include "fixture.h"

static const uint8_t hash[TP_STORE_HASH_LEN] = {1, 2, 3};
static const uint8_t other_hash[TP_STORE_HASH_LEN] = {1, 2, 4};

static void put(struct store_fixture *f, const uint8_t *of, const char *salt, const char *text)
{
    MUST(tp_store_begin(f->store, &f->error));
    MUST(tp_store_text_put(f->store, of, tp_bytes_of_string(salt), tp_bytes_of_string(text), &f->error));
    MUST(tp_store_commit(f->store, &f->error));
}

static void erase(struct store_fixture *f, const uint8_t *of)
{
    MUST(tp_store_begin(f->store, &f->error));
    MUST(tp_store_text_erase(f->store, of, &f->error));
    MUST(tp_store_commit(f->store, &f->error));
}

static bool is(struct store_fixture *f, const uint8_t *of, const char *salt, const char *text)
{
    struct tp_buf got_salt TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_buf got_text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;

    MUST(tp_store_text_get(f->store, of, &f->error, &got_salt, &got_text));
    return strcmp(tp_buf_string(&got_salt), salt) == 0 && strcmp(tp_buf_string(&got_text), text) == 0;
}

static bool is_gone(struct store_fixture *f, const uint8_t *of)
{
    struct tp_buf salt TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;

    ANSWERS(TP_NOT_FOUND, tp_store_text_get(f->store, of, &f->error, &salt, &text));
    return salt.len == 0 && text.len == 0;
}

CONTRACT(store_text, comes_back_with_its_salt)
{
    put(f, hash, "salt", "Erika Mustermann");
    put(f, other_hash, "", "");
    cr_assert(is(f, hash, "salt", "Erika Mustermann"));
    cr_assert(is(f, other_hash, "", ""));
}

CONTRACT(store_text, put_twice_is_one)
{
    put(f, hash, "salt", "text");
    put(f, hash, "salt", "text");
    cr_assert(is(f, hash, "salt", "text"));
    erase(f, hash);
    cr_assert(is_gone(f, hash));
}

CONTRACT(store_text, erased_is_gone_and_its_neighbour_stays)
{
    put(f, hash, "salt", "text");
    put(f, other_hash, "other salt", "other text");
    erase(f, hash);
    cr_assert(is_gone(f, hash));
    cr_assert(is(f, other_hash, "other salt", "other text"));
}

CONTRACT(store_text, that_is_not_there_cannot_be_got_or_erased)
{
    cr_assert(is_gone(f, hash));
    put(f, hash, "salt", "text");
    MUST(tp_store_begin(f->store, &f->error));
    ANSWERS(TP_NOT_FOUND, tp_store_text_erase(f->store, other_hash, &f->error));
    MUST(tp_store_text_erase(f->store, hash, &f->error));
    ANSWERS(TP_NOT_FOUND, tp_store_text_erase(f->store, hash, &f->error));
    MUST(tp_store_commit(f->store, &f->error));
}

CONTRACT(store_text, whose_erasure_is_rolled_back_is_there)
{
    put(f, hash, "salt", "text");
    MUST(tp_store_begin(f->store, &f->error));
    MUST(tp_store_text_erase(f->store, hash, &f->error));
    tp_store_rollback(f->store);
    cr_assert(is(f, hash, "salt", "text"));
}

CONTRACT(store_text, may_be_put_again_after_erasure)
{
    put(f, hash, "salt", "text");
    erase(f, hash);
    put(f, hash, "salt", "text");
    cr_assert(is(f, hash, "salt", "text"));
}

CONTRACT(store_text, is_erased_while_somebody_reads)
{
    struct tp_store *reader = store_again(f, TP_STORE_READ);
    uint64_t end = 0;

    put(f, hash, "salt", "text");
    MUST(tp_store_begin(reader, &f->error));
    MUST(tp_store_entry_end(reader, &f->error, &end));
    erase(f, hash);
    cr_assert(is_gone(f, hash));
    tp_store_close(reader);
}
