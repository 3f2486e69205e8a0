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
    'pdf') echo 'sign extend renew verify' ;;
    'pdf sign') echo '--level --key --key-file --certificate --tsa --trust --evidence --offline --hash --pss --reason --location --contact --name --field --certify --lock --lock-field --visible --page --at --size --rect --text --no-text --language --local --image --font --password-file --batch --out --jobs --force --documents --config --json --timeout --help' ;;
    'pdf extend') echo '--level --tsa --trust --evidence --offline --hash --password-file --batch --out --jobs --force --documents --config --json --timeout --help' ;;
    'pdf renew') echo '--within --dry-run --tsa --trust --evidence --offline --hash --password-file --documents --config --json --timeout --help' ;;
    'pdf verify') echo '--trust --at --crl --ocsp --online --report --lang --documents --password-file --config --json --timeout --help' ;;
    'cms') echo 'sign verify' ;;
    'cms sign') echo '--out --level --key --key-file --certificate --tsa --trust --hash --pss --documents --config --json --timeout --help' ;;
    'cms verify') echo '--trust --at --crl --ocsp --online --report --lang --documents --config --json --timeout --help' ;;
    'tsa') echo 'stamp check list trust reply key cert' ;;
    'tsa stamp') echo '--out --tsa --trust --hash --policy --documents --config --json --timeout --help' ;;
    'tsa check') echo '--trust --at --offline --documents --config --json --timeout --help' ;;
    'tsa list') echo '--try --trust --documents --config --json --timeout --help' ;;
    'tsa trust') echo '--to --expired --dry-run --documents --config --json --timeout --help' ;;
    'tsa reply') echo '--in --out --key --certificate --policy --accuracy-ms --hash --unwatched-clock --config --json --timeout --help' ;;
    'tsa key') echo '--type --replace --subject --out --config --json --timeout --help' ;;
    'tsa cert') echo '--config --json --timeout --help' ;;
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
    'user add --role') echo 'officer auditor operator' ;;
    'enrol --factor') echo 'totp hotp hardware' ;;
    'key generate --type') echo 'rsa-2048 rsa-3072 rsa-4096 p-256 p-384 p-521 ed25519' ;;
    'policy explain --mechanism') echo 'rsa-pkcs rsa-pss ecdsa eddsa' ;;
    'pdf sign --level') echo 'B-B B-T B-LT B-LTA' ;;
    'pdf sign --hash') echo 'sha256 sha384 sha512 sha3-256 sha3-384 sha3-512' ;;
    'pdf sign --certify') echo 'none forms annotations' ;;
    'pdf sign --lock') echo 'all include exclude' ;;
    'pdf sign --at') echo 'top-left top-right bottom-left bottom-right' ;;
    'pdf sign --language') echo 'en ja de fr es zh' ;;
    'pdf extend --level') echo 'B-T B-LT B-LTA' ;;
    'pdf extend --hash') echo 'sha256 sha384 sha512 sha3-256 sha3-384 sha3-512' ;;
    'pdf renew --hash') echo 'sha256 sha384 sha512 sha3-256 sha3-384 sha3-512' ;;
    'pdf verify --lang') echo 'en ja both' ;;
    'cms sign --level') echo 'B-B B-T' ;;
    'cms sign --hash') echo 'sha256 sha384 sha512 sha3-256 sha3-384 sha3-512' ;;
    'cms verify --lang') echo 'en ja both' ;;
    'tsa stamp --hash') echo 'sha256 sha384 sha512 sha3-256 sha3-384 sha3-512' ;;
    'tsa reply --hash') echo 'sha256 sha384 sha512 sha3-256 sha3-384 sha3-512' ;;
    'tsa key --type') echo 'rsa-2048 rsa-3072 rsa-4096 p-256 p-384' ;;
    'audit list --action') echo 'login login.try login.ended login.approval logout sign sign.completed outcome.unknown enrol enrol.confirm pin.change pin.change.login user.add user.suspend user.resume user.unlock user.close user.erase user.reset pin.init token.init user.reread factor.add factor.remove key.generate key.import key.state key.delete key.change key.csr object.put object.delete cert.import cert.remove crl.import look tsa.timestamp tsa.key.make tsa.key.csr tsa.cert.import audit.list audit.checkpoint audit.accept connection.refused refusals deployment.create engine.start engine.stop' ;;
    'audit list --outcome') echo 'ok refused failed intent unknown' ;;
    *' --completion') echo 'bash zsh fish' ;;
    esac
}

