/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers of the network, each as long as it is valid: in memory, and as one file each in a folder that processes may
 * share. What lies there is no more believed than what the network says: whoever takes it out verifies it again.
 *
 * A file: the magic line, until when it is valid and since when it is there (8 bytes each), the SHA-256 of what
 * follows, what follows. It gets its name when it is whole; what is damaged is as good as not there, and is
 * replaced.
 */
#include "base/crypto.h"
#include "base/new_file.h"
#include "validation/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAGIC        "trustp11 evidence 2\n"
#define MAGIC_LEN    (sizeof MAGIC - 1)
#define TIMES_LEN    16
#define HEAD_LEN     (MAGIC_LEN + TIMES_LEN + TP_SHA256_LEN)
#define CONTENT_MOST ((size_t)10 << 20) /* a CRL */
#define NAME_LEN     (2 * sizeof(tp_validation_key))
#define FILES_MOST   4096
#define FOLDER_MOST  ((size_t)128 << 20)
#define MEMORY_ITEMS 256
#define MEMORY_MOST  ((size_t)1 << 20) /* of one item; larger ones are read from the disk each time */

struct times {
    int64_t until_ms, since_ms;
};
struct kept {
    tp_validation_key key;
    struct tp_buf content;
    struct times times;
    uint64_t used;
};

struct tp_validation_cache {
    char *folder; /* NULL: none */
    pthread_mutex_t lock;
    struct kept kept[MEMORY_ITEMS];
    size_t kept_len;
    uint64_t uses;
};

/* ---- the handle ---- */

/* Whoever may write there says how recent an answer is, and so hides what the CA has found out since. */
static enum tp_rc check_owner(const char *folder, struct tp_error *error)
{
    struct stat st;
    if (stat(folder, &st) != 0)
        return tp_error_set(error, TP_IO, "%s: the cache cannot be looked at: %s", folder, strerrordesc_np(errno));
    if ((st.st_uid == geteuid() || st.st_uid == 0) && (st.st_mode & S_IWOTH) == 0)
        return TP_OK;
    return tp_error_set(error, TP_IO, "%s: the cache belongs to others, or anybody may write to it: choose another folder",
                        folder);
}

static enum tp_rc make_folder(const char *folder, struct tp_error *error)
{
    char path[PATH_MAX];
    if ((size_t)snprintf(path, sizeof path, "%s", folder) >= sizeof path)
        return tp_error_set(error, TP_TOO_LARGE, "the path of the cache is too long");
    for (char *at = path + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        (void)mkdir(path, 0700); /* the last one says whether it has worked */
        *at = '/';
    }
    if (mkdir(path, 0700) == 0)
        return TP_OK;
    if (errno != EEXIST)
        return tp_error_set(error, TP_IO, "%s: the cache cannot be made: %s", folder, strerrordesc_np(errno));
    return check_owner(path, error);
}

enum tp_rc tp_validation_cache_new(const char *folder, struct tp_error *error, struct tp_validation_cache **ret_cache)
{
    struct tp_validation_cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL)
        return TP_MEMORY;
    if (pthread_mutex_init(&cache->lock, NULL) != 0) {
        free(cache);
        return TP_MEMORY;
    }
    enum tp_rc rc = folder != NULL ? make_folder(folder, error) : TP_OK;
    if (rc == TP_OK && folder != NULL && (cache->folder = strdup(folder)) == NULL)
        rc = TP_MEMORY;
    if (rc != TP_OK) {
        tp_validation_cache_free(cache);
        return rc;
    }
    *ret_cache = cache;
    return TP_OK;
}

void tp_validation_cache_free(struct tp_validation_cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < cache->kept_len; i++)
        tp_buf_clear(&cache->kept[i].content);
    (void)pthread_mutex_destroy(&cache->lock);
    free(cache->folder);
    free(cache);
}

enum tp_rc tp_validation_cache_key(const char *kind, const char *url, struct tp_bytes request,
                                   tp_validation_key ret_key)
{
    struct tp_buf name TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(tp_buf_printf(&name, "%s %s", kind, url));
    return tp_sha256(tp_buf_bytes(&name), TP_BYTES("", 1), request, ret_key);
}

/* ---- in memory; under the lock ---- */

static struct kept *kept_find(struct tp_validation_cache *cache, const tp_validation_key key)
{
    for (size_t i = 0; i < cache->kept_len; i++)
        if (memcmp(cache->kept[i].key, key, sizeof(tp_validation_key)) == 0)
            return &cache->kept[i];
    return NULL;
}

