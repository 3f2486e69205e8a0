/* SPDX-License-Identifier: Apache-2.0 */
#include "forge.h"
#include "base/crypto.h"
#include "pdf/security.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OK(call) cr_assert_eq((call), TP_OK, "%s", error.words)

static struct tp_pdf_pool *pool;
static struct tp_error error;

static void setup(void)
{
    cr_assert_eq(tp_pdf_pool_new(NULL, &error, &pool), TP_OK);
}

static void teardown(void)
{
    tp_pdf_pool_free(pool);
}

TestSuite(update, .init = setup, .fini = teardown, .timeout = 60);

/* A document, and what it becomes. */
struct trial {
    struct tp_buf before, after;
    struct tp_pdf_document *document;
    struct tp_pdf_update *update;
    struct tp_pdf_arena *arena;
    int in, out;
    struct tp_pdf_written written;
    uint8_t digest[64];
    struct tp_pdf_ref signature, stream;
    struct tp_secret *password;
};

static struct tp_secret *secret_of(const char *password)
{
    struct tp_secret *secret = NULL;
    if (password != NULL)
        OK(tp_secret_new_copy(tp_bytes_of_string(password), &secret));
    return secret;
}

static void trial_begin(struct trial *trial, struct tp_buf before, const char *password)
{
    *trial = (struct trial){.before = before, .password = secret_of(password)};
    trial->in = forge_file(tp_buf_bytes(&before));
    trial->out = forge_file(TP_BYTES_NONE);
    OK(tp_pdf_document_open(pool, trial->in, 0, trial->password, &error, &trial->document));
    OK(tp_pdf_update_new(trial->document, &error, &trial->update));
    trial->arena = tp_pdf_document_arena(trial->document);
}

static void trial_end(struct trial *trial)
{
    tp_pdf_update_free(trial->update);
    tp_pdf_document_close(trial->document);
    tp_buf_clear(&trial->before), tp_buf_clear(&trial->after);
    tp_secret_free(trial->password);
    (void)close(trial->in), (void)close(trial->out);
}

