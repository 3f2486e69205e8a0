/* SPDX-License-Identifier: Apache-2.0 */
/* A page for whoever has to decide on paper: what was found, in words, with everything that it rests on below. */
#include "base/clock.h"
#include "pades/report/report.h"
#include "pades/report/japanese.h"
#include "pades/report/markup.h"
#include "pades/report/words.h"

#include <stdio.h>
#include <string.h>

struct page {
    struct tp_pades_markup markup;
    enum tp_pades_language language;
};

static const char STYLE[] =
    "body{font:16px/1.55 'Noto Sans','Noto Sans CJK JP','Hiragino Sans','Yu Gothic',sans-serif;color:#1c2430;background:#f3f5f8;margin:0}"
    "main{max-width:54rem;margin:2rem auto;padding:0 1rem}h1{font-size:1.35rem;margin:0 0 .2rem;overflow-wrap:anywhere}"
    "h2{font-size:1.1rem;margin:0}h3{font-size:.95rem;margin:1.2rem 0 .3rem;color:#46566b}"
    ".sub{color:#5b6a7e;margin:0 0 .2rem;font-size:.9rem;overflow-wrap:anywhere}"
    ".verdict{border-radius:.6rem;padding:1rem 1.3rem;margin:1.2rem 0 1.4rem;color:#fff}.verdict p{margin:.2rem 0 0}"
    ".verdict b{font-size:1.3rem;display:block}.passed{background:#1b6e3c}.failed{background:#a5202a}.open{background:#8a5a00}"
    "section{background:#fff;border:1px solid #d7dde5;border-radius:.6rem;padding:1.1rem 1.3rem;margin:0 0 1.2rem}"
    "header{display:flex;justify-content:space-between;gap:1rem;align-items:baseline;flex-wrap:wrap}"
    ".badge{border-radius:.9rem;padding:.1rem .8rem;color:#fff;font-size:.85rem;white-space:nowrap}"
    "table{border-collapse:collapse;width:100%;font-size:.92em}th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;"
    "border-top:1px solid #e8ecf1;overflow-wrap:anywhere}th{font-weight:500;color:#5b6a7e;width:12rem}"
    ".chain{table-layout:fixed}.chain td:first-child{width:34%;word-break:keep-all}.dates{white-space:nowrap;width:13em}"
    "@media(max-width:40rem){.chain td,.chain td:first-child{display:block;width:auto}.chain td+td{border-top:0;padding-top:0}}"
    ".why{margin:.6rem 0}.bad{color:#a5202a;font-weight:600}.warn{color:#8a5a00;font-weight:600}.good{color:#1b6e3c}"
    "ul{margin:.3rem 0;padding-left:1.2rem}footer{color:#5b6a7e;font-size:.82rem;margin:1.5rem 0}"
    "@media print{body{background:#fff;font-size:10pt}main{max-width:none;margin:0;padding:0}"
    "tr,li,header,.verdict{break-inside:avoid}header,h3{break-after:avoid}" /* a card has no border that a page's end could cut */
    "section{border:0;border-top:2px solid #1c2430;border-radius:0;padding:.8rem 0 0}"
    ".verdict,.badge{-webkit-print-color-adjust:exact;print-color-adjust:exact}}";

/* ---- small parts ---- */

static void words(struct page *page, enum tp_pades_word word)
{
    const char *english = tp_pades_word(word, false), *japanese = tp_pades_word(word, true);
    if (page->language == TP_PADES_BOTH)
        tp_pades_text(&page->markup, "%s / %s", japanese, english);
    else
        tp_pades_text(&page->markup, "%s", page->language == TP_PADES_JAPANESE ? japanese : english);
}

/* ENGLISH is a sentence that is known. */
static bool is_known(struct page *page, const char *english)
{
    struct tp_buf japanese TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (tp_pades_japanese(english, &japanese) != TP_OK)
        page->markup.rc = TP_MEMORY;
    return strcmp(tp_buf_string(&japanese), english) != 0;
}

