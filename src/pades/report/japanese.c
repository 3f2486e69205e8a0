/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/report/japanese.h"

#include <string.h>

#define PARTS_MAX 4

/* A star stands for any text, $1 to $4 for what it stood for, which is translated in its turn. The first row that fits counts: what is
 * particular stands before what is general. tests/docs looks in the sources for sentences that are not here. */
static const struct row {
    const char *english, *japanese;
} rows[] = {
    /* the document (verify/verify.c, verify/document.c, verify/examine.c) */
    {"the signature is good*", "署名は有効です$1"},
    {"the document takes too long to be examined: this signature was not looked at",
     "文書の検査に時間がかかりすぎるため、この署名は検査していません"},
    {"nobody has signed this document; its timestamp is good", "この文書に署名はありません。タイムスタンプは有効です"},
    {"nobody has signed this document; its timestamps are good", "この文書に署名はありません。タイムスタンプはすべて有効です"},
    {"all signatures are good*", "すべての署名が有効です$1"},
    {", but a change that came later can mislead: look at it", "（ただし、誤解を招き得る後の変更があります。確認してください）"},
    {"there is no signature in this document*", "この文書には署名がありません$1"},
    {", as far as it can be read: it is damaged", "（文書が破損しており、読み取れた範囲での結果です）"},
    {"changed after signing: * (in revision *)", "署名後に変更されています：$1（リビジョン $2）"},
    {"changed after signing: *", "署名後に変更されています：$1"},
    {"the signature's form /SubFilter * is not supported", "署名の形式（/SubFilter $1）には対応していません"},
    {"/Contents: not a * signature by one signer", "/Contents：署名者が一人の $1 署名ではありません"},
    {"/Contents is not there, or holds nothing", "/Contents がないか、空です"},
    {"/Contents: *", "/Contents：$1"},
    {"ByteRange: *", "ByteRange：$1"},
    {"a document timestamp proves nothing here: *", "証明にならない文書タイムスタンプがあります：$1"},
    {"the newest revision of the document is covered by no signature", "文書の最新リビジョンは、どの署名の対象にもなっていません"},
    {"\"/ByteRange\" stands * times in the file, and * signatures are in use",
     "ファイル内に \"/ByteRange\" が $1 個ありますが、使われている署名は $2 個です"},
    {"there are more than * signatures; the others were not judged", "署名が $1 個を超えているため、残りは検証していません"},
    {"a signature (object *) is in no field of the form: some programs do not show it",
     "フォームのどの項目にも属さない署名（オブジェクト $1）があり、表示しないソフトウェアがあります"},
    {"usage rights (UR3) were given to a viewer by a signature, which is not judged",
     "閲覧ソフトに使用権（UR3）を与える署名がありますが、検証の対象外です"},
    {"two signatures sign the same revision: at most one of them can be genuine",
     "二つの署名が同じリビジョンを対象としており、本物は多くても一つです"},
    {"the revision that it signs cannot be read as it was", "署名対象のリビジョンを、当時のまま読み取れません"},
    {"the document's cross-references are damaged: nobody can say what was signed",
     "文書の相互参照が破損しており、何に署名されたのか判断できません"},
    {"the signature is not part of the revision that it claims to sign", "署名が、対象とするリビジョンに含まれていません"},
    {"the cross-references are damaged since: readers may show different things",
     "署名後に相互参照が破損しており、閲覧ソフトにより表示が異なるおそれがあります"},
    {"what was appended has no cross-references of its own: readers may show different things",
     "追記部分に相互参照がなく、閲覧ソフトにより表示が異なるおそれがあります"},
    {"what was appended has an object that no cross-reference leads to: readers may show different things",
     "追記部分に相互参照から辿れないオブジェクトがあり、閲覧ソフトにより表示が異なるおそれがあります"},
    {"what was appended has a trailer that is not in use: readers may show different things",
     "追加部分に使われないトレーラーがあるため、ソフトウェアによって表示が異なる可能性があります"},
    {"what was appended has an object behind the one of its number that is in use: readers may show different things",
     "追記部分に、使用中の同じ番号のオブジェクトより後ろに置かれたオブジェクトがあり、閲覧ソフトにより表示が異なるおそれがあります"},
    {"there is something behind the end of the newest revision", "最新リビジョンの終わりより後ろにデータがあります"},

    /* bytes (verify/range.c) */
    {"it is not there, or is no array", "存在しないか、配列ではありません"},
    {"it does not have exactly four numbers", "数値がちょうど四つではありません"},
    {"a number of it is no place in the file", "ファイル内の位置でない数値があります"},
    {"it does not begin at the file's first byte", "ファイルの先頭から始まっていません"},
    {"one of its parts is empty", "範囲の一方が空です"},
    {"its parts overlap, or leave no room for the signature", "範囲が重なっているか、署名を置く余地がありません"},
    {"it goes beyond the end of the file", "ファイルの終わりを超えています"},
    {"what it leaves out is larger than any signature", "除外部分が、署名としては大きすぎます"},
    {"what it leaves out is not a string in < and >", "除外部分が < と > で囲まれた文字列ではありません"},
    {"what it leaves out has other than hex digits in it", "除外部分に 16 進数字以外の文字があります"},
    {"what it leaves out is not the value of /Contents", "除外部分が /Contents の値ではありません"},
    {"what it leaves out is not this signature's /Contents", "除外部分がこの署名の /Contents ではありません"},
    {"it does not end where a revision of the document ends", "文書のリビジョンの終わりで終わっていません"},

    /* signature and certificate (verify/judge.c, verify/stamp.c, verify/cms.c) */
    {"* is too weak: it was good enough until *, and nothing proves that it was used before",
     "$1 は強度が不足しており（$2 まで有効）、それ以前に使われたことが証明されていません"},
    {"* is too weak: it was good enough until *", "$1 は強度が不足しています（$2 まで有効）"},
    {"the hash that was signed is of another document", "署名されたハッシュ値は別の文書のものです"},
    {"the hash algorithm is not known", "未知のハッシュアルゴリズムです"},
    {"what was signed has been changed: its hash is another", "署名対象が改変されています（ハッシュ値が異なります）"},
    {"the signing certificate that it names is another one", "署名が示す署名者証明書と異なります"},
    {"it does not name its signing certificate, as CAdES demands", "CAdES が求める署名者証明書の指定がありません"},
    {"a timestamp over the signature is later than one over the document", "署名タイムスタンプが、文書タイムスタンプより後の時刻です"},
    {"a document timestamp is later than one that covers it: one of the two is wrong",
     "文書タイムスタンプが、それを覆う文書タイムスタンプより後の時刻です（どちらかが誤っています）"},
    {"what was signed cannot be read, or became shorter meanwhile", "署名対象を読み取れないか、途中で短くなりました"},
    {"there are more signatures than the * that are judged", "検証できる数（$1）より多くの署名があります"},
    {"what has happened since could not be asked for everywhere: *", "その後の失効の有無を、一部の問い合わせ先に確認できませんでした：$1"},
    {"not asked any more: what this document names took too long", "この文書が示す問い合わせ先の応答に時間がかかりすぎたため、それ以上は問い合わせていません"},
    {"there are too many ways to a trust anchor to ask about all of them", "信頼の基点への経路が多すぎるため、すべてについては問い合わせていません"},
    {"a certificate of the chain cannot be read: *", "証明書チェーンの証明書を読み取れません：$1"},
    {"what was signed are a signature's attributes, and no document", "署名されたのは文書ではなく、別の署名の属性です"},
    {"it is later than the time that is judged at", "検証基準日時より後の時刻です"},
    {"its time is before its TSA's certificate became valid", "時刻認証局証明書の有効期間が始まる前の時刻です"},
    {"its time is after its TSA's certificate ended", "時刻認証局証明書の有効期間が終わった後の時刻です"},
    {"the timestamp is over something else: its imprint is another one", "タイムスタンプの対象が異なります（ハッシュ値が一致しません）"},
    {"the timestamp is over something else", "タイムスタンプの対象が異なります"},
    {"the signature has content of its own: only detached ones are verified", "署名が内容を含んでいます。検証できるのは分離署名だけです"},

    /* changes (pades/change) */
    {"certificates and revocation data were added (DSS)", "証明書と失効情報が追加されました（DSS）"},
    {"the list of extensions was changed", "拡張の一覧が変更されました"},
    {"the metadata (XMP) were changed", "メタデータ（XMP）が変更されました"},
    {"the PDF version was changed", "PDF のバージョンが変更されました"},
    {"the document information (title, author, dates) was changed", "文書情報（表題、作成者、日付）が変更されました"},
    {"a font was added to resources of the form that pages use, too", "ページも使うフォームのリソースにフォントが追加されました"},
    {"object * is in use under two generations, or refers to one that is: *", "オブジェクト $1 が二つの世代で使われているか、そのようなものを参照しています：$2"},
    {"object * can be read in two ways: *", "オブジェクト $1 は二通りに読み取れます：$2"},
    {"the trailer refers to what is not there: *", "トレーラーが存在しないものを参照しています：$1"},
    {"the cross-references can be read in two ways: *", "相互参照が二通りに読み取れます：$1"},
    {"readers may show different things", "閲覧ソフトにより表示が異なるおそれがあります"},
    {"object * was changed, and stands in two places of the document", "文書の二か所にあるオブジェクト $1 が変更されました"},
    {"* was changed, which stands in another place of the document, too", "文書の別の場所にもある $1 が変更されました"},
    {"* was added in * \"*\", which the signature does not allow", "$2「$3」に$1が追加されました（この署名は許可していません）"},
    {"* was added in * \"*\"", "$2「$3」に$1が追加されました"},
    {"an empty signature field", "空の署名欄"},
    {"a document timestamp", "文書タイムスタンプ"},
    {"a signature", "署名"},
    {"the field", "項目"},
    {"a new field", "新しい項目"},
    {"form field \"*\" was filled in, which the signature has locked", "この署名が固定したフォーム項目「$1」に入力されました"},
    {"form field \"*\" was filled in, which the signature does not allow", "フォーム項目「$1」に入力されました（この署名は許可していません）"},
    {"form field \"*\" was filled in", "フォーム項目「$1」に入力されました"},
    {"the signature in field \"*\" was removed", "項目「$1」の署名が削除されました"},
    {"the signature in field \"*\" was replaced", "項目「$1」の署名が差し替えられました"},
    {"form fields were removed, or put in another order", "フォーム項目が削除されたか、順序が変えられました"},
    {"the parts of form field \"*\" were changed", "フォーム項目「$1」の構成が変更されました"},
    {"form field \"*\" was signed: its value is no signature that is judged", "フォーム項目「$1」の署名の値が、検証対象の署名ではありません"},
    {"push button \"*\" was given a value, and has none", "値を持たないボタン「$1」に値が設定されました"},
    {"form field \"*\" was added: *", "フォーム項目「$1」が追加されました（$2）"},
    {"it is no object of its own", "独立したオブジェクトではありません"},
    {"another object was there", "別のオブジェクトがありました"},
    {"it is no widget", "ウィジェット注釈ではありません"},
    {"it has /*, which signature fields do not have", "署名欄にはない /$1 があります"},
    {"its value is no signature that is judged", "値が、検証対象の署名ではありません"},
    {"only signature fields may come", "追加できるのは署名欄だけです"},
    {"viewers were told to draw all form fields anew (NeedAppearances)", "全フォーム項目の再描画が閲覧ソフトに指示されました（NeedAppearances）"},
    {"a new signature field shows something on the page, which the signature does not allow",
     "新しい署名欄がページに何かを表示しています（この署名は許可していません）"},
    {"a new signature field shows something on the page, and no signer answers for it",
     "新しい署名欄がページに何かを表示しており、それに責任を持つ署名者がいません"},
    {"a new signature field shows something on the page", "新しい署名欄がページに何かを表示しています"},
    {"an annotation (*) was *, which the signature does not allow", "注釈（$1）が$2（この署名は許可していません）"},
    {"an annotation (*) was removed", "注釈（$1）が削除されました"},
    {"an annotation (*) was *", "注釈（$1）が$2"},
    {"an annotation was *", "注釈が$1"},
    {"* was changed, and is too long to be compared", "$1 が変更されましたが、長すぎて比較できません"},
    {"pages were added, removed, or put in another order", "ページが追加または削除されたか、順序が変えられました"},
    {"a font was added that form fields lacked: they may look other than they did",
     "フォームの項目に欠けていたフォントが追加されました。項目の表示が変わった可能性があります"},
    {"form fields that said nothing of how they look were told so: they may look other than they did",
     "表示方法の指定がなかったフォームの項目に指定が加えられました。項目の表示が変わった可能性があります"},
    {"the value that fields below \"*\" have from it was changed", "「$1」の下の項目が受け継ぐ値が変更されました"},
    {"a signature locks more than * fields by name", "署名が名前で固定する項目が $1 個を超えています"},
    {"the document has too many objects to be compared", "文書のオブジェクトが多すぎて比較できません"},
    {"the form is too deep to be compared", "フォームの階層が深すぎて比較できません"},
    {"the page tree is too deep to be compared", "ページツリーの階層が深すぎて比較できません"},
    {"the page tree was replaced", "ページツリーが差し替えられました"},

    /* the certificate at its time (validation) */
    {"*: nothing proves that its revocation data is older than that", "$1：失効情報がそれ以前のものであることが証明されていません"},
    {"* was revoked at * (*), and it signed after that", "$1 は $2 に失効し（$3）、署名はその後です"},
    {"* was revoked at * (*), and nothing proves that it was used before", "$1 は $2 に失効し（$3）、それ以前の使用が証明されていません"},
    {"* was revoked at * (*)", "$1 は $2 に失効しました（$3）"},
    {"no reason given", "理由の記載なし"},
    {"* is valid from * only", "$1 の有効期間は $2 からです"},
    {"the CA * expired at *, and nothing proves more from before", "認証局 $1 は $2 に期限が切れ、それ以前の証明がありません"},
    {"* expired at *, and it signed after that", "$1 は $2 に期限が切れ、署名はその後です"},
    {"* expired at *, and nothing proves that it signed before", "$1 は $2 に期限が切れ、それ以前の署名であることが証明されていません"},
    {"*: its revocation data is good up to * only", "$1：失効情報の有効期限は $2 までです"},
    {"* was good when it signed", "$1 は署名時に有効でした"},
    {"its answer was good up to * only", "回答の有効期限は $1 までです"},
    {"there is no revocation data", "失効情報がありません"},
    {"nothing fresh is there, and the network is not to be asked", "新しい失効情報がなく、ネットワークへの問い合わせは行いません"},
    {"the certificate names no place that has any", "失効情報の入手先が証明書に書かれていません"},
    {"no chain leads to a trust anchor", "信頼する認証局までの証明書チェーンがありません"},
    {"OCSP responders of * vouch for each other without end", "$1 の OCSP レスポンダーが互いに保証し合い、終わりません"},
    {"revocation data was issued after the time in question", "失効情報が、対象の時刻より後に発行されています"},
    {"revocation data was issued after the certificate had expired", "失効情報が、証明書の期限後に発行されています"},
    {"revocation data by * is signed with *, which was good enough until *, and nothing proves that the data is older",
     "$1 の失効情報の署名に使われた $2 は $3 まで十分とされていましたが、それ以前のものであることが証明されていません"},
    {"revocation data is by *, whose certificate *", "失効情報の発行者は $1 ですが、その証明書は$2"},
    {"has expired, and nothing proves that the data is older", "期限切れで、それ以前のデータであることが証明されていません"},
    {"was not valid yet", "まだ有効ではありませんでした"},
    {"nothing says that the OCSP responder itself is not revoked", "OCSP レスポンダー自身が失効していないことを示すものがありません"},
    {"what says that the OCSP responder itself is not revoked is older than its response",
     "OCSP レスポンダー自身が失効していないことを示すものが、その応答より古いものです"},
    {"more than * pieces of revocation data about it are not genuine; they were not looked at further",
     "この証明書に関する失効情報のうち真正でないものが $1 件を超えたため、残りは調べていません"},
    {"the OCSP responder itself has been revoked", "OCSP レスポンダー自身が失効しています"},
    {"the OCSP responder does not know the certificate", "OCSP レスポンダーはこの証明書を知りません"},
    {"the CRL is about some reasons only", "CRL が一部の失効理由だけを対象としています"},
    {"the answer is about other certificates", "回答は別の証明書に関するものです"},
    {"not asked any more: the others took too long", "他の問い合わせに時間がかかりすぎたため、問い合わせていません"},
    {"the CRL has * bytes: more than the * that are embedded", "CRL が $1 バイトあり、埋め込める上限の $2 バイトを超えています"},
    {"the certificate there is not the issuer's", "そこにある証明書は発行者のものではありません"},
    {"not checked: anchor", "検証対象外（信頼する認証局）"},
    {"not revoked", "失効していません"},
    {"none: *", "なし（$1）"},
    {"* (a moment ago)", "$1（直前の問い合わせ）"},

    /* asking (http, validation/ask.c, validation/source.c) */
    {"no revocation data for *: *", "$1 の失効情報がありません：$2"},
    {"*; asked for issuers: *", "$1（発行者証明書の問い合わせ先：$2）"},
    {"no answer in time", "時間内に応答がありません"},
    {"it answers with HTTP status *", "HTTP ステータス $1"},
    {"it answers with * instead of *", "$2 ではなく $1 が返されました"},
    {"something without a type", "種類の記載がないもの"},
    {"it sends from one place to the next", "転送が繰り返されています"},
    {"it sends to something that is no URL", "転送先が URL ではありません"},
    {"it sends to a place that is not asked: *", "転送先が問い合わせの対象外です：$1"},
    {"it sends to a place that is not asked (from https only to https)", "転送先が問い合わせの対象外です（https からは https だけ）"},
    {"the answer is larger than * bytes", "応答が $1 バイトを超えています"},
    {"the answer is too large", "応答が大きすぎます"},
    {"a header of its answer is larger than any should be", "応答のヘッダーが大きすぎます"},
    {"this is no URL of a server; one begins with http:// or https://", "サーバーの URL ではありません"},
    {"this is no URL; one begins with http:// or https://", "URL ではありません"},
    {"*:// is not asked; only http:// and https:// are", "$1:// には問い合わせません（http:// と https:// だけ）"},
    {"the URL is longer than * bytes", "URL が $1 バイトを超えています"},
    {"the URL of * names a user or a password; give them apart from it, where no log shows them",
     "$1 の URL に利用者名またはパスワードが含まれています"},

    /* OCSP and CRLs (pki/ocsp*.c, pki/crl*.c) */
    {"the OCSP response is signed with MD5, which proves nothing", "OCSP 応答が MD5 で署名されており、証明になりません"},
    {"the public key of the OCSP responder cannot be read", "OCSP レスポンダーの公開鍵を読み取れません"},
    {"the OCSP response is signed by somebody whom the certificate's issuer has not appointed",
     "OCSP 応答の署名者は、証明書の発行者が指定した者ではありません"},
    {"the OCSP response is signed with a certificate that is not for it (OCSPSigning)",
     "OCSP 応答の署名に使われた証明書が、OCSP 応答用ではありません（OCSPSigning）"},
    {"the OCSP response is signed by somebody whose certificate is not there", "OCSP 応答の署名者の証明書がありません"},
    {"the OCSP response is about other certificates", "OCSP 応答は別の証明書に関するものです"},
    {"the OCSP response answers another request: its nonce is another one", "OCSP 応答は別の要求に対するものです（ノンスが異なります）"},
    {"the OCSP response's answer is malformed, or limited in a way that is not known",
     "OCSP 応答の回答が不正か、未知の制限が付いています"},
    {"the OCSP response has a critical extension that is not known", "OCSP 応答に未知の重要な拡張があります"},
    {"the OCSP response names its responder in a way that is malformed", "OCSP 応答のレスポンダーの名前が不正です"},
    {"the OCSP response has answers that are malformed", "OCSP 応答の回答が不正です"},
    {"the OCSP response has more than * answers", "OCSP 応答の回答が $1 件を超えています"},
    {"the OCSP response has more than * certificates", "OCSP 応答の証明書が $1 枚を超えています"},
    {"the OCSP response is larger than * KiB", "OCSP 応答が $1 KiB を超えています"},
    {"the OCSP response is of a type that is not known", "OCSP 応答の種類が未知のものです"},
    {"this is not an OCSP response of RFC 6960", "RFC 6960 の OCSP 応答ではありません"},
    {"the OCSP response *", "OCSP 応答の構造が不正です：$1"},
    {"has extensions that are malformed", "拡張が不正です"},
    {"has certificates that are malformed", "証明書が不正です"},
    {"has something behind its answers", "回答の後ろに余分なデータがあります"},
    {"has something behind its certificates", "証明書の後ろに余分なデータがあります"},
    {"has no content", "内容がありません"},
    {"is of another version than 1", "バージョンが 1 ではありません"},
    {"is not a BasicOCSPResponse of RFC 6960", "RFC 6960 の BasicOCSPResponse ではありません"},
    {"does not say who made it", "作成者の記載がありません"},
    {"does not say when it was made", "作成日時の記載がありません"},
    {"says nothing of any certificate", "証明書に関する回答がありません"},
    {"the OCSP responder gives no answer: its status is *", "OCSP レスポンダーから回答がありません（状態：$1）"},
    {"of a kind that is not used", "使われない種類"},
    {"of a kind that is not known", "未知の種類"},
    {"the OCSP responder: *", "OCSP レスポンダー：$1"},
    {"this is not one CRL", "一つの CRL ではありません"},
    {"this is a delta CRL; import the complete one", "差分 CRL です（完全な CRL が必要です）"},
    {"the CRL has a critical extension that is not known", "CRL に未知の重要な拡張があります"},
    {"the file holds more than one CRL; import them one by one", "CRL が複数あります"},
    {"the file holds no CRL", "CRL がありません"},
    {"the CRL is larger than * MiB", "CRL が $1 MiB を超えています"},
    {"the CRL's issuer, number or dates are not as RFC 5280 says", "CRL の発行者、番号または日時が RFC 5280 に従っていません"},
    {"the CRL names another issuer than the one given", "CRL の発行者が異なります"},
    {"the issuer's certificate does not allow it to sign CRLs", "発行者の証明書が CRL への署名を許していません"},
    {"the CRL is signed with an algorithm that is not known", "CRL が未知のアルゴリズムで署名されています"},
    {"the CRL has entries with extensions that are not known, and says nothing of the others",
     "CRL に未知の拡張を持つ項目があるため、載っていない証明書については何も分かりません"},
    {"the CRL is signed with MD5, which proves nothing", "CRL が MD5 で署名されており、証明になりません"},
    {"the CRL was not signed with the issuer's key", "CRL が発行者の鍵で署名されていません"},
    {"the CRL is of another distribution point than the certificate names", "CRL の配布点が、証明書に書かれたものと異なります"},
    {"the CRL is about other kinds of certificates (only *)", "CRL は別の種類の証明書を対象としています（$1 だけ）"},
    {"the CRL's scope is not as RFC 5280 says", "CRL の適用範囲が RFC 5280 に従っていません"},
    {"the CRL is an indirect one, which speaks for several CAs; it is not used", "複数の認証局を対象とする間接 CRL のため使いません"},

    /* signatures (pki/signature.c) */
    {"the signature does not fit the certificate's key and what is signed", "署名が、証明書の鍵および署名対象と一致しません"},
    {"the signature is of another kind than the certificate's key makes", "署名の種類が、証明書の鍵によるものではありません"},
    {"the signature algorithm is not an AlgorithmIdentifier", "署名アルゴリズムが AlgorithmIdentifier ではありません"},
    {"the parameters of RSASSA-PSS are not ones that are known", "RSASSA-PSS のパラメーターが未知のものです"},
    {"the signature algorithm is not known", "署名アルゴリズムが未知のものです"},
    {"the public key's curve has no name", "公開鍵の曲線に名前がありません"},
    {"a signature of this kind cannot be checked with a hash alone", "この種類の署名は、ハッシュ値だけでは検証できません"},
    {"the hash of the signature is not known", "署名のハッシュが未知のものです"},

    /* what one place said after the other; it may be libcurl's words, and so stands behind a sentence */
    {"*; *", "$1; $2"},
    {"http://*: *", "http://$1：有効な回答を得られませんでした（$2）"},
    {"https://*: *", "https://$1：有効な回答を得られませんでした（$2）"},

    /* chains (pki/path*.c) */
    {"*: its signature does not fit the key of its issuer", "$1：署名が発行者の鍵と一致しません"},
    {"*: too many certificates of its issuer's name are there, and not all were tried: whoever trusts its issuer makes that an anchor",
     "$1：発行者と同じ名前の証明書が多すぎるため、一部しか試していません。発行者を信頼する場合は、信頼する認証局に加えてください"},
    {"*: nothing that is trusted has issued it, and nothing that is at hand", "$1：信頼する認証局にも、手元の証明書にも、発行者がありません"},
    {"*: the way to something trusted is too long", "$1：信頼する認証局までの証明書チェーンが長すぎます"},
    {"*: its key usage allows no signatures (neither digitalSignature nor nonRepudiation)",
     "$1：鍵用途が署名を許していません（digitalSignature も nonRepudiation もありません）"},
    {"*: it is not for timestamps alone (RFC 3161 §2.3)", "$1：タイムスタンプ専用ではありません（RFC 3161 §2.3）"},
    {"*: it is not for OCSP responses (OCSPSigning)", "$1：OCSP 応答用ではありません（OCSPSigning）"},
    {"*: it is for a server, a timestamp authority or an OCSP responder, not for documents (extended key usage)",
     "$1：サーバー、時刻認証局または OCSP レスポンダー用で、文書への署名用ではありません（拡張鍵用途）"},
    {"*: it is a CA for servers, timestamp authorities or OCSP responders, not for who signs documents (extended key usage)",
     "$1：サーバー、タイムスタンプ局または OCSP レスポンダー向けの認証局であり、文書の署名者向けではありません（拡張鍵用途）"},
    {"*: it is no CA for timestamp authorities (extended key usage)", "$1：タイムスタンプ局向けの認証局ではありません（拡張鍵用途）"},
    {"*: it is signed with a hash that is not known, which proves nothing",
     "$1：未知のハッシュアルゴリズムで署名されており、証明になりません"},
    {"*: anybody can sign with its key (RSA with a public exponent of 1, or an even one)",
     "$1：誰でも署名できる鍵です（RSA の公開指数が 1 または偶数）"},
    {"*: it is signed with MD5, which proves nothing", "$1：MD5 で署名されており、証明になりません"},
    {"*: expired on *", "$1：$2 に期限が切れています"},
    {"*: is not valid before *", "$1：$2 より前は有効ではありません"},

    /* CMS (pki/cms_*.c) */
    {"the CMS has more than * signers", "CMS の署名者が $1 人を超えています"},
    {"a signer of the CMS has more than * attributes", "CMS の署名者の属性が $1 個を超えています"},
    {"the CRLs of the CMS are malformed or too many", "CMS の CRL が不正か、多すぎます"},
    {"the CMS is larger than * MiB", "CMS が $1 MiB を超えています"},
    {"this is not a CMS, or it was cut off", "CMS ではないか、途中で切れています"},
    {"this is not a CMS", "CMS ではありません"},
    {"the CMS has a malformed or too large attribute *", "CMS の属性 $1 が不正か、大きすぎます"},
    {"the CMS has no signed attributes, and its content is not plain data", "CMS に署名属性がなく、内容が単純なデータではありません"},
    {"the CMS names two hashes for one signature", "CMS が一つの署名に二つのハッシュを指定しています"},
    {"the CMS has another content type than the one that its signer signed", "CMS の内容の種類が、署名されたものと異なります"},
    {"the CMS names other algorithms than those that its signer signed", "CMS のアルゴリズムが、署名されたものと異なります"},
    {"what was signed is not this content: its hash is another one", "署名対象はこの内容ではありません（ハッシュ値が異なります）"},
    {"the hash that the CMS was signed with is not known", "CMS の署名に使われたハッシュは未知のものです"},
    {"a hash of * bytes is not one of *", "$1 バイトのハッシュ値は $2 のものではありません"},
    {"the public key of the signer's certificate cannot be read", "署名者証明書の公開鍵を読み取れません"},
    {"the CMS has no signer *", "CMS に署名者 $1 がありません"},
    {"the certificate of the signer is not in the CMS", "署名者の証明書が CMS にありません"},
    {"the CMS has *", "CMS の構造が不正です：$1"},
    {"the CMS *", "CMS の構造が不正です：$1"},
    {"has no content type", "内容の種類がありません"},
    {"has a content that is not one value", "内容が一つの値ではありません"},
    {"a content that is not one value", "内容が一つの値ではありません"},
    {"has something behind its content", "内容の後ろに余分なデータがあります"},
    {"has something behind it that is not zero bytes", "後ろにゼロ以外のデータがあります"},
    {"has something behind a SignerInfo", "SignerInfo の後ろに余分なデータがあります"},
    {"has certificates that end too soon", "証明書が途中で終わっています"},
    {"has a SignerInfo without its first fields", "SignerInfo の先頭の要素がありません"},
    {"has a SignerInfo without a signature", "SignerInfo に署名がありません"},
    {"has signers that are not SignerInfos", "署名者が SignerInfo ではありません"},
    {"has no list of signers", "署名者の一覧がありません"},
    {"is not SignedData of RFC 5652", "RFC 5652 の SignedData ではありません"},
    {"is no SignedData, but something else", "SignedData ではありません"},
    {"attributes that are not Attributes of RFC 5652", "属性が RFC 5652 の Attributes ではありません"},
    {"a signed attribute that has not exactly one value", "署名属性の値がちょうど一つではありません"},
    {"a signed attribute twice", "同じ署名属性が二つあります"},
    {"signed attributes without content-type or message-digest", "署名属性に content-type または message-digest がありません"},
    {"a message-digest that is no OCTET STRING", "message-digest が OCTET STRING ではありません"},

    /* timestamps (pki/timestamp.c, timestamp_info.c) */
    {"the token is signed, but is not a timestamp", "署名はありますが、タイムスタンプではありません"},
    {"the timestamp has * signers, where exactly one is allowed", "タイムスタンプの署名者が $1 人です（一人だけが許されます）"},
    {"the certificate is not for timestamps alone (critical extended key usage timeStamping, RFC 3161 §2.3)",
     "証明書がタイムスタンプ専用ではありません（RFC 3161 §2.3）"},
    {"the timestamp is signed with a hash that is not known", "タイムスタンプの署名に使われたハッシュは未知のものです"},
    {"the timestamp's signed attributes do not name the TSA's certificate", "タイムスタンプの署名属性に、時刻認証局の証明書の指定がありません"},
    {"the TSA's certificate is not for timestamps alone (critical extended key usage timeStamping, RFC 3161 §2.3)",
     "時刻認証局の証明書がタイムスタンプ専用ではありません（RFC 3161 §2.3）"},
    {"the TSA's certificate is not in the timestamp, and not known", "時刻認証局の証明書がタイムスタンプになく、手元にもありません"},
    {"the timestamp is over a hash by an algorithm that is not known", "タイムスタンプの対象のハッシュは、未知のアルゴリズムによるものです"},
    {"the timestamp says nothing in the form of RFC 3161 (TSTInfo)", "タイムスタンプの内容が RFC 3161 の形式（TSTInfo）ではありません"},
    {"the timestamp names no policy", "タイムスタンプにポリシーがありません"},
    {"the timestamp's imprint is malformed", "タイムスタンプのハッシュ値の形式が不正です"},
    {"the timestamp's serial number or time is not as RFC 3161 says", "タイムスタンプの通し番号または時刻が RFC 3161 に従っていません"},
    {"the timestamp's accuracy, nonce or extensions are malformed or not known",
     "タイムスタンプの精度、ノンスまたは拡張が不正か、未知のものです"},

    /* parts of sentences, and then whatever is made of parts */
    {"trust anchor", "信頼する認証局"},
    {"the document", "文書内"},
    {"a given file", "指定されたファイル"},
    {"the evidence (DSS)", "検証情報（DSS）"},
    {"the catalog", "カタログ"},
    {"the encryption dictionary", "暗号化辞書"},
    {"a form field", "フォーム項目"},
    {"an annotation", "注釈"},
    {"the page tree", "ページツリー"},
    {"added", "追加されました"},
    {"removed", "削除されました"},
    {"changed", "変更されました"},
    {"replaced", "差し替えられました"},
    {"replaced by another object", "別のオブジェクトに差し替えられました"},
    {"moved to this page", "このページに移されました"},
    {"* was added", "$1 が追加されました"},
    {"* was removed", "$1 が削除されました"},
    {"* was changed", "$1 が変更されました"},
    {"* was replaced by another object", "$1 が別のオブジェクトに差し替えられました"},
    {"* was replaced", "$1 が差し替えられました"},
    {"OCSP of *, * (*)", "OCSP 応答（$1、$2、$3）"},
    {"CRL of *, * (*)", "CRL（$1、$2、$3）"},
    {"the document's *", "文書の $1"},
    {"the form's *", "フォームの $1"},
    {"the page tree's *", "ページツリーの $1"},
    {"form field \"*\"*", "フォーム項目「$1」$2"},
    {"page *", "ページ $1"},
    {"*: *", "$1：$2"},
};

