# SPDX-License-Identifier: Apache-2.0
#
# Reads tools/floors.txt for the Makefile: prints `folder=used,used` a word, lowest floor first,
# with `used` closed over what the used folders use in turn.

function closure(name, seen,    n, i, parts)
{
	n = split(uses[name], parts, " ")
	for (i = 1; i <= n; i++) {
		if (!(parts[i] in seen)) {
			seen[parts[i]] = 1
			closure(parts[i], seen)
		}
	}
}

/^[a-z][a-z-]*:/ {
	name = $1
	sub(/:$/, "", name)
	order[++count] = name
	list = $0
	sub(/^[^:]*:[ \t]*/, "", list)
	sub(/[ \t]*#.*/, "", list)
	if (list == "all") {
		list = ""
		for (i = 1; i < count; i++)
			list = list " " order[i]
	}
	uses[name] = list
}

END {
	for (i = 1; i <= count; i++) {
		split("", seen)
		closure(order[i], seen)
		words = ""
		for (j = count; j >= 1; j--) {
			if (order[j] in seen)
				words = words (words == "" ? "" : ",") order[j]
		}
		printf "%s=%s\n", order[i], words
	}
}
