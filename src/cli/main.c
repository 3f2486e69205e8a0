/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto.h"
#include "base/log.h"
#include "base/process.h"
#include "base/secret.h"
#include "cli/cli.h"
#include "cli/text.h"
#include "pki/certificate.h"

#include <signal.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct tp_process_std std;
    if (!tp_process_std_fill(&std))
        return 1; /* and nowhere to say so */
    tp_process_harden(); /* PINs pass through: no core file, no ptrace */
    if (!tp_crypto_wipe_freed()) /* keys that are imported, too */
        (void)fputs("trustp11: something has used libcrypto before us: what it frees is not wiped\n", stderr);
    tp_crypto_ignore_conf();
    tp_pki_x509_cache_start(); /* a batch of documents meets the same ones again and again */
    tp_cli_text_start();
    (void)signal(SIGPIPE, SIG_IGN); /* an engine that goes away is an error with words, */
    (void)signal(SIGXFSZ, SIG_IGN); /* and so is a file that grows past a limit */
    struct tp_cli cli = {
        .out = stdout,
        .err = stderr,
        .in = STDIN_FILENO,
        .terminal = isatty(STDIN_FILENO) == 1,
        .progress = isatty(STDERR_FILENO) == 1,
        .in_closed = !std.open[STDIN_FILENO],
        .out_closed = !std.open[STDOUT_FILENO],
        .call = tp_ipc_call,
    };
    return tp_cli_run(&cli, argc, argv);
}
