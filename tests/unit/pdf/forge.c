/* SPDX-License-Identifier: Apache-2.0 */
#include "forge.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define OK(call) cr_assert_eq((call), TP_OK)

void forge_begin(struct forge *forge, const char *version)
{
    *forge = (struct forge){.size = 1};
    OK(tp_buf_printf(&forge->text, "%%PDF-%s\n%%\xE2\xE3\xCF\xD3\n", version));
}

static void begin_object(struct forge *forge, uint32_t id)
{
    cr_assert(id < sizeof(forge->at) / sizeof(forge->at[0]));
    forge->at[id] = forge->text.len;
    forge->size = id >= forge->size ? id + 1 : forge->size;
    OK(tp_buf_printf(&forge->text, "%u 0 obj\n", id));
}

void forge_object(struct forge *forge, uint32_t id, const char *content)
{
    begin_object(forge, id);
    OK(tp_buf_append_string(&forge->text, content));
    OK(tp_buf_append_string(&forge->text, "\nendobj\n"));
}

void forge_stream(struct forge *forge, uint32_t id, const char *entries, struct tp_bytes data)
{
    begin_object(forge, id);
    OK(tp_buf_printf(&forge->text, "<< %s /Length %zu >>\nstream\n", entries, data.len));
    OK(tp_buf_append(&forge->text, data));
    OK(tp_buf_append_string(&forge->text, "\nendstream\nendobj\n"));
}

static uint64_t put_table(struct forge *forge, uint32_t hidden, const char *trailer)
{
    const uint64_t at = forge->text.len;
    OK(tp_buf_printf(&forge->text, "xref\n0 %u\n0000000000 65535 f \n", forge->size));
    for (uint32_t id = 1; id < forge->size; id++)
        if (forge->at[id] == 0 || id == hidden)
            OK(tp_buf_append_string(&forge->text, "0000000000 00000 f \n"));
        else
            OK(tp_buf_printf(&forge->text, "%010llu 00000 n \n", (unsigned long long)forge->at[id]));
    OK(tp_buf_printf(&forge->text, "trailer\n<< /Size %u %s >>\n", forge->size, trailer));
    return at;
}

/* ONLY: the one object of a hybrid's; 0: all. */
static uint64_t put_stream(struct forge *forge, uint32_t only, const char *trailer)
{
    const uint32_t id = forge->size;
    const uint64_t at = forge->text.len;
    struct tp_buf data = TP_BUF_INIT;
    char entries[512];
    forge->at[id] = at;
    for (uint32_t i = only; i <= (only != 0 ? only : id); i++) {
        uint8_t entry[7] = {forge->at[i] != 0};
        tp_put_be32(entry + 1, (uint32_t)forge->at[i]);
        OK(tp_buf_append(&data, TP_BYTES(entry, sizeof(entry))));
    }
    (void)snprintf(entries, sizeof(entries), "/Type /XRef /W [1 4 2] /Index [%u %u] /Size %u %s", only, only != 0 ? 1 : id + 1,
                   id + 1, trailer);
    forge_stream(forge, id, entries, tp_buf_bytes(&data));
    tp_buf_clear(&data);
    return at;
}

void forge_end(struct forge *forge, enum forge_form form, const char *trailer)
{
    char more[512];
    uint64_t at = 0;
    if (form == FORGE_HYBRID) { /* its last object is seen by those who know streams alone */
        const uint32_t hidden = forge->size - 1;
        at = put_stream(forge, hidden, trailer);
        (void)snprintf(more, sizeof(more), "%s /XRefStm %llu", trailer, (unsigned long long)at);
        at = put_table(forge, hidden, more);
    } else {
        at = form == FORGE_STREAM ? put_stream(forge, 0, trailer) : put_table(forge, 0, trailer);
    }
    OK(tp_buf_printf(&forge->text, "startxref\n%llu\n%%%%EOF\n", (unsigned long long)at));
}