_trustp11_takes_value()
{
    case $1 in
    *' --config' | *' --timeout') return 0 ;;
    'init --dir' | 'init --hsm' | 'init --name' | 'init --users' | 'init --backup-key' | 'init --backup-dir' | 'init --service-user') return 0 ;;
    'user add --display' | 'user add --code-file') return 0 ;;
    'user list --dormant') return 0 ;;
    'user suspend --dormant' | 'user suspend --reason') return 0 ;;
    'user resume --reason') return 0 ;;
    'user unlock --reason') return 0 ;;
    'user close --reason') return 0 ;;
    'user erase --reason') return 0 ;;
    'user reset --reason' | 'user reset --code-file') return 0 ;;
    'login --user' | 'login --for' | 'login --signatures' | 'login --pin-file') return 0 ;;
    'logout --user') return 0 ;;
    'approval list --user') return 0 ;;
    'approval give --user') return 0 ;;
    'approval refuse --user') return 0 ;;
    'enrol --user' | 'enrol --code-file' | 'enrol --pin-file' | 'enrol --uri-file' | 'enrol --serial') return 0 ;;
    'pin change --user' | 'pin change --pin-file' | 'pin change --new-pin-file') return 0 ;;
    'factor list --user') return 0 ;;
    'factor remove --user') return 0 ;;
    'factor import --user' | 'factor import --serial' | 'factor import --key-file' | 'factor import --passphrase-file') return 0 ;;
    'key generate --user' | 'key generate --label' | 'key generate --id') return 0 ;;
    'key import --user' | 'key import --label' | 'key import --id' | 'key import --password-file') return 0 ;;
    'key list --user') return 0 ;;
    'key csr --user' | 'key csr --subject' | 'key csr --dns' | 'key csr --email' | 'key csr --out' | 'key csr --pin-file') return 0 ;;
    'key suspend --user' | 'key suspend --reason') return 0 ;;
    'key resume --user' | 'key resume --reason') return 0 ;;
    'key doubt --user' | 'key doubt --reason') return 0 ;;
    'key revoke --user' | 'key revoke --reason') return 0 ;;
    'key delete --user' | 'key delete --reason') return 0 ;;
    'key change --user' | 'key change --label' | 'key change --id') return 0 ;;
    'cert import --user' | 'cert import --key') return 0 ;;
    'cert show --user' | 'cert show --file') return 0 ;;
    'cert remove --user' | 'cert remove --reason') return 0 ;;
    'crl import --issuer') return 0 ;;
    'policy explain --user' | 'policy explain --hash' | 'policy explain --digest' | 'policy explain --salt-len' | 'policy explain --at' | 'policy explain --used' | 'policy explain --login-age') return 0 ;;
    'pdf sign --key' | 'pdf sign --key-file' | 'pdf sign --certificate' | 'pdf sign --tsa' | 'pdf sign --trust' | 'pdf sign --evidence' | 'pdf sign --reason' | 'pdf sign --location' | 'pdf sign --contact' | 'pdf sign --name' | 'pdf sign --field' | 'pdf sign --lock-field' | 'pdf sign --page' | 'pdf sign --size' | 'pdf sign --rect' | 'pdf sign --text' | 'pdf sign --image' | 'pdf sign --font' | 'pdf sign --password-file' | 'pdf sign --batch' | 'pdf sign --out' | 'pdf sign --jobs' | 'pdf sign --documents') return 0 ;;
    'pdf extend --tsa' | 'pdf extend --trust' | 'pdf extend --evidence' | 'pdf extend --password-file' | 'pdf extend --batch' | 'pdf extend --out' | 'pdf extend --jobs' | 'pdf extend --documents') return 0 ;;
    'pdf renew --within' | 'pdf renew --tsa' | 'pdf renew --trust' | 'pdf renew --evidence' | 'pdf renew --password-file' | 'pdf renew --documents') return 0 ;;
    'pdf verify --trust' | 'pdf verify --at' | 'pdf verify --crl' | 'pdf verify --ocsp' | 'pdf verify --report' | 'pdf verify --documents' | 'pdf verify --password-file') return 0 ;;
    'cms sign --out' | 'cms sign --key' | 'cms sign --key-file' | 'cms sign --certificate' | 'cms sign --tsa' | 'cms sign --trust' | 'cms sign --documents') return 0 ;;
    'cms verify --trust' | 'cms verify --at' | 'cms verify --crl' | 'cms verify --ocsp' | 'cms verify --report' | 'cms verify --documents') return 0 ;;
    'tsa stamp --out' | 'tsa stamp --tsa' | 'tsa stamp --trust' | 'tsa stamp --policy' | 'tsa stamp --documents') return 0 ;;
    'tsa check --trust' | 'tsa check --at' | 'tsa check --documents') return 0 ;;
    'tsa list --trust' | 'tsa list --documents') return 0 ;;
    'tsa trust --to' | 'tsa trust --documents') return 0 ;;
    'tsa reply --in' | 'tsa reply --out' | 'tsa reply --key' | 'tsa reply --certificate' | 'tsa reply --policy' | 'tsa reply --accuracy-ms') return 0 ;;
    'tsa key --subject' | 'tsa key --out') return 0 ;;
    'audit list --user' | 'audit list --object' | 'audit list --since' | 'audit list --until' | 'audit list --last') return 0 ;;
    'audit verify --store' | 'audit verify --key' | 'audit verify --origin' | 'audit verify --checkpoint') return 0 ;;
    'audit checkpoint --out') return 0 ;;
    'audit accept --reason') return 0 ;;
    'setup p11-kit --module') return 0 ;;
    'setup nss --module') return 0 ;;
    'setup firefox --module') return 0 ;;
    'setup libreoffice --module') return 0 ;;
    'setup openssl --module') return 0 ;;
    'setup ssh --module') return 0 ;;
    'setup java --module') return 0 ;;
    'setup gnupg --module') return 0 ;;
    'doctor --module') return 0 ;;
    *) return 1 ;;
    esac
}

_trustp11()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} at path= words
    for ((at = 1; at < COMP_CWORD; at++)); do
        if [[ -n $(_trustp11_words "${path:+$path }${COMP_WORDS[at]}") ]]; then
            path="${path:+$path }${COMP_WORDS[at]}"
        fi
    done
    COMPREPLY=()
    _trustp11_takes_value "$path $before" && return
    words=$(_trustp11_choices "$path $before")
    if [[ -z $words ]]; then
        words=$(_trustp11_words "$path")
        [[ $words == --* && $word != -* ]] && words=
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _trustp11 trustp11
