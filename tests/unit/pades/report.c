/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/report/report.h"
#include "pades/report/japanese.h"
#include "pades/report/markup.h"
#include "pades/report/words.h"
#include "pades/verify/internal.h"

#include <criterion/criterion.h>
#include <string.h>

Test(report, every_text_is_escaped)
{
    struct tp_buf text = TP_BUF_INIT;
    struct tp_pades_markup markup = {.to = &text};
    tp_pades_open(&markup, "a", "b", "<\"'&>");
    tp_pades_text(&markup, "%s", "</a>&\x1b\xff \xe2\x80\xae");
    cr_assert_eq(tp_pades_markup_end(&markup), TP_OK);
    cr_assert_str_eq(tp_buf_string(&text), "<a b=\"&lt;&quot;&#39;&amp;&gt;\">&lt;/a&gt;&amp;?? ?</a>\n");
    tp_buf_clear(&text);
}

Test(report, what_does_not_nest_is_a_mistake)
{
    struct tp_buf text = TP_BUF_INIT;
    struct tp_pades_markup markup = {.to = &text};
    tp_pades_close(&markup);
    cr_assert_eq(tp_pades_markup_end(&markup), TP_INTERNAL);
    markup = (struct tp_pades_markup){.to = &text};
    for (int i = 0; i <= TP_PADES_MARKUP_DEPTH; i++)
        tp_pades_open(&markup, "a", NULL, NULL);
    cr_assert_eq(tp_pades_markup_end(&markup), TP_INTERNAL);
    tp_buf_clear(&text);
}

Test(report, every_word_is_there_in_both_languages)
{
    for (enum tp_pades_word word = 0; word < TP_PADES_WORD_COUNT; word++)
        cr_assert(tp_pades_word(word, false)[0] != '\0' && tp_pades_word(word, true)[0] != '\0' &&
                  strcmp(tp_pades_word(word, false), tp_pades_word(word, true)) != 0);
    for (enum tp_subindication sub = TP_SUB_NONE; sub < TP_SUB_COUNT; sub++)
        cr_assert_eq(tp_pades_sub_japanese(sub)[0] != '\0', sub != TP_SUB_NONE, "%s", tp_subindication_name(sub));
    for (enum tp_pades_nature nature = TP_PADES_CHANGE_EVIDENCE; nature <= TP_PADES_CHANGE_CONTENT; nature++)
        cr_assert(tp_pades_nature_name(nature)[0] != '\0' && tp_pades_word(tp_pades_nature_word(nature), true)[0] != '\0');
}

Test(report, a_document_without_signatures_has_no_verdict, .description = "but the XML schema wants an element")
{
    struct tp_pades_verification none = {.verdict = {.indication = TP_TOTAL_FAILED, .why = "nothing is there"}, .at_ms = 1};
    struct tp_buf text = TP_BUF_INIT;
    cr_assert_eq(tp_pades_report_xml("x.pdf", &none, &text), TP_OK);
    cr_assert_not_null(strstr(tp_buf_string(&text), "<MainIndication>urn:trustp11:validation:not-signed<"));
    cr_assert_not_null(strstr(tp_buf_string(&text), "<Value>nothing is there<"));
    cr_assert_null(strstr(tp_buf_string(&text), "urn:etsi:019102:mainindication"));
    tp_buf_reset(&text);
    cr_assert_eq(tp_pades_report_html("<x>.pdf", &none, TP_PADES_ENGLISH, &text), TP_OK);
    cr_assert_not_null(strstr(tp_buf_string(&text), "&lt;x&gt;.pdf"));
    cr_assert_null(strstr(tp_buf_string(&text), "<x>"));
    cr_assert_not_null(strstr(tp_buf_string(&text), "Not signed"));
    cr_assert_null(strstr(tp_buf_string(&text), "TOTAL-"));
    tp_buf_clear(&text);
}