static void put_page(struct forge *forge, uint32_t page, uint32_t parent, uint32_t content, const char *text)
{
    char words[256];
    (void)snprintf(words, sizeof(words), "<< /Type /Page /Parent %u 0 R /Contents %u 0 R >>", parent, content);
    forge_object(forge, page, words);
    (void)snprintf(words, sizeof(words), "BT /F1 24 Tf 72 700 Td (%s) Tj ET", text);
    forge_stream(forge, content, "", tp_bytes_of_string(words));
}

struct tp_buf forge_document(const char *version, enum forge_form form)
{
    struct forge forge;
    forge_begin(&forge, version);
    forge_object(&forge, 1, "<< /Type /Catalog /Pages 2 0 R >>");
    forge_object(&forge, 2, "<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 /MediaBox [0 0 595 842] /Rotate 90 "
                            "/Resources << /Font << /F1 9 0 R >> >> >>");
    forge_object(&forge, 4, "<< /Type /Pages /Parent 2 0 R /Kids [5 0 R] /Count 1 /Rotate 180 >>");
    put_page(&forge, 3, 2, 6, "first");
    put_page(&forge, 5, 4, 7, "second");
    forge_object(&forge, 8, "<< /Title (A title) /Producer (forge) >>");
    forge_object(&forge, 9, "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");
    forge_object(&forge, 10, "[ null true -7 1.50 -.002 (a\\)b\\000c) <FEFF0041> /A#20B /Plain << /K [ ] >> 9 0 R ]");
    forge_end(&forge, form, "/Root 1 0 R /Info 8 0 R /Extra 10 0 R /ID [<0011> <2233>]");
    return forge.text;
}

/* ---- files ---- */

int forge_file(struct tp_bytes bytes)
{
    const int fd = memfd_create("forge.pdf", 0); /* not close-on-exec: tools read it as /proc/self/fd/N */
    cr_assert_geq(fd, 0);
    cr_assert_eq(pwrite(fd, bytes.data, bytes.len, 0), (ssize_t)bytes.len);
    return fd;
}

struct tp_buf forge_read(int fd)
{
    struct tp_buf bytes = TP_BUF_INIT;
    const off_t len = lseek(fd, 0, SEEK_END);
    OK(tp_buf_reserve(&bytes, (size_t)len));
    cr_assert_eq(pread(fd, bytes.data, (size_t)len, 0), len);
    bytes.len = (size_t)len;
    return bytes;
}

int forge_run(const char *format, int fd)
{
    char path[64], command[1024];
    (void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fd);
    const char *place = strstr(format, "%s");
    cr_assert_not_null(place);
    (void)snprintf(command, sizeof(command), "%.*s%s%s", (int)(place - format), format, path, place + 2);
    const int status = system(command);
    cr_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

struct tp_buf forge_encrypt(struct tp_bytes document, const char *options)
{
    char command[512];
    const int from = forge_file(document), to = forge_file(TP_BYTES_NONE);
    (void)snprintf(command, sizeof(command), "qpdf --allow-weak-crypto --encrypt %s -- %%s - > /proc/%d/fd/%d", options,
                   (int)getpid(), to);
    cr_assert_eq(forge_run(command, from), 0);
    struct tp_buf encrypted = forge_read(to);
    (void)close(from), (void)close(to);
    return encrypted;
}

int forge_page(const char *catalog, const char *const *objects)
{
    struct forge forge = {.size = 0};
    char text[512];
    forge_begin(&forge, "1.7");
    (void)snprintf(text, sizeof text, "<</Type/Catalog/Pages 2 0 R%s>>", catalog);
    forge_object(&forge, 1, text);
    forge_object(&forge, 2, "<</Type/Pages/Kids[3 0 R]/Count 1>>");
    forge_object(&forge, 3, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]>>");
    for (uint32_t i = 0; objects[i] != NULL; i++)
        forge_object(&forge, 4 + i, objects[i]);
    forge_end(&forge, FORGE_TABLE, "/Root 1 0 R");
    const int fd = forge_file(tp_buf_bytes(&forge.text));
    tp_buf_clear(&forge.text);
    return fd;
}
