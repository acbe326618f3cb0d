#compdef tracetape
# Completion of tracetape for zsh.

_tracetape_dump() {
	local -a store=('(-s --store)'{-s,--store}'[the store]:directory:_directories')

	case $words[2] in
	show)
		_arguments $store '--request[only this side]' '--response[only this side]' \
		    '--events[a stream as its events]' '--full[bodies whole]' \
		    '-o[format]:format:(table json)' '2:exchange:(@last)'
		;;
	raw)
		_arguments $store '--request[its body]' '--response[its body]' \
		    '--head[the head instead]' '2:exchange:(@last)'
		;;
	traces)
		_arguments $store '-n[the last ones]:number' '--reverse[newest first]' \
		    '-o[format]:format:(table json jsonl)'
		;;
	tree)
		_arguments $store '2:trace:(@last)'
		;;
	check)
		_arguments $store '--since[exchanges from this one on]:number' \
		    '-o[format]:format:(text json)'
		;;
	*)
		_arguments $store '-n[the last ones]:number' \
		    '(-f --follow)'{-f,--follow}'[follow]' \
		    '--reverse[newest first]' '-o[format]:format:(table json jsonl)' \
		    '1:what:(list show raw traces tree check @last)' '*:exchange:(@last)'
		;;
	esac
}

_tracetape_ca() {
	local -a place=('(-s --store)'{-s,--store}'[the store]:directory:_directories'
	    '(-c --config)'{-c,--config}'[configuration]:file:_files'
	    '--ca-dir[our own authority]:directory:_directories')
	local -a permit=('*--permit[speak for this host too]:host')
	local stores='(debian fedora arch alpine suse macos firefox chrome java node
	    python requests curl git)'

	case $words[2] in
	init)
		_arguments $place $permit
		;;
	show)
		_arguments $place '(-o --output)'{-o,--output}'[format]:format:(text pem json)'
		;;
	bundle)
		_arguments $place '(-o --output)'{-o,--output}'[write]:file:_files' \
		    '--write[bundle.pem beside the CA]'
		;;
	install | uninstall)
		_arguments $place '--system[do it, on Debian and its like]' '*:store:'$stores
		;;
	rotate)
		_arguments $place $permit '--yes[without asking]'
		;;
	*)
		_arguments '1:what:(init show bundle install uninstall rotate)'
		;;
	esac
}

_tracetape() {
	local state line
	local verbs='((proxy\:"record" run\:"record a program" env\:"variables for eval"
	    doctor\:"what is amiss" ca\:"our authority" dump\:"show what is recorded"))'
	typeset -A opt_args

	_arguments -C '1:verb:'$verbs '*::rest:->rest'
	[[ $state == rest ]] || return
	case $line[1] in
	proxy)
		_arguments '(-c --config)'{-c,--config}'[configuration]:file:_files' \
		    '(-s --store)'{-s,--store}'[the store]:directory:_directories' \
		    '--listen[plain HTTP]:address\:port' '--tls-listen[TLS]:address\:port' \
		    '--upstream[where requests go]:URL' \
		    '--upstream-ca[more roots for upstreams]:file:_files' \
		    '--ca-dir[our own authority]:directory:_directories' \
		    '*--set[one key]:section.key=value' '--print-config[the sample]'
		;;
	run)
		_arguments '(-s --store)'{-s,--store}'[the store]:directory:_directories' \
		    '--label[what the calls are called]:name' \
		    '--base-url[for clients that know no proxy]' \
		    '--wait[seconds for what still runs]:seconds' \
		    '(-c --config)'{-c,--config}'[configuration]:file:_files' \
		    '--upstream[where requests go]:URL' \
		    '--upstream-ca[more roots for upstreams]:file:_files' \
		    '--ca-dir[our own authority]:directory:_directories' \
		    '*--set[one key]:section.key=value' '*::program:_normal'
		;;
	env)
		_arguments '(-s --store)'{-s,--store}'[the store]:directory:_directories' \
		    '(-c --config)'{-c,--config}'[configuration]:file:_files' \
		    '--shell[whose words]:shell:(sh bash zsh fish)' '--json[one object]' \
		    '--base-url[for clients that know no proxy]' \
		    '--label[what the calls are called]:name'
		;;
	doctor)
		_arguments '(-s --store)'{-s,--store}'[the store]:directory:_directories' \
		    '(-c --config)'{-c,--config}'[configuration]:file:_files' \
		    '--ca-dir[the CA to verify against]:directory:_directories' \
		    '--timeout[for each canary]:seconds' '--strict[calls must come here]' \
		    '(-o --output)'{-o,--output}'[format]:format:(text json)'
		;;
	ca)
		_tracetape_ca
		;;
	dump)
		_tracetape_dump
		;;
	esac
}

_tracetape "$@"
