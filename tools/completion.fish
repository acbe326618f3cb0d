# Completion of tracetape for fish.

set -l verbs proxy run env doctor ca dump
complete -c tracetape -f
complete -c tracetape -n "not __fish_seen_subcommand_from $verbs" -a proxy -d record
complete -c tracetape -n "not __fish_seen_subcommand_from $verbs" -a run -d 'record a program'
complete -c tracetape -n "not __fish_seen_subcommand_from $verbs" -a env -d 'variables for eval'
complete -c tracetape -n "not __fish_seen_subcommand_from $verbs" -a doctor -d 'what is amiss'
complete -c tracetape -n "not __fish_seen_subcommand_from $verbs" -a ca -d 'our authority'
complete -c tracetape -n "not __fish_seen_subcommand_from $verbs" -a dump -d 'show what is recorded'
complete -c tracetape -n "__fish_seen_subcommand_from $verbs" -s s -l store \
    -xa '(__fish_complete_directories)'

set -l in_proxy '__fish_seen_subcommand_from proxy'
complete -c tracetape -n $in_proxy -s c -l config -r -F -d configuration
complete -c tracetape -n $in_proxy -l listen -x -d 'address:port for plain HTTP'
complete -c tracetape -n $in_proxy -l tls-listen -x -d 'address:port for TLS'
complete -c tracetape -n $in_proxy -l upstream -x -d 'where requests go'
complete -c tracetape -n $in_proxy -l upstream-ca -r -F -d 'more roots for upstreams'
complete -c tracetape -n $in_proxy -l ca-dir -xa '(__fish_complete_directories)'
complete -c tracetape -n $in_proxy -l set -x -d section.key=value
complete -c tracetape -n $in_proxy -l print-config

set -l in_run '__fish_seen_subcommand_from run'
set -l in_run_or_env '__fish_seen_subcommand_from run env'
complete -c tracetape -n $in_run_or_env -l label -x -d 'what the calls are called'
complete -c tracetape -n $in_run_or_env -l base-url -d 'for clients that know no proxy'
complete -c tracetape -n $in_run_or_env -s c -l config -r -F -d configuration
complete -c tracetape -n $in_run -l wait -x -d 'seconds for what still runs'
complete -c tracetape -n $in_run -l upstream -x -d 'where requests go'
complete -c tracetape -n $in_run -l upstream-ca -r -F -d 'more roots for upstreams'
complete -c tracetape -n $in_run -l ca-dir -xa '(__fish_complete_directories)'
complete -c tracetape -n $in_run -l set -x -d section.key=value
complete -c tracetape -n $in_run -xa '(__fish_complete_subcommand)'
complete -c tracetape -n '__fish_seen_subcommand_from env' -l shell -xa 'sh bash zsh fish'
complete -c tracetape -n '__fish_seen_subcommand_from env' -l json

set -l in_doctor '__fish_seen_subcommand_from doctor'
complete -c tracetape -n $in_doctor -s c -l config -r -F -d configuration
complete -c tracetape -n $in_doctor -l ca-dir -xa '(__fish_complete_directories)'
complete -c tracetape -n $in_doctor -l timeout -x -d 'seconds for each canary'
complete -c tracetape -n $in_doctor -l strict -d 'calls must come here'
complete -c tracetape -n $in_doctor -s o -l output -xa 'text json' -d format

set -l in_ca '__fish_seen_subcommand_from ca'
set -l ca_subs init show bundle install uninstall rotate
set -l in_trust '__fish_seen_subcommand_from install uninstall'
complete -c tracetape -n "$in_ca; and not __fish_seen_subcommand_from $ca_subs" -a "$ca_subs"
complete -c tracetape -n $in_ca -s c -l config -r -F -d configuration
complete -c tracetape -n $in_ca -l ca-dir -xa '(__fish_complete_directories)'
complete -c tracetape -n "$in_ca; and __fish_seen_subcommand_from show" -s o -l output \
    -xa 'text pem json' -d format
complete -c tracetape -n "$in_ca; and __fish_seen_subcommand_from bundle" -s o -l output -r -F
complete -c tracetape -n "$in_ca; and __fish_seen_subcommand_from bundle" -l write \
    -d 'bundle.pem beside the CA'
complete -c tracetape -n "$in_ca; and __fish_seen_subcommand_from init rotate" -l permit -x \
    -d 'speak for this host too'
complete -c tracetape -n "$in_ca; and __fish_seen_subcommand_from rotate" -l yes
complete -c tracetape -n "$in_ca; and $in_trust" -l system -d "do it, on Debian and its like"
complete -c tracetape -n "$in_ca; and $in_trust" \
    -a 'debian fedora arch alpine suse macos firefox chrome java node python requests curl git'

set -l in_dump '__fish_seen_subcommand_from dump'
set -l in_one '__fish_seen_subcommand_from show raw tree'
set -l in_traces '__fish_seen_subcommand_from traces check'
set -l in_check '__fish_seen_subcommand_from check'
complete -c tracetape -n "$in_dump; and not $in_one; and not $in_traces" \
    -a 'list show raw traces tree check @last'
complete -c tracetape -n "$in_dump; and not $in_one; and not $in_check" -s n -x \
    -d 'the last ones'
complete -c tracetape -n "$in_dump; and not $in_one; and not $in_traces" -s f -l follow
complete -c tracetape -n "$in_dump; and not $in_one; and not $in_check" -l reverse \
    -d 'newest first'
complete -c tracetape -n "$in_dump; and not $in_check" -s o -xa 'table json jsonl' -d format
complete -c tracetape -n "$in_dump; and $in_check" -s o -xa 'text json' -d format
complete -c tracetape -n "$in_dump; and $in_check" -l since -x -d 'exchanges from this one on'
complete -c tracetape -n "$in_dump; and $in_one" -a @last
complete -c tracetape -n '__fish_seen_subcommand_from show raw' -l request
complete -c tracetape -n '__fish_seen_subcommand_from show raw' -l response
complete -c tracetape -n '__fish_seen_subcommand_from show' -l events -d 'a stream as its events'
complete -c tracetape -n '__fish_seen_subcommand_from show' -l full -d 'bodies whole'
complete -c tracetape -n '__fish_seen_subcommand_from raw' -l head -d 'the head instead'