/* The one with this key, a free one, or the one that was not used for longest. */
static struct kept *kept_room(struct tp_validation_cache *cache, const tp_validation_key key)
{
    struct kept *room = kept_find(cache, key);
    if (room != NULL)
        return room;
    if (cache->kept_len < MEMORY_ITEMS)
        return &cache->kept[cache->kept_len++];
    room = &cache->kept[0];
    for (size_t i = 1; i < cache->kept_len; i++)
        if (cache->kept[i].used < room->used)
            room = &cache->kept[i];
    return room;
}

static void kept_put(struct tp_validation_cache *cache, const tp_validation_key key, struct tp_bytes content,
                     const struct times *times)
{
    if (content.len > MEMORY_MOST)
        return;
    (void)pthread_mutex_lock(&cache->lock);
    struct kept *room = kept_room(cache, key);
    tp_buf_reset(&room->content);
    memcpy(room->key, key, sizeof(tp_validation_key));
    room->times = *times;
    if (tp_buf_append(&room->content, content) != TP_OK)
        room->times.until_ms = INT64_MIN;
    room->used = ++cache->uses;
    (void)pthread_mutex_unlock(&cache->lock);
}

/* What is there since a time that is to come would be recent for ever: it is as good as not there. */
static bool are_good(const struct times *times, int64_t now_ms, int64_t since_ms)
{
    return times->until_ms > now_ms && times->since_ms >= since_ms && times->since_ms <= now_ms;
}