/* What was found, in the words of whoever found it. */
static void sentence(struct page *page, const char *english)
{
    struct tp_buf japanese TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (page->language != TP_PADES_ENGLISH && tp_pades_japanese(english, &japanese) != TP_OK)
        page->markup.rc = TP_MEMORY;
    const bool both = page->language == TP_PADES_BOTH && strcmp(tp_buf_string(&japanese), english) != 0;
    if (page->language != TP_PADES_ENGLISH)
        tp_pades_text(&page->markup, "%s", tp_buf_string(&japanese));
    if (page->language == TP_PADES_ENGLISH || both)
        tp_pades_text(&page->markup, "%s%s", both ? " / " : "", english);
}

static void sentence_leaf(struct page *page, const char *element, const char *english)
{
    tp_pades_open(&page->markup, element, NULL, NULL);
    sentence(page, english);
    tp_pades_close(&page->markup);
}

static void heading(struct page *page, const char *element, enum tp_pades_word word)
{
    tp_pades_open(&page->markup, element, NULL, NULL);
    words(page, word);
    tp_pades_close(&page->markup);
}

static void row(struct page *page, enum tp_pades_word word, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    tp_pades_open(&page->markup, "tr", NULL, NULL);
    heading(page, "th", word);
    tp_pades_leaf(&page->markup, "td", text);
    tp_pades_close(&page->markup);
}

static void when(int64_t utc_ms, char *ret_text, size_t len)
{
    char text[TP_TIME_TEXT_LEN];
    tp_time_format(utc_ms, false, text);
    (void)snprintf(ret_text, len, "%.10s %.8s UTC", text, text + 11);
}

static void row_time(struct page *page, enum tp_pades_word word, int64_t utc_ms)
{
    char text[48];
    if (utc_ms == 0 || utc_ms == INT64_MAX)
        return;
    when(utc_ms, text, sizeof text);
    row(page, word, text);
}

static const char *colour(const struct tp_verdict *verdict)
{
    static const char *const colours[] = {[TP_TOTAL_PASSED] = "passed", [TP_TOTAL_FAILED] = "failed", [TP_INDETERMINATE] = "open"};
    return colours[verdict->indication];
}

static enum tp_pades_word verdict_word(const struct tp_verdict *verdict)
{
    static const enum tp_pades_word all[] = {[TP_TOTAL_PASSED] = TP_PADES_WORD_passed, [TP_TOTAL_FAILED] = TP_PADES_WORD_failed,
                                             [TP_INDETERMINATE] = TP_PADES_WORD_indeterminate};
    return all[verdict->indication];
}

/* "TOTAL-FAILED, HASH_FAILURE", then what exactly; where nothing is said of that, or not in Japanese, what it means. */
static void verdict_text(struct page *page, const struct tp_verdict *verdict)
{
    struct tp_pades_markup *html = &page->markup;
    tp_pades_open(html, "p", NULL, NULL);
    tp_pades_text(html, "%s%s%s", tp_indication_name(verdict->indication), verdict->sub == TP_SUB_NONE ? "" : ", ",
                  tp_subindication_name(verdict->sub));
    tp_pades_close(html);
    if (page->language != TP_PADES_ENGLISH && (verdict->why[0] == '\0' || !is_known(page, verdict->why)))
        tp_pades_leaf(html, "p", tp_pades_sub_japanese(verdict->sub));
    if (verdict->why[0] != '\0')
        sentence_leaf(page, "p", verdict->why);
    else if (page->language != TP_PADES_JAPANESE)
        tp_pades_leaf(html, "p", tp_subindication_words(verdict->sub));
}

static void badge(struct page *page, const struct tp_verdict *verdict)
{
    char class[32];
    (void)snprintf(class, sizeof class, "badge %s", colour(verdict));
    tp_pades_open(&page->markup, "span", "class", class);
    words(page, verdict_word(verdict));
    tp_pades_close(&page->markup);
}

/* ---- a signature ---- */