/* A signature and a stream that the catalog refers to. */
static void trial_put(struct trial *trial)
{
    struct tp_pdf_arena *arena = trial->arena;
    const struct tp_pdf_ref root = tp_pdf_ref(tp_pdf_get(tp_pdf_document_trailer(trial->document), "Root"));
    const struct tp_pdf_value *catalog = NULL;
    const struct tp_pdf_value *signature =
        tp_pdf_with(arena, tp_pdf_new_dictionary(arena), "Reason", tp_pdf_new_text(arena, "because (山)"));
    trial->signature = tp_pdf_update_new_ref(trial->update);
    trial->stream = tp_pdf_update_new_ref(trial->update);
    OK(tp_pdf_update_put_signature(trial->update, trial->signature, signature, 100, &error));
    OK(tp_pdf_update_put_stream(trial->update, trial->stream, tp_pdf_new_dictionary(arena),
                                tp_bytes_of_string("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), true, &error));
    OK(tp_pdf_update_object(trial->update, root, &error, &catalog));
    catalog = tp_pdf_with(arena, catalog, "NewSignature", tp_pdf_new_ref(arena, trial->signature));
    catalog = tp_pdf_with(arena, catalog, "NewStream", tp_pdf_new_ref(arena, trial->stream));
    OK(tp_pdf_update_put(trial->update, root, catalog, &error));
}

static void trial_write(struct trial *trial)
{
    OK(tp_pdf_update_write(trial->update, trial->out, "SHA256", &error, &trial->written, trial->digest));
    tp_buf_clear(&trial->after);
    trial->after = forge_read(trial->out);
}

static void assert_ranges(const struct trial *trial)
{
    const uint64_t *range = trial->written.byte_range;
    uint8_t digest[32];
    cr_assert_eq(range[0], 0);
    cr_assert_eq(trial->after.data[range[1]], '<');
    cr_assert_eq(trial->after.data[range[2] - 1], '>');
    cr_assert_eq(range[2] + range[3], trial->after.len);
    cr_assert_eq(trial->written.length, trial->after.len);
    cr_assert_eq(tp_sha256(TP_BYTES(trial->after.data, range[1]), TP_BYTES(trial->after.data + range[2], range[3]),
                           TP_BYTES_NONE, digest),
                 TP_OK);
    cr_assert_arr_eq(digest, trial->digest, 32);
}

static void assert_reads_back(const struct trial *trial)
{
    struct tp_pdf_document *document = NULL;
    const struct tp_pdf_value *signature = NULL;
    struct tp_buf text = TP_BUF_INIT, data = TP_BUF_INIT;
    OK(tp_pdf_document_open(pool, trial->out, 0, trial->password, &error, &document));
    cr_assert(!tp_pdf_document_facts(document)->repaired);
    OK(tp_pdf_document_object(document, trial->signature, &error, &signature));
    OK(tp_pdf_text(tp_pdf_bytes(tp_pdf_get(signature, "Reason")), &text));
    cr_assert_str_eq(tp_buf_string(&text), "because (山)");
    cr_assert_eq((uint64_t)tp_pdf_integer(tp_pdf_at(tp_pdf_get(signature, "ByteRange"), 3), 0), trial->written.byte_range[3]);
    cr_assert_eq(tp_pdf_bytes(tp_pdf_get(signature, "Contents")).len, 100);
    OK(tp_pdf_document_stream(document, trial->stream, &error, &data));
    cr_assert_eq(data.len, 51);
    tp_buf_clear(&text), tp_buf_clear(&data);
    tp_pdf_document_close(document);
}

static bool is_in_update(const struct trial *trial, const char *words)
{
    const size_t before = trial->before.len;
    return memmem(trial->after.data + before, trial->after.len - before, words, strlen(words)) != NULL;
}

static int run(const struct trial *trial, const char *before, const char *after)
{
    char command[512];
    const struct tp_bytes password = tp_secret_bytes(trial->password);
    (void)snprintf(command, sizeof(command), "%s'%.*s' %s", before, (int)password.len, (const char *)password.data, after);
    return forge_run(command, trial->out);
}

static void assert_good(const struct trial *trial)
{
    cr_assert(trial->after.len > trial->before.len);
    cr_assert_arr_eq(trial->after.data, trial->before.data, trial->before.len);
    assert_ranges(trial);
    assert_reads_back(trial);
    cr_assert_eq(run(trial, "qpdf --check --password=", "%s > /dev/null"), 0);
    cr_assert_eq(run(trial, "pdftotext -upw ", "%s - | tr -d '\\f\\n' | grep -qx 'firstsecond'"), 0);
}

Test(update, keeps_the_documents_bytes_and_its_form)
{
    static const char *const versions[] = {"1.0", "1.3", "1.5", "1.7", "2.0"};
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
        for (enum forge_form form = FORGE_TABLE; form <= FORGE_HYBRID; form++) {
            struct trial trial;
            trial_begin(&trial, forge_document(versions[i], form), NULL);
            trial_put(&trial);
            trial_write(&trial);
            assert_good(&trial);
            cr_assert_eq(is_in_update(&trial, "\nxref\n"), form != FORGE_STREAM);
            cr_assert(!is_in_update(&trial, "/XRefStm"));
            trial_end(&trial);
        }
}

/* ---- encrypted ---- */

static const char *const ciphers[] = {
    "40", "128 --use-aes=n", "128 --use-aes=y", "128 --use-aes=y --cleartext-metadata", "128 --force-V4 --use-aes=n",
    "256", "256 --force-R5", "256 --cleartext-metadata",
};
#define CIPHERS_LEN (sizeof(ciphers) / sizeof(ciphers[0]))

static struct tp_buf encrypted(const char *passwords, const char *cipher, const char *more)
{
    char options[128];
    struct tp_buf plain = forge_document("1.7", FORGE_STREAM);
    (void)snprintf(options, sizeof(options), "%s %s %s", passwords, cipher, more);
    struct tp_buf made = forge_encrypt(tp_buf_bytes(&plain), options);
    tp_buf_clear(&plain);
    return made;
}

static void assert_encrypted_is_good(const char *passwords, const char *cipher, const char *password)
{
    struct trial trial;
    trial_begin(&trial, encrypted(passwords, cipher, ""), password);
    trial_put(&trial);
    trial_write(&trial);
    assert_ranges(&trial);
    assert_reads_back(&trial);
    cr_assert_eq(run(&trial, "qpdf --check --password=", "%s > /dev/null"), 0, "%s", cipher);
    cr_assert(!is_in_update(&trial, "because"), "%s", cipher);
    trial_end(&trial);
}

Test(update, encrypts_with_the_documents_key)
{
    for (size_t i = 0; i < CIPHERS_LEN; i++) {
        assert_encrypted_is_good("user owner", ciphers[i], "user");
        assert_encrypted_is_good("user owner", ciphers[i], "owner");
        assert_encrypted_is_good("'' owner", ciphers[i], NULL);
    }
}

Test(update, others_read_what_was_encrypted)
{
    for (size_t i = 0; i < CIPHERS_LEN; i++) {
        struct trial trial;
        trial_begin(&trial, encrypted("user owner", ciphers[i], ""), "user");
        trial_put(&trial);
        trial_write(&trial);
        cr_assert_eq(run(&trial, "pdftotext -upw ", "%s - | tr -d '\\f\\n' | grep -qx 'firstsecond'"), 0, "%s", ciphers[i]);
        char command[256];
        (void)snprintf(command, sizeof(command), "qpdf --password=user --show-object=%u %%s | grep -q '/Reason <feff0062'",
                       trial.signature.id);
        cr_assert_eq(forge_run(command, trial.out), 0, "%s", ciphers[i]);
        (void)snprintf(command, sizeof(command),
                       "qpdf --password=user --show-object=%u --filtered-stream-data %%s | grep -q aaaaaa", trial.stream.id);
        cr_assert_eq(forge_run(command, trial.out), 0, "%s", ciphers[i]);
        trial_end(&trial);
    }
}

Test(update, passwords_beyond_ascii_are_those_of_other_programs)
{
    assert_encrypted_is_good("'z\xC3\xBCrich' owner", "256", "z\xC3\xBCrich");
    assert_encrypted_is_good("'z\xFCrich' owner", "128 --use-aes=y", "z\xC3\xBCrich");
}

Test(update, a_wrong_password_is_refused)
{
    static const char *const wrong[] = {NULL, "", "User", "userx", "use"};
    for (size_t i = 0; i < CIPHERS_LEN; i++)
        for (size_t j = 0; j < sizeof(wrong) / sizeof(wrong[0]); j++) {
            struct tp_buf bytes = encrypted("user owner", ciphers[i], "");
            struct tp_pdf_document *document = NULL;
            struct tp_secret *password = secret_of(wrong[j]);
            const int fd = forge_file(tp_buf_bytes(&bytes));
            cr_assert_eq(tp_pdf_document_open(pool, fd, 0, password, &error, &document), TP_PIN_WRONG);
            tp_secret_free(password);
            tp_buf_clear(&bytes);
            (void)close(fd);
        }
}

Test(update, a_length_of_the_key_that_is_not_said_is_128)
{
    struct trial trial;
    struct tp_buf bytes = encrypted("user owner", "128 --use-aes=n", "");
    memcpy(memmem(bytes.data, bytes.len, "/Length 128 /O", 14), "/Xength", 7);
    trial_begin(&trial, bytes, "owner");
    trial_put(&trial);
    trial_write(&trial);
    assert_reads_back(&trial);
    trial_end(&trial);
}

Test(update, an_algorithm_that_the_key_does_not_fit_is_refused)
{
    static const char *const rows[][3] = {{"128 --use-aes=y", "/CFM /AESV2", "/CFM /AESV3"},
                                          {"256", "/CFM /AESV3", "/CFM /AESV2"},
                                          {"256", "/CFM /AESV3", "/CFM /AESV9"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tp_buf bytes = encrypted("'' owner", rows[i][0], "");
        struct tp_pdf_document *document = NULL;
        struct tp_pdf_update *update = NULL;
        memcpy(memmem(bytes.data, bytes.len, rows[i][1], 11), rows[i][2], 11);
        const int fd = forge_file(tp_buf_bytes(&bytes));
        enum tp_rc rc = tp_pdf_document_open(pool, fd, 0, NULL, &error, &document);
        if (rc == TP_OK)
            rc = tp_pdf_update_new(document, &error, &update);
        cr_assert_eq(rc, TP_UNSUPPORTED, "%zu: %s", i, error.words);
        tp_pdf_document_close(document);
        tp_buf_clear(&bytes);
        (void)close(fd);
    }
}

/* The key is looked for by other code than what opens the document: it must not believe that code. */
Test(update, the_key_itself_knows_a_wrong_password)
{
    for (size_t i = 0; i < CIPHERS_LEN; i++) {
        struct trial trial;
        struct tp_pdf_security *security = NULL;
        struct tp_secret *wrong = secret_of("wrong"), *right = secret_of("owner");
        trial_begin(&trial, encrypted("user owner", ciphers[i], ""), "user");
        cr_assert_eq(tp_pdf_security_new(trial.document, wrong, &error, &security), TP_PIN_WRONG);
        cr_assert_eq(tp_pdf_security_new(trial.document, NULL, &error, &security), TP_PIN_WRONG);
        OK(tp_pdf_security_new(trial.document, right, &error, &security));
        tp_pdf_security_free(security);
        tp_secret_free(wrong), tp_secret_free(right);
        trial_end(&trial);
    }
}

/* ---- one after the other ---- */

Test(update, an_update_of_an_update_leaves_the_first_as_it_was)
{
    for (enum forge_form form = FORGE_TABLE; form <= FORGE_HYBRID; form++) {
        struct trial first, second;
        trial_begin(&first, forge_document("1.7", form), NULL);
        trial_put(&first);
        trial_write(&first);
        trial_begin(&second, forge_read(first.out), NULL);
        cr_assert_eq(tp_pdf_document_facts(second.document)->size, form == FORGE_TABLE ? 13 : form == FORGE_STREAM ? 15 : 14);
        trial_put(&second);
        trial_write(&second);
        assert_good(&second);
        trial_end(&first), trial_end(&second);
    }
}

Test(update, a_revision_is_opened_by_its_end)
{
    struct trial trial;
    struct tp_pdf_document *before = NULL;
    const struct tp_pdf_value *catalog = NULL;
    trial_begin(&trial, forge_document("1.7", FORGE_TABLE), NULL);
    trial_put(&trial);
    trial_write(&trial);
    OK(tp_pdf_document_open(pool, trial.out, trial.before.len, NULL, &error, &before));
    OK(tp_pdf_document_object(before, (struct tp_pdf_ref){1, 0}, &error, &catalog));
    cr_assert_null(tp_pdf_get(catalog, "NewSignature"));
    cr_assert_eq(tp_pdf_document_facts(before)->startxref, tp_pdf_document_facts(trial.document)->startxref);
    tp_pdf_document_close(before);
    trial_end(&trial);
}

Test(update, a_document_in_object_streams_without_a_last_newline)
{
    struct trial trial;
    struct tp_buf plain = forge_document("1.7", FORGE_TABLE);
    const int from = forge_file(tp_buf_bytes(&plain)), to = forge_file(TP_BYTES_NONE);
    char command[128];
    (void)snprintf(command, sizeof(command), "qpdf --object-streams=generate --linearize %%s - > /proc/%d/fd/%d",
                   (int)getpid(), to);
    cr_assert_eq(forge_run(command, from), 0);
    struct tp_buf packed = forge_read(to);
    packed.len -= packed.data[packed.len - 1] == '\n' ? 1 : 0;
    trial_begin(&trial, packed, NULL);
    trial_put(&trial);
    trial_write(&trial);
    cr_assert_eq(trial.after.data[trial.before.len], '\n');
    cr_assert_arr_eq(trial.after.data, trial.before.data, trial.before.len);
    assert_ranges(&trial);
    assert_reads_back(&trial);
    cr_assert_eq(forge_run("qpdf --check %s > /dev/null 2>&1; test $? != 2", trial.out), 0); /* 3: no longer linearized */
    trial_end(&trial);
    tp_buf_clear(&plain);
    (void)close(from), (void)close(to);
}

Test(update, generations_are_kept)
{
    struct trial trial;
    struct forge forge;
    forge_begin(&forge, "1.4");
    forge_object(&forge, 1, "<< /Type /Catalog /Pages 2 7 R >>");
    forge_object(&forge, 2, "<< /Type /Pages /Kids [] /Count 0 >>");
    forge_end(&forge, FORGE_TABLE, "/Root 1 0 R");
    memcpy(memmem(forge.text.data, forge.text.len, "2 0 obj", 7), "2 7 obj", 7);
    char *entry = memmem(forge.text.data, forge.text.len, "00000 n \ntrailer", 16);
    memcpy(entry, "00007", 5);
    trial_begin(&trial, forge.text, NULL);
    OK(tp_pdf_update_put(trial.update, (struct tp_pdf_ref){2, 7}, tp_pdf_new_dictionary(trial.arena), &error));
    trial_write(&trial);
    cr_assert(is_in_update(&trial, "2 7 obj"));
    cr_assert(is_in_update(&trial, " 00007 n \n"));
    cr_assert(is_in_update(&trial, "/ID [")); /* it had none */
    trial_end(&trial);
}

Test(update, an_encrypted_document_without_an_id_gets_none)
{
    struct trial trial;
    struct tp_buf bytes = encrypted("user owner", "256", "");
    char *id = memmem(bytes.data, bytes.len, "/ID [", 5);
    memcpy(id, "/XX [", 5);
    trial_begin(&trial, bytes, "user");
    trial_put(&trial);
    trial_write(&trial);
    cr_assert(!is_in_update(&trial, "/ID ["));
    cr_assert(is_in_update(&trial, "/Encrypt "));
    assert_reads_back(&trial);
    trial_end(&trial);
}

/* What is large is hashed by a thread of its own. */
Test(update, a_large_document_is_hashed_as_a_small_one)
{
    static const size_t sizes[] = {((size_t)4 << 20) - 4096, (size_t)4 << 20, ((size_t)9 << 20) + 77};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct trial trial;
        struct forge forge;
        uint8_t *data = calloc(1, sizes[i]);
        for (size_t at = 0; at < sizes[i]; at++)
            data[at] = (uint8_t)(at * at >> 7);
        forge_begin(&forge, "1.7");
        forge_object(&forge, 1, "<< /Type /Catalog /Pages 2 0 R /Data 3 0 R >>");
        forge_object(&forge, 2, "<< /Type /Pages /Kids [] /Count 0 >>");
        forge_stream(&forge, 3, "", TP_BYTES(data, sizes[i]));
        forge_end(&forge, FORGE_TABLE, "/Root 1 0 R");
        trial_begin(&trial, forge.text, NULL);
        trial_put(&trial);
        trial_write(&trial);
        cr_assert_arr_eq(trial.after.data, trial.before.data, trial.before.len);
        assert_ranges(&trial);
        const int full = open("/dev/full", O_RDWR);
        cr_assert_eq(tp_pdf_update_write(trial.update, full, "SHA256", &error, &trial.written, trial.digest), TP_STORE_FULL);
        (void)close(full);
        trial_end(&trial);
        free(data);
    }
}

/* ---- what is refused ---- */

Test(update, a_full_disk_is_said)
{
    struct trial trial;
    const int full = open("/dev/full", O_RDWR);
    trial_begin(&trial, forge_document("1.7", FORGE_TABLE), NULL);
    trial_put(&trial);
    cr_assert_eq(tp_pdf_update_write(trial.update, full, "SHA256", &error, &trial.written, trial.digest), TP_STORE_FULL);
    trial_write(&trial); /* elsewhere it still works */
    assert_good(&trial);
    trial_end(&trial);
    (void)close(full);
}

Test(update, a_document_is_not_written_over_itself)
{
    struct trial trial;
    trial_begin(&trial, forge_document("1.7", FORGE_TABLE), NULL);
    trial_put(&trial);
    cr_assert_eq(tp_pdf_update_write(trial.update, trial.in, "SHA256", &error, &trial.written, trial.digest), TP_BAD_ARGUMENT);
    struct tp_buf after = forge_read(trial.in);
    cr_assert(tp_bytes_equal(tp_buf_bytes(&after), tp_buf_bytes(&trial.before)));
    tp_buf_clear(&after);
    trial_end(&trial);
}

Test(update, objects_that_cannot_be_are_refused)
{
    struct trial trial;
    trial_begin(&trial, forge_document("1.7", FORGE_TABLE), NULL);
    const struct tp_pdf_value *value = tp_pdf_new_dictionary(trial.arena), *deep = tp_pdf_new_array(trial.arena);
    const struct tp_pdf_ref ref = tp_pdf_update_new_ref(trial.update), beyond = {ref.id + 1, 0};
    for (int i = 0; i <= TP_PDF_DEPTH_MAX; i++)
        deep = tp_pdf_with_item(trial.arena, tp_pdf_new_array(trial.arena), deep);
    cr_assert_eq(tp_pdf_update_put(trial.update, (struct tp_pdf_ref){0, 0}, value, &error), TP_BAD_ARGUMENT);
    cr_assert_eq(tp_pdf_update_put(trial.update, beyond, value, &error), TP_BAD_ARGUMENT);
    cr_assert_eq(tp_pdf_update_put(trial.update, ref, NULL, &error), TP_MEMORY);
    cr_assert_eq(tp_pdf_update_put(trial.update, ref, deep, &error), TP_TOO_LARGE);
    cr_assert_eq(tp_pdf_update_put_stream(trial.update, ref, deep, TP_BYTES_NONE, false, &error), TP_BAD_ARGUMENT);
    cr_assert_eq(tp_pdf_update_put_signature(trial.update, ref, deep, 10, &error), TP_BAD_ARGUMENT);
    cr_assert_eq(tp_pdf_update_put_signature(trial.update, ref, value, 0, &error), TP_BAD_ARGUMENT);
    OK(tp_pdf_update_put_signature(trial.update, ref, value, 10, &error));
    OK(tp_pdf_update_put_signature(trial.update, ref, value, 20, &error)); /* the same with more room */
    cr_assert_eq(tp_pdf_update_put_signature(trial.update, tp_pdf_update_new_ref(trial.update), value, 10, &error), TP_EXISTS);
    cr_assert_eq(tp_pdf_update_write(trial.update, trial.out, "NO-SUCH", &error, &trial.written, trial.digest),
                 TP_BAD_ARGUMENT);
    trial_end(&trial);
}

Test(update, contents_are_filled_in_or_do_not_fit)
{
    struct trial trial;
    uint8_t contents[101];
    memset(contents, 0xAB, sizeof(contents));
    trial_begin(&trial, forge_document("1.7", FORGE_TABLE), NULL);
    trial_put(&trial);
    trial_write(&trial);
    cr_assert_eq(tp_pdf_contents_fill(trial.out, &trial.written, TP_BYTES(contents, 101), &error), TP_TOO_LARGE);
    struct tp_buf same = forge_read(trial.out);
    cr_assert(tp_bytes_equal(tp_buf_bytes(&same), tp_buf_bytes(&trial.after)));
    OK(tp_pdf_contents_fill(trial.out, &trial.written, TP_BYTES(contents, 100), &error));
    OK(tp_pdf_contents_fill(trial.out, &trial.written, TP_BYTES(contents, 99), &error));
    tp_buf_clear(&same), tp_buf_clear(&trial.after);
    trial.after = forge_read(trial.out);
    assert_good(&trial); /* what is hashed has not changed */
    const char *at = (const char *)trial.after.data + trial.written.contents_at;
    cr_assert_eq(strncmp(at, "<abab", 5), 0);
    cr_assert_eq(strncmp(at + 199 - 2, "ab00>", 5), 0);
    trial_end(&trial);
}

/* A new object in the place of an old one is what is asked for from then on. */
Test(update, objects_are_as_put)
{
    struct trial trial;
    const struct tp_pdf_value *value = NULL;
    trial_begin(&trial, forge_document("1.7", FORGE_TABLE), NULL);
    OK(tp_pdf_update_object(trial.update, (struct tp_pdf_ref){8, 0}, &error, &value));
    cr_assert_eq(tp_pdf_len(value), 2);
    OK(tp_pdf_update_put(trial.update, (struct tp_pdf_ref){8, 0}, tp_pdf_with(trial.arena, value, "Title", NULL), &error));
    OK(tp_pdf_update_object(trial.update, (struct tp_pdf_ref){8, 0}, &error, &value));
    cr_assert_eq(tp_pdf_len(value), 1);
    OK(tp_pdf_update_object(trial.update, (struct tp_pdf_ref){8, 1}, &error, &value));
    cr_assert_eq(tp_pdf_kind(value), TP_PDF_NULL);
    trial_end(&trial);
}
