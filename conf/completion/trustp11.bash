# SPDX-License-Identifier: Apache-2.0
# Made by: trustp11 --completion bash

_trustp11_words()
{
    case $1 in
    '') echo 'init user login logout approval enrol pin factor key cert crl policy pdf cms tsa audit setup status doctor --config --json --timeout --help --version --completion' ;;
    'init') echo '--dir --hsm --name --spawn --users --backup-key --backup-dir --no-backup --service-user --config --json --timeout --help' ;;
    'user') echo 'add list suspend resume unlock close erase reset' ;;
    'user add') echo '--role --display --code-file --config --json --timeout --help' ;;
    'user list') echo '--dormant --config --json --timeout --help' ;;
    'user suspend') echo '--dormant --reason --yes --config --json --timeout --help' ;;
    'user resume') echo '--reason --config --json --timeout --help' ;;
    'user unlock') echo '--reason --config --json --timeout --help' ;;
    'user close') echo '--reason --yes --config --json --timeout --help' ;;
    'user erase') echo '--reason --yes --config --json --timeout --help' ;;
    'user reset') echo '--reason --yes --code-file --config --json --timeout --help' ;;
    'login') echo '--user --for --signatures --pin-file --config --json --timeout --help' ;;
    'logout') echo '--user --config --json --timeout --help' ;;
    'approval') echo 'list give refuse' ;;
    'approval list') echo '--user --config --json --timeout --help' ;;
    'approval give') echo '--user --config --json --timeout --help' ;;
    'approval refuse') echo '--user --config --json --timeout --help' ;;
    'enrol') echo '--user --factor --code-file --pin-file --uri-file --no-qr --no-confirm --confirm --serial --config --json --timeout --help' ;;
    'pin') echo 'change' ;;
    'pin change') echo '--user --pin-file --new-pin-file --config --json --timeout --help' ;;
    'factor') echo 'list remove import' ;;
    'factor list') echo '--user --config --json --timeout --help' ;;
    'factor remove') echo '--user --yes --config --json --timeout --help' ;;
    'factor import') echo '--user --serial --key-file --passphrase-file --config --json --timeout --help' ;;
    'key') echo 'generate import list csr suspend resume doubt revoke delete change' ;;
    'key generate') echo '--user --type --label --id --always-authenticate --config --json --timeout --help' ;;
    'key import') echo '--user --label --id --always-authenticate --key-only --password-file --config --json --timeout --help' ;;
    'key list') echo '--user --config --json --timeout --help' ;;
    'key csr') echo '--user --subject --dns --email --out --der --pin-file --config --json --timeout --help' ;;
    'key suspend') echo '--user --reason --config --json --timeout --help' ;;
    'key resume') echo '--user --reason --config --json --timeout --help' ;;
    'key doubt') echo '--user --reason --config --json --timeout --help' ;;
    'key revoke') echo '--user --reason --yes --config --json --timeout --help' ;;
    'key delete') echo '--user --reason --yes --config --json --timeout --help' ;;
    'key change') echo '--user --label --id --config --json --timeout --help' ;;
    'cert') echo 'import show remove' ;;
    'cert import') echo '--user --key --config --json --timeout --help' ;;
    'cert show') echo '--user --file --pem --config --json --timeout --help' ;;
    'cert remove') echo '--user --reason --yes --config --json --timeout --help' ;;
    'crl') echo 'import' ;;
    'crl import') echo '--issuer --config --json --timeout --help' ;;
    'policy') echo 'show explain' ;;
    'policy show') echo '--config --json --timeout --help' ;;
    'policy explain') echo '--user --mechanism --hash --digest --salt-len --at --used --login-age --config --json --timeout --help' ;;
    'pdf') echo 'sign extend renew' ;;
    'pdf sign') echo '--level --key --key-file --certificate --tsa --trust --evidence --offline --hash --pss --reason --location --contact --name --field --certify --lock --lock-field --visible --page --at --size --rect --text --no-text --language --local --image --font --password-file --batch --out --jobs --force --documents --config --json --timeout --help' ;;
    'pdf extend') echo '--level --tsa --trust --evidence --offline --hash --password-file --batch --out --jobs --force --documents --config --json --timeout --help' ;;
    'pdf renew') echo '--within --dry-run --tsa --trust --evidence --offline --hash --password-file --documents --config --json --timeout --help' ;;
    'cms') echo 'sign' ;;
    'cms sign') echo '--out --level --key --key-file --certificate --tsa --trust --hash --pss --documents --config --json --timeout --help' ;;
    'tsa') echo 'stamp check list trust' ;;
    'tsa stamp') echo '--out --tsa --trust --hash --policy --documents --config --json --timeout --help' ;;
    'tsa check') echo '--trust --at --offline --documents --config --json --timeout --help' ;;
    'tsa list') echo '--try --trust --documents --config --json --timeout --help' ;;
    'tsa trust') echo '--to --expired --dry-run --documents --config --json --timeout --help' ;;
    'audit') echo 'list verify checkpoint accept' ;;
    'audit list') echo '--user --action --outcome --object --since --until --last --all --local --config --json --timeout --help' ;;
    'audit verify') echo '--store --key --origin --checkpoint --offline --config --json --timeout --help' ;;
    'audit checkpoint') echo '--out --config --json --timeout --help' ;;
    'audit accept') echo '--reason --yes --config --json --timeout --help' ;;
    'setup') echo 'p11-kit nss firefox libreoffice openssl ssh java gnupg' ;;
    'setup p11-kit') echo '--remove --dry-run --module --system --config --json --timeout --help' ;;
    'setup nss') echo '--remove --dry-run --module --system --config --json --timeout --help' ;;
    'setup firefox') echo '--remove --dry-run --module --system --config --json --timeout --help' ;;
    'setup libreoffice') echo '--remove --dry-run --module --system --config --json --timeout --help' ;;
    'setup openssl') echo '--remove --dry-run --module --system --config --json --timeout --help' ;;
    'setup ssh') echo '--remove --dry-run --module --system --config --json --timeout --help' ;;
    'setup java') echo '--remove --dry-run --module --system --config --json --timeout --help' ;;
    'setup gnupg') echo '--remove --dry-run --module --system --config --json --timeout --help' ;;
    'status') echo '--config --json --timeout --help' ;;
    'doctor') echo '--module --config --json --timeout --help' ;;
    esac
}