static void put_change(struct page *page, const struct tp_pades_change *change)
{
    struct tp_pades_markup *html = &page->markup;
    tp_pades_open(html, "li", NULL, NULL);
    tp_pades_open(html, "span", "class", !change->allowed ? "bad" : change->warned ? "warn" : "good");
    words(page, !change->allowed ? TP_PADES_WORD_not_allowed : change->warned ? TP_PADES_WORD_allowed_warned : TP_PADES_WORD_allowed);
    tp_pades_close(html);
    tp_pades_text(html, " – ");
    words(page, tp_pades_nature_word(change->nature));
    tp_pades_text(html, ": ");
    sentence(page, change->words);
    if (change->page > 0) {
        tp_pades_text(html, ", ");
        words(page, TP_PADES_WORD_page);
        tp_pades_text(html, " %u", change->page);
    }
    if (change->has_rect)
        tp_pades_text(html, " [%.0f %.0f %.0f %.0f]", change->rect[0], change->rect[1], change->rect[2], change->rect[3]);
    if (change->revision > 0) {
        tp_pades_text(html, " (");
        words(page, TP_PADES_WORD_revision);
        tp_pades_text(html, " %u)", change->revision);
    }
    tp_pades_close(html);
}

static void put_changes(struct page *page, const struct tp_pades_signature *signature)
{
    struct tp_pades_markup *html = &page->markup;
    if (signature->form == TP_PADES_CMS)
        return;
    heading(page, "h3", TP_PADES_WORD_changes);
    if (signature->changes_len == 0) {
        heading(page, "p", signature->whole ? TP_PADES_WORD_nothing_after : TP_PADES_WORD_no_changes);
        return;
    }
    tp_pades_open(html, "ul", NULL, NULL);
    for (size_t i = 0; i < signature->changes_len; i++)
        put_change(page, &signature->changes[i]);
    tp_pades_close(html);
    if (signature->changes_more > 0) {
        tp_pades_open(html, "p", NULL, NULL);
        tp_pades_text(html, "+ %zu", signature->changes_more);
        tp_pades_close(html);
    }
}

static void put_chain(struct page *page, const struct tp_validation_answer *answer)
{
    struct tp_pades_markup *html = &page->markup;
    char text[1024], from[48], to[48];
    if (answer->steps_len == 0)
        return;
    heading(page, "h3", TP_PADES_WORD_chain);
    tp_pades_open(html, "table", "class", "chain");
    for (size_t i = 0; i < answer->steps_len; i++) {
        const struct tp_validation_step *step = &answer->steps[i];
        when(step->certificate.not_before_ms, from, sizeof from), when(step->certificate.not_after_ms, to, sizeof to);
        tp_pades_open(html, "tr", NULL, NULL);
        tp_pades_leaf(html, "td", step->certificate.subject);
        (void)snprintf(text, sizeof text, "%.10s – %.10s", from, to);
        tp_pades_open(html, "td", "class", "dates");
        tp_pades_text(html, "%s", text);
        tp_pades_close(html);
        sentence_leaf(page, "td", step->anchor ? "trust anchor" : step->status_from[0] != '\0' ? step->status_from : "-");
        tp_pades_close(html);
    }
    tp_pades_close(html);
}

static void put_stamps(struct page *page, const struct tp_pades_signature *signature)
{
    struct tp_pades_markup *html = &page->markup;
    char at[48];
    if (signature->stamps_len == 0 || signature->form == TP_PADES_DOCUMENT_TIMESTAMP)
        return;
    heading(page, "h3", TP_PADES_WORD_stamps);
    tp_pades_open(html, "ul", NULL, NULL);
    for (size_t i = 0; i < signature->stamps_len; i++) {
        const struct tp_pades_stamp *stamp = &signature->stamps[i];
        when(stamp->time_ms, at, sizeof at);
        tp_pades_open(html, "li", NULL, NULL);
        tp_pades_text(html, "%s, %s: %s%s", at, stamp->tsa[0] != '\0' ? stamp->tsa : "?", tp_indication_name(stamp->verdict.indication),
                      stamp->verdict.why[0] != '\0' ? ": " : "");
        sentence(page, stamp->verdict.why);
        tp_pades_close(html);
    }
    tp_pades_close(html);
}

