# Completion of tracetape for bash.

_tracetape_ids() {
	# The last exchanges are the likely ones; an absent store is no error here.
	tracetape dump -n 50 -o jsonl 2>/dev/null |
	    sed -n 's/^{"seq": *\([0-9]*\).*/\1/p'
	echo @last
}

_tracetape_traces() {
	tracetape dump traces -n 50 -o jsonl 2>/dev/null |
	    sed -n 's/^{"id": *"\([A-Za-z0-9_-]*\)".*/\1/p'
	echo @last
}

_tracetape() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local verb=${COMP_WORDS[1]} sub=${COMP_WORDS[2]} words=

	COMPREPLY=()
	case $prev in
	-s | --store | --ca-dir)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	-c | --config | --upstream-ca)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	-o | --output)
		if [ "$verb" = ca ] && [ "$sub" = bundle ]; then
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
		elif [ "$verb" = doctor ] || [ "$sub" = check ]; then
			mapfile -t COMPREPLY < <(compgen -W 'text json' -- "$cur")
			return
		elif [ "$verb" = ca ]; then
			mapfile -t COMPREPLY < <(compgen -W 'text pem json' -- "$cur")
			return
		fi
		mapfile -t COMPREPLY < <(compgen -W 'table json jsonl' -- "$cur")
		return
		;;
	--listen | --tls-listen | --upstream | --set | --permit | --label | --wait | --timeout | \
	    --since | -n)
		return
		;;
	--shell)
		mapfile -t COMPREPLY < <(compgen -W 'sh bash zsh fish' -- "$cur")
		return
		;;
	esac
	if [ "$COMP_CWORD" = 1 ]; then
		words='proxy run env doctor ca dump --help --version'
	elif [ "$verb" = proxy ]; then
		words='-c --config -s --store --listen --tls-listen --upstream
		    --upstream-ca --ca-dir --set --print-config --help'
	elif [ "$verb" = run ]; then
		words='-s --store --label --base-url --wait -c --config --upstream
		    --upstream-ca --ca-dir --set --help --'
		[[ $cur == -* ]] || words="$words $(compgen -c -- "$cur")"
	elif [ "$verb" = env ]; then
		words='-s --store -c --config --shell --json --base-url --label --help'
	elif [ "$verb" = doctor ]; then
		words='-s --store -c --config --ca-dir --timeout --strict -o --output --help'
	elif [ "$verb" = ca ]; then
		words='-s --store -c --config --ca-dir --help'
		case $sub in
		init) words="$words --permit" ;;
		show) words="$words -o --output" ;;
		bundle) words="$words -o --output --write" ;;
		install | uninstall)
			words="$words --system debian fedora arch alpine suse macos firefox
			    chrome java node python requests curl git"
			;;
		rotate) words="$words --permit --yes" ;;
		esac
		[ "$COMP_CWORD" != 2 ] || words='init show bundle install uninstall rotate --help'
	elif [ "$verb" = dump ]; then
		case $sub in
		show) words="-s --store --request --response --events --full -o --help" ;;
		raw) words="-s --store --request --response --head --help" ;;
		traces) words="-s --store -n --reverse -o --help" ;;
		tree) words="-s --store --help" ;;
		check) words="-s --store --since -o --help" ;;
		*) words='-s --store -n -f --follow --reverse -o --help' ;;
		esac
		[ "$COMP_CWORD" != 2 ] || words="list show raw traces tree check $words"
		case $cur:$sub in
		-*) ;;
		*:tree) words="$words $(_tracetape_traces)" ;;
		*:traces | *:check) ;;
		*) words="$words $(_tracetape_ids)" ;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _tracetape tracetape