Test(report, sentences_in_japanese)
{
    static const struct {
        const char *english, *japanese;
    } rows[] = {
        {"page 1 /Contents was replaced", "ページ 1 /Contents が差し替えられました"},
        {"changed after signing: page 1 /Contents was replaced (in revision 3)",
         "署名後に変更されています：ページ 1 /Contents が差し替えられました（リビジョン 3）"},
        {"a signature was added in a new field \"Two\"", "新しい項目「Two」に署名が追加されました"},
        {"an annotation (Text) was added, which the signature does not allow", "注釈（Text）が追加されました（この署名は許可していません）"},
        {"form field \"amount\" /DA was changed", "フォーム項目「amount」 /DA が変更されました"},
        {"CN=a: there is no revocation data", "CN=a：失効情報がありません"},
        {"no revocation data for CN=a: http://h:1/o: Failed to connect to h (a moment ago); https://h/c.crl: its answer was good up to T only",
         "CN=a の失効情報がありません：http://h:1/o：有効な回答を得られませんでした（Failed to connect to h）（直前の問い合わせ）; "
         "https://h/c.crl：有効な回答を得られませんでした（回答の有効期限は T までです）"},
        {"the OCSP response has extensions that are malformed", "OCSP 応答の構造が不正です：拡張が不正です"},
        {"OCSP of CN=b, 2026-11-28T00:00:00Z (the document)", "OCSP 応答（CN=b、2026-11-28T00:00:00Z、文書内）"},
        {"the signature is good", "署名は有効です"},
        {"", ""},
        {"words that nobody knows", "words that nobody knows"},
        {"山田: words", "山田：words"},
        {"* $1 $9 %s", "* $1 $9 %s"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_buf text = TP_BUF_INIT;
        cr_assert_eq(tp_pades_japanese(rows[i].english, &text), TP_OK);
        cr_assert_str_eq(tp_buf_string(&text), rows[i].japanese);
        tp_buf_clear(&text);
    }
}

Test(report, what_was_found_is_told_in_the_language_of_the_page)
{
    struct tp_pades_verification verification = {
        .notes = {"the newest revision of the document is covered by no signature"}, .notes_len = 1, .at_ms = 1};
    static const struct {
        enum tp_pades_language language;
        bool english, japanese;
    } rows[] = {{TP_PADES_ENGLISH, true, false}, {TP_PADES_JAPANESE, false, true}, {TP_PADES_BOTH, true, true}};
    for (size_t i = 0; i < 3; i++) {
        struct tp_buf text = TP_BUF_INIT;
        cr_assert_eq(tp_pades_report_html("x.pdf", &verification, rows[i].language, &text), TP_OK);
        cr_assert_eq(strstr(tp_buf_string(&text), "covered by no signature") != NULL, rows[i].english);
        cr_assert_eq(strstr(tp_buf_string(&text), "どの署名の対象にもなっていません") != NULL, rows[i].japanese);
        tp_buf_clear(&text);
    }
}

Test(report, what_a_verdict_is_about_is_said_once_and_never_in_no_words)
{
    static const struct {
        const char *why, *japanese;
        bool meaning; /* of the sub-indication */
    } rows[] = {{"what was signed has been changed: its hash is another", "署名対象が改変されています（ハッシュ値が異なります）", false},
                {"words that nobody knows", "words that nobody knows", true},
                {"", "署名対象が改変されています。", true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_pades_signature signature = {.verdict = {.indication = TP_TOTAL_FAILED, .sub = TP_SUB_HASH_FAILURE}};
        struct tp_pades_verification verification = {.signatures = {&signature}, .signatures_len = 1, .at_ms = 1};
        struct tp_buf text = TP_BUF_INIT;
        tp_pades_line(rows[i].why, signature.verdict.why, sizeof signature.verdict.why);
        verification.verdict = signature.verdict;
        cr_assert_eq(tp_pades_report_html("x.pdf", &verification, TP_PADES_JAPANESE, &text), TP_OK);
        cr_expect_not_null(strstr(tp_buf_string(&text), rows[i].japanese), "%s", rows[i].why);
        cr_expect_eq(strstr(tp_buf_string(&text), "署名対象が改変されています。") != NULL, rows[i].meaning, "%s", rows[i].why);
        tp_buf_clear(&text);
    }
}

Test(line, is_cut_between_characters)
{
    char line[8];
    tp_pades_line("short", line, sizeof line);
    cr_assert_str_eq(line, "short");
    tp_pades_line("1234567", line, sizeof line);
    cr_assert_str_eq(line, "1234567");
    tp_pades_line("12345678", line, sizeof line);
    cr_assert_str_eq(line, "1234\xe2\x80\xa6");
    tp_pades_line("\xe5\xb1\xb1\xe7\x94\xb0\xe5\xb1\xb1", line, sizeof line);
    cr_assert_str_eq(line, "\xe5\xb1\xb1\xe2\x80\xa6");
    tp_pades_line("a\n\x1b" "b\xff", line, sizeof line);
    cr_assert_str_eq(line, "a??b?");
}

Test(set, knows_its_members)
{
    struct tp_pades_set set = {0};
    cr_assert_not(tp_pades_set_has(&set, 5));
    cr_assert_eq(tp_pades_set_add(&set, 5), TP_OK);
    cr_assert_eq(tp_pades_set_add(&set, TP_PDF_OBJECTS_MAX), TP_OK);
    cr_assert(tp_pades_set_has(&set, 5) && tp_pades_set_has(&set, TP_PDF_OBJECTS_MAX));
    cr_assert_not(tp_pades_set_has(&set, 4) || tp_pades_set_has(&set, TP_PDF_OBJECTS_MAX - 1));
    cr_assert_eq(tp_pades_set_add(&set, TP_PDF_OBJECTS_MAX + 1), TP_TOO_LARGE);
    tp_pades_set_clear(&set);
}