static void put_locks(struct page *page, const struct tp_pades_locks *locks)
{
    char names[2 * TP_PADES_LINE_MAX];
    if (locks->kind == TP_PADES_LOCKS_NONE)
        return;
    tp_pades_locks_list(locks, names, sizeof names);
    tp_pades_open(&page->markup, "tr", NULL, NULL);
    heading(page, "th", TP_PADES_WORD_locked);
    tp_pades_open(&page->markup, "td", NULL, NULL);
    if (locks->kind != TP_PADES_LOCKS_INCLUDE)
        words(page, locks->kind == TP_PADES_LOCKS_ALL ? TP_PADES_WORD_locked_all : TP_PADES_WORD_locked_but);
    if (locks->kind != TP_PADES_LOCKS_ALL)
        tp_pades_text(&page->markup, "%s%s", locks->kind == TP_PADES_LOCKS_EXCLUDE ? ": " : "", names);
    tp_pades_close(&page->markup);
    tp_pades_close(&page->markup);
}

static void put_level(struct page *page, const struct tp_pades_signature *signature)
{
    const char *level = tp_pades_reached_name(signature->reached);
    if (!tp_pades_is_stamped_in_vain(signature)) {
        row(page, TP_PADES_WORD_level, level);
        return;
    }
    tp_pades_open(&page->markup, "tr", NULL, NULL);
    heading(page, "th", TP_PADES_WORD_level);
    tp_pades_open(&page->markup, "td", NULL, NULL);
    tp_pades_text(&page->markup, "%s: ", level);
    words(page, TP_PADES_WORD_in_vain);
    tp_pades_close(&page->markup);
    tp_pades_close(&page->markup);
}

static void put_facts(struct page *page, const struct tp_pades_verification *verification, const struct tp_pades_signature *signature)
{
    char text[128];
    bool stamp = signature->form == TP_PADES_DOCUMENT_TIMESTAMP;
    tp_pades_open(&page->markup, "table", NULL, NULL);
    row(page, stamp ? TP_PADES_WORD_tsa : TP_PADES_WORD_signer, signature->signer);
    row_time(page, stamp ? TP_PADES_WORD_stamped : TP_PADES_WORD_claimed, signature->claimed_ms);
    row_time(page, TP_PADES_WORD_proven, signature->proven_ms);
    row(page, TP_PADES_WORD_reason, signature->reason);
    row(page, TP_PADES_WORD_location, signature->location);
    row(page, TP_PADES_WORD_contact, signature->contact);
    put_level(page, signature);
    row(page, TP_PADES_WORD_algorithm, signature->algorithm);
    if (signature->form != TP_PADES_CMS && signature->revision > 0) {
        (void)snprintf(text, sizeof text, "%u / %u", signature->revision, verification->revisions);
        row(page, TP_PADES_WORD_signed_revision, text);
    }
    if (signature->restriction.permission > 0) {
        static const enum tp_pades_word permissions[] = {TP_PADES_WORD_docmdp_1, TP_PADES_WORD_docmdp_2, TP_PADES_WORD_docmdp_3};
        tp_pades_open(&page->markup, "tr", NULL, NULL);
        heading(page, "th", TP_PADES_WORD_permission);
        heading(page, "td", permissions[signature->restriction.permission - 1]);
        tp_pades_close(&page->markup);
    }
    put_locks(page, &signature->restriction.locks);
    tp_pades_close(&page->markup);
}

static void put_signature(struct page *page, const struct tp_pades_verification *verification, size_t index)
{
    static const enum tp_pades_word forms[] = {[TP_PADES_APPROVAL] = TP_PADES_WORD_signature,
                                               [TP_PADES_CERTIFICATION] = TP_PADES_WORD_certification,
                                               [TP_PADES_DOCUMENT_TIMESTAMP] = TP_PADES_WORD_document_stamp,
                                               [TP_PADES_CMS] = TP_PADES_WORD_detached};
    const struct tp_pades_signature *signature = verification->signatures[index];
    struct tp_pades_markup *html = &page->markup;
    tp_pades_open(html, "section", NULL, NULL);
    tp_pades_open(html, "header", NULL, NULL);
    tp_pades_open(html, "h2", NULL, NULL);
    tp_pades_text(html, "%zu. ", index + 1);
    words(page, forms[signature->form]);
    if (signature->field[0] != '\0')
        tp_pades_text(html, " “%s”", signature->field);
    tp_pades_close(html);
    badge(page, &signature->verdict);
    tp_pades_close(html);
    tp_pades_open(html, "div", "class", "why");
    if (signature->verdict.indication != TP_TOTAL_PASSED)
        verdict_text(page, &signature->verdict);
    tp_pades_close(html);
    put_facts(page, verification, signature);
    put_changes(page, signature);
    put_stamps(page, signature);
    put_chain(page, signature->form == TP_PADES_DOCUMENT_TIMESTAMP ? &signature->stamps[0].answer : &signature->answer);
    tp_pades_close(html);
}