static enum tp_rc kept_get(struct tp_validation_cache *cache, const tp_validation_key key, int64_t now_ms, int64_t since_ms,
                           struct tp_buf *ret_content)
{
    enum tp_rc rc = TP_NOT_FOUND;
    (void)pthread_mutex_lock(&cache->lock);
    struct kept *kept = kept_find(cache, key);
    if (kept != NULL && are_good(&kept->times, now_ms, since_ms)) {
        kept->used = ++cache->uses;
        rc = tp_buf_append(ret_content, tp_buf_bytes(&kept->content));
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return rc;
}

/* ---- on disk ---- */

static void name_of(const tp_validation_key key, char ret_name[NAME_LEN + 1])
{
    tp_hex_encode(TP_BYTES(key, sizeof(tp_validation_key)), ret_name);
}

static int folder_open(const struct tp_validation_cache *cache)
{
    return cache->folder != NULL ? open(cache->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

static enum tp_rc read_all(int fd, struct tp_buf *ret_file)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < (off_t)HEAD_LEN ||
        (uintmax_t)st.st_size > CONTENT_MOST + HEAD_LEN)
        return TP_NOT_FOUND;
    TP_TRY(tp_buf_reserve(ret_file, (size_t)st.st_size));
    while (ret_file->len < (size_t)st.st_size) {
        const ssize_t got = read(fd, ret_file->data + ret_file->len, (size_t)st.st_size - ret_file->len);
        if (got <= 0)
            return TP_NOT_FOUND;
        ret_file->len += (size_t)got;
    }
    return TP_OK;
}

static enum tp_rc file_parse(struct tp_bytes file, struct tp_bytes *ret_content, struct times *ret_times)
{
    uint8_t hash[TP_SHA256_LEN];
    if (file.len < HEAD_LEN || memcmp(file.data, MAGIC, MAGIC_LEN) != 0)
        return TP_NOT_FOUND;
    const struct tp_bytes content = TP_BYTES(file.data + HEAD_LEN, file.len - HEAD_LEN);
    const uint8_t *times = file.data + MAGIC_LEN;
    TP_TRY(tp_sha256(TP_BYTES(times, TIMES_LEN), content, TP_BYTES_NONE, hash));
    if (memcmp(hash, times + TIMES_LEN, sizeof hash) != 0)
        return TP_NOT_FOUND;
    *ret_content = content;
    *ret_times = (struct times){.until_ms = (int64_t)tp_get_be64(times), .since_ms = (int64_t)tp_get_be64(times + 8)};
    return TP_OK;
}

static enum tp_rc disk_get(struct tp_validation_cache *cache, const tp_validation_key key, int64_t now_ms, int64_t since_ms,
                           struct tp_buf *ret_content)
{
    struct tp_buf file TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_bytes content = TP_BYTES_NONE;
    char name[NAME_LEN + 1];
    struct times times = {0};
    name_of(key, name);
    const int folder = folder_open(cache);
    const int fd = folder < 0 ? -1 : openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    enum tp_rc rc = fd < 0 ? TP_NOT_FOUND : read_all(fd, &file);
    if (rc == TP_OK)
        rc = file_parse(tp_buf_bytes(&file), &content, &times);
    if (rc == TP_OK && !are_good(&times, now_ms, since_ms))
        rc = TP_NOT_FOUND;
    if (fd >= 0)
        (void)close(fd);
    if (folder >= 0)
        (void)close(folder);
    TP_TRY(rc);
    kept_put(cache, key, content, &times);
    return tp_buf_append(ret_content, content);
}

static bool write_all(int fd, struct tp_bytes bytes)
{
    while (bytes.len > 0) {
        const ssize_t put = write(fd, bytes.data, bytes.len);
        if (put <= 0)
            return false;
        bytes = TP_BYTES(bytes.data + put, bytes.len - (size_t)put);
    }
    return true;
}

static enum tp_rc file_make(struct tp_bytes content, const struct times *times, struct tp_buf *ret_file)
{
    uint8_t bytes[TIMES_LEN], hash[TP_SHA256_LEN];
    tp_put_be64(bytes, (uint64_t)times->until_ms);
    tp_put_be64(bytes + 8, (uint64_t)times->since_ms);
    TP_TRY(tp_sha256(TP_BYTES(bytes, sizeof bytes), content, TP_BYTES_NONE, hash));
    TP_TRY(tp_buf_append_string(ret_file, MAGIC));
    TP_TRY(tp_buf_append(ret_file, TP_BYTES(bytes, sizeof bytes)));
    TP_TRY(tp_buf_append(ret_file, TP_BYTES(hash, sizeof hash)));
    return tp_buf_append(ret_file, content);
}

/* Seen when it is whole, and instead of what was there: processes that write the same do not meet. */
static void disk_write(int folder, const char *name, struct tp_bytes bytes)
{
    struct tp_new_file file;
    if (tp_new_file_make(folder, S_IRUSR | S_IWUSR, &file) != TP_OK)
        return;
    if (write_all(file.fd, bytes))
        (void)!tp_new_file_name_over(&file, name);
    tp_new_file_drop(&file);
}

/* ---- its bounds ---- */

struct listed {
    char name[NAME_LEN + 1];
    time_t time;
    size_t len;
};

static int by_age(const void *a, const void *b)
{
    const struct listed *x = a, *y = b;
    return x->time < y->time ? -1 : x->time > y->time;
}

static bool is_ours(const char *name)
{
    return strlen(name) == NAME_LEN && strspn(name, "0123456789abcdef") == NAME_LEN;
}

static size_t list_files(int folder, struct listed *files, size_t *ret_bytes)
{
    const int again = dup(folder);
    DIR *dir = again < 0 ? NULL : fdopendir(again);
    size_t len = 0;
    if (dir == NULL)
        return 0;
    rewinddir(dir);
    for (const struct dirent *entry; len < 2 * FILES_MOST && (entry = readdir(dir)) != NULL;) {
        struct stat st;
        if (!is_ours(entry->d_name) || fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        memcpy(files[len].name, entry->d_name, NAME_LEN + 1);
        files[len].time = st.st_mtime;
        files[len++].len = (size_t)st.st_size;
        *ret_bytes += (size_t)st.st_size;
    }
    (void)closedir(dir);
    return len;
}

/* The oldest go until a quarter is free: so that not every further write has to look. */
static void disk_bound(int folder)
{
    struct listed *files = calloc(2 * FILES_MOST, sizeof *files);
    size_t bytes = 0;
    if (files == NULL)
        return;
    size_t len = list_files(folder, files, &bytes);
    if (len > FILES_MOST || bytes > FOLDER_MOST) {
        qsort(files, len, sizeof *files, by_age);
        for (size_t i = 0; i < len && (len - i > FILES_MOST / 4 * 3 || bytes > FOLDER_MOST / 4 * 3); i++) {
            (void)unlinkat(folder, files[i].name, 0);
            bytes -= files[i].len;
        }
    }
    free(files);
}

static void disk_put(struct tp_validation_cache *cache, const tp_validation_key key, struct tp_bytes content,
                     const struct times *times)
{
    struct tp_buf file TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    char name[NAME_LEN + 1];
    const int folder = folder_open(cache);
    name_of(key, name);
    if (folder < 0)
        return;
    if (file_make(content, times, &file) == TP_OK)
        disk_write(folder, name, tp_buf_bytes(&file));
    disk_bound(folder);
    (void)close(folder);
}

/* ---- both ---- */

enum tp_rc tp_validation_cache_get(struct tp_validation_cache *cache, const tp_validation_key key, int64_t now_ms,
                                   int64_t since_ms, struct tp_buf *ret_content)
{
    const enum tp_rc rc = kept_get(cache, key, now_ms, since_ms, ret_content);
    return rc == TP_NOT_FOUND ? disk_get(cache, key, now_ms, since_ms, ret_content) : rc;
}

void tp_validation_cache_put(struct tp_validation_cache *cache, const tp_validation_key key, struct tp_bytes content,
                             int64_t until_ms, int64_t now_ms)
{
    const struct times times = {.until_ms = until_ms, .since_ms = now_ms};
    if (until_ms <= now_ms || content.len > CONTENT_MOST)
        return;
    kept_put(cache, key, content, &times);
    disk_put(cache, key, content, &times);
}
