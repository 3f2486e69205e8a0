/* SPDX-License-Identifier: Apache-2.0
 *
 * Which database a URL names.
 */
#include "place.h"

static enum tp_rc open_url(struct tp_error *error, const char *url)
{
    struct tp_store *store = NULL;
    enum tp_rc rc = tp_store_open(url, TP_STORE_CREATE, error, &store);

    tp_store_close(store);
    return rc;
}

PLACED_TEST(store_url, path_or_sqlite_scheme_names_a_file)
{
    char url[PLACE_LEN + 8];

    cr_assert_eq(open_url(&error, place_path("one.db")), TP_OK);
    cr_assert(place_has("one.db"));
    (void)snprintf(url, sizeof url, "sqlite:%s", place_path("two.db"));
    cr_assert_eq(open_url(&error, url), TP_OK);
    cr_assert(place_has("two.db"));
}

PLACED_TEST(store_url, names_that_sqlite_takes_for_something_else_are_files)
{
    static const char *const names[] = {":memory:", "file:x?mode=memory", "store.db"};

    cr_assert_eq(chdir(place), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char url[64];

        (void)snprintf(url, sizeof url, "sqlite:%s", names[i]);
        cr_assert_eq(open_url(&error, url), TP_OK, "%s", tp_error_words(&error));
        cr_assert(place_has(names[i]));
    }
}

PLACED_TEST(store_url, another_scheme_is_refused_without_repeating_its_password)
{
    cr_assert_eq(open_url(&error, "postgresql://trustp11:hunter2@db/store"), TP_UNSUPPORTED);
    cr_assert_not_null(strstr(tp_error_words(&error), "postgresql"));
    cr_assert_null(strstr(tp_error_words(&error), "hunter2"));
    cr_assert_eq(open_url(&error, "sqlit:x"), TP_UNSUPPORTED);
    cr_assert_eq(open_url(&error, "sqlite3:x"), TP_UNSUPPORTED);
}

PLACED_TEST(store_url, empty_one_is_refused)
{
    cr_assert_eq(open_url(&error, ""), TP_BAD_ARGUMENT);
    cr_assert_eq(open_url(&error, "sqlite:"), TP_BAD_ARGUMENT);
}

PLACED_TEST(store_url, path_that_is_too_long_is_refused)
{
    static char url[PATH_MAX + 1];

    memset(url, '/', PATH_MAX);
    cr_assert_eq(open_url(&error, url), TP_BAD_ARGUMENT);
}

PLACED_TEST(store_url, closing_none_is_allowed)
{
    tp_store_close(NULL);
    cr_assert_eq(error.rc, TP_OK);
}