struct match {
    struct tp_bytes parts[PARTS_MAX];
    size_t len;
};

/* Stars take as little as they can. */
static bool fits(const char *form, const char *text, struct match *match)
{
    for (; *form != '*'; form++, text++)
        if (*form != *text)
            return false;
        else if (*form == '\0')
            return true;
    const size_t own = match->len++;
    for (const char *end = text;; end++) {
        match->len = own + 1;
        match->parts[own] = TP_BYTES((const uint8_t *)text, (size_t)(end - text));
        if (fits(form + 1, end, match))
            return true;
        if (*end == '\0')
            return false;
    }
}

static const struct row *find(const char *english, struct match *ret_match)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ret_match->len = 0;
        if (fits(rows[i].english, english, ret_match))
            return &rows[i];
    }
    return NULL;
}

/* Each part is shorter than the whole. */
static enum tp_rc append_part(const struct match *match, char digit, struct tp_buf *ret_japanese)
{
    struct tp_buf part TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const size_t index = (size_t)(digit - '1');
    if (index >= match->len || match->parts[index].len == 0)
        return TP_OK;
    TP_TRY(tp_buf_append(&part, match->parts[index]));
    return tp_pades_japanese(tp_buf_string(&part), ret_japanese);
}

enum tp_rc tp_pades_japanese(const char *english, struct tp_buf *ret_japanese)
{
    struct match match = {.len = 0};
    const struct row *row = find(english, &match);
    if (row == NULL)
        return tp_buf_append_string(ret_japanese, english);
    for (const char *at = row->japanese; *at != '\0'; at++)
        if (*at == '$')
            TP_TRY(append_part(&match, *++at, ret_japanese));
        else
            TP_TRY(tp_buf_append_u8(ret_japanese, (uint8_t)*at));
    return TP_OK;
}