_trustp11_choices()
{
    case $1 in
    --role) echo 'officer auditor operator' ;;
    --factor) echo 'totp hotp hardware' ;;
    --type) echo 'rsa-2048 rsa-3072 rsa-4096 p-256 p-384 p-521 ed25519' ;;
    --mechanism) echo 'rsa-pkcs rsa-pss ecdsa eddsa' ;;
    --level) echo 'B-B B-T B-LT B-LTA' ;;
    --hash) echo 'sha256 sha384 sha512 sha3-256 sha3-384 sha3-512' ;;
    --certify) echo 'none forms annotations' ;;
    --lock) echo 'all include exclude' ;;
    --at) echo 'top-left top-right bottom-left bottom-right' ;;
    --language) echo 'en ja de fr es zh' ;;
    --action) echo 'login login.try login.ended login.approval logout sign sign.completed outcome.unknown enrol enrol.confirm pin.change pin.change.login user.add user.suspend user.resume user.unlock user.close user.erase user.reset pin.init token.init user.reread factor.add factor.remove key.generate key.import key.state key.delete key.change key.csr object.put object.delete cert.import cert.remove crl.import look audit.list audit.checkpoint audit.accept connection.refused refusals deployment.create engine.start engine.stop' ;;
    --outcome) echo 'ok refused failed intent unknown' ;;
    --completion) echo 'bash zsh fish' ;;
    esac
}

_trustp11_takes_value()
{
    case $1 in
    --config | --timeout | --dir | --hsm | --name | --users | --backup-key | --backup-dir | --service-user | --display | --code-file | --dormant | --reason | --user | --for | --signatures | --pin-file | --uri-file | --serial | --new-pin-file | --key-file | --passphrase-file | --label | --id | --password-file | --subject | --dns | --email | --out | --key | --file | --issuer | --hash | --digest | --salt-len | --at | --used | --login-age | --certificate | --tsa | --trust | --evidence | --location | --contact | --field | --lock-field | --page | --size | --rect | --text | --image | --font | --batch | --jobs | --documents | --within | --policy | --to | --object | --since | --until | --last | --store | --origin | --checkpoint | --module) return 0 ;;
    *) return 1 ;;
    esac
}

_trustp11()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} at path= words
    words=$(_trustp11_choices "$before")
    COMPREPLY=()
    _trustp11_takes_value "$before" && return
    if [[ -z $words ]]; then
        for ((at = 1; at < COMP_CWORD; at++)); do
            if [[ -n $(_trustp11_words "${path:+$path }${COMP_WORDS[at]}") ]]; then
                path="${path:+$path }${COMP_WORDS[at]}"
            fi
        done
        words=$(_trustp11_words "$path")
        [[ $words == --* && $word != -* ]] && words=
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _trustp11 trustp11
