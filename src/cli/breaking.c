/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/breaking.h"
#include "base/text.h"
#include "cli/output.h"

#define CAUSE_MOST 160 /* bytes of the error that broke it off, where all of it is told of */

/* ---- signals ---- */

static volatile sig_atomic_t broken_off;
static const int breaking_signals[TP_CLI_BREAKING_LEN] = {SIGINT, SIGTERM, SIGHUP};

static void on_signal(int number)
{
    (void)number;
    broken_off = 1;
}

void tp_cli_breaking_begin(struct tp_cli_breaking *ret_breaking)
{
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    broken_off = 0;
    for (size_t i = 0; i < TP_CLI_BREAKING_LEN; i++) {
        (void)sigaction(breaking_signals[i], NULL, &ret_breaking->before[i]);
        if (ret_breaking->before[i].sa_handler != SIG_IGN)
            (void)sigaction(breaking_signals[i], &action, NULL);
    }
}

void tp_cli_breaking_end(const struct tp_cli_breaking *breaking)
{
    for (size_t i = 0; i < TP_CLI_BREAKING_LEN; i++)
        (void)sigaction(breaking_signals[i], &breaking->before[i], NULL);
}

bool tp_cli_broken_off(void)
{
    return broken_off != 0;
}

/* ---- errors ---- */

bool tp_cli_fails_for_all(enum tp_rc rc)
{
    static const enum tp_rc all[] = {TP_NOT_LOGGED_IN, TP_PIN_WRONG,  TP_PIN_LOCKED, TP_OTP_STALE,   TP_HSM_ABSENT,
                                     TP_HSM_PIN,       TP_STORE_FULL, TP_MEMORY,     TP_UNREACHABLE, TP_KEY_UNUSABLE};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (rc == all[i])
            return true;
    return false;
}

/* Enough to know it by: all of it stands at the file that has met it first. Whole characters. */
static int cause_len(const char *words)
{
    const struct tp_bytes text = tp_bytes_of_string(words);
    size_t len = 0, next = 0;
    while (len < text.len) {
        (void)tp_text_next(text, &next);
        if (next > CAUSE_MOST)
            break;
        len = next;
    }
    return (int)len;
}

void tp_cli_breaking_say(struct tp_cli *cli, const struct tp_error *stop)
{
    if (stop->rc == TP_OK) {
        tp_cli_remark(cli, "broken off; the same command goes on from there");
        return;
    }
    const char *words = tp_error_words(stop);
    const int len = cause_len(words);
    tp_cli_remark(cli, "broken off, since the others would fail alike (%.*s%s); the same command goes on from there", len, words,
                  words[len] == '\0' ? "" : "…");
}