/* ---- the page ---- */

static void put_head(struct page *page, const char *name)
{
    struct tp_pades_markup *html = &page->markup;
    tp_pades_raw(html, "<!DOCTYPE html>\n");
    tp_pades_open(html, "html", "lang", page->language == TP_PADES_ENGLISH ? "en" : "ja");
    tp_pades_raw(html, "<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">"
                       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"><title>");
    words(page, TP_PADES_WORD_title);
    tp_pades_text(html, ": %s", name);
    tp_pades_raw(html, "</title><style>");
    tp_pades_raw(html, STYLE);
    tp_pades_raw(html, "</style></head>\n");
}

static void put_verdict(struct page *page, const struct tp_pades_verification *verification)
{
    char class[32];
    if (!tp_pades_is_signed(verification)) {
        tp_pades_open(&page->markup, "div", "class", "verdict open");
        heading(page, "b", TP_PADES_WORD_not_signed);
        sentence_leaf(page, "p", verification->verdict.why);
        tp_pades_close(&page->markup);
        return;
    }
    (void)snprintf(class, sizeof class, "verdict %s", colour(&verification->verdict));
    tp_pades_open(&page->markup, "div", "class", class);
    heading(page, "b", verdict_word(&verification->verdict));
    verdict_text(page, &verification->verdict);
    tp_pades_close(&page->markup);
}

/* Which file it was, whatever it is called. */
static void put_fingerprint(struct page *page, const struct tp_pades_verification *verification)
{
    char digits[2 * sizeof verification->sha256 + 1];
    if (verification->sha256_len == 0)
        return;
    tp_hex_encode(TP_BYTES(verification->sha256, verification->sha256_len), digits);
    tp_pades_open(&page->markup, "p", "class", "sub");
    words(page, TP_PADES_WORD_fingerprint);
    tp_pades_text(&page->markup, ": %s", digits);
    tp_pades_close(&page->markup);
}

static void put_notes(struct page *page, const struct tp_pades_verification *verification)
{
    if (verification->notes_len == 0)
        return;
    tp_pades_open(&page->markup, "section", NULL, NULL);
    heading(page, "h2", TP_PADES_WORD_notes);
    tp_pades_open(&page->markup, "ul", NULL, NULL);
    for (size_t i = 0; i < verification->notes_len; i++)
        sentence_leaf(page, "li", verification->notes[i]);
    tp_pades_close(&page->markup);
    tp_pades_close(&page->markup);
}

enum tp_rc tp_pades_report_html(const char *name, const struct tp_pades_verification *verification,
                                enum tp_pades_language language, struct tp_buf *ret_html)
{
    struct page page = {.markup = {.to = ret_html}, .language = language};
    struct tp_pades_markup *html = &page.markup;
    char at[48];
    put_head(&page, name);
    tp_pades_open(html, "body", NULL, NULL);
    tp_pades_open(html, "main", NULL, NULL);
    tp_pades_leaf(html, "h1", name);
    tp_pades_open(html, "p", "class", "sub");
    words(&page, TP_PADES_WORD_title);
    when(verification->at_ms, at, sizeof at);
    tp_pades_text(html, " · ");
    words(&page, TP_PADES_WORD_judged_at);
    tp_pades_text(html, " %s", at);
    tp_pades_close(html);
    put_fingerprint(&page, verification);
    put_verdict(&page, verification);
    for (size_t i = 0; i < verification->signatures_len; i++)
        put_signature(&page, verification, i);
    put_notes(&page, verification);
    tp_pades_open(html, "footer", NULL, NULL);
    words(&page, TP_PADES_WORD_footer);
    tp_pades_text(html, " trustp11 %s", TP_VERSION);
    return tp_pades_markup_end(html);
}
