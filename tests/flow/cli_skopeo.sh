# SPDX-License-Identifier: Apache-2.0
#
# img inspect and tags against skopeo, on the same images of the same registry: the same keys with the
# same values, the same text from the same templates, the same bytes.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

make_fixtures
start_registry plain

theirs() { # ARG... IMAGE
	local image=${!#}
	skopeo inspect --no-tags --tls-verify=false "${@:1:$#-1}" "docker://$image"
}

for name in config multi docker docker-list gzip zstd; do
	push_fixture $name
	R=$REGISTRY/fx/$name
	theirs "$R" >theirs.json 2>"$ERR" || {
		not_ok "$name: skopeo itself" "$(tail -n 1 "$ERR")"
		continue
	}
	check "$name: img inspect --json" img inspect --json "$R"
	cp "$OUT" ours.json
	cat >script.py <<-'END'
		import json
		theirs, ours = json.load(open("theirs.json")), json.load(open("ours.json"))
		for layer in ours["LayersData"]:
		    del layer["DiffID"]
		assert [k for k in ours if k in theirs] == list(theirs), (list(ours), list(theirs))
		for key, value in theirs.items():
		    assert ours[key] == value, (key, value, ours[key])
	END
	check "$name: skopeo's keys, its order, its values" $PYTHON script.py
	theirs --raw "$R" >theirs.raw
	img inspect --raw "$R" >ours.raw 2>"$ERR"
	expect_same theirs.raw ours.raw "$name: --raw"
	theirs --config --raw "$R" >theirs.raw
	img inspect --config --raw "$R" >ours.raw 2>"$ERR"
	expect_same theirs.raw ours.raw "$name: --config --raw"
	while IFS= read -r template; do
		# A label with a newline in it cuts skopeo's text short.
		case $name$template in config*Labels*v*) continue ;; config{{.Labels}}) continue ;; esac
		theirs --format "$template" "$R" >theirs.txt 2>&1
		img inspect --format "$template" "$R" >ours.txt 2>"$ERR"
		expect_same theirs.txt ours.txt "$name: $template"
	done <<-'END'
		{{.Name}}
		{{.Digest}} {{ .Os }}/{{.Architecture}}
		{{.Labels}}
		{{.Env}}
		{{.Layers}}
		{{.RepoTags}}|{{.DockerVersion}}|
		{{range .Layers}}<{{.}}>{{end}}
		{{range $i, $l := .Layers}}{{$i}}={{$l}} {{else}}none{{end}}
		{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}
		{{index .Layers 0}} {{len .Layers}} {{len .Env}} {{len .Os}}
		{{index .Labels "org.example.a"}}|{{index .Labels "none"}}|
		{{if .Labels}}labels{{else if .Env}}env{{else}}neither{{end}}
		{{with .Env}}{{index . 0}}{{end}}{{with .DockerVersion}}x{{else}}y{{end}}
		{{printf "%.12s|%12s|%-12s|%q|%v" .Digest .Os .Os .Os .Env}}
		{{println .Os .Architecture}}{{print .Os .Name}}
		a {{- .Os -}} b {{/* c */}} {{ .Os | printf "%s!" }}
		{{if and (eq .Os "linux") (ne .Architecture "x")}}y{{end}}{{if or .DockerVersion .Os}}z{{end}}
		{{$x := .Os}}{{if true}}{{$x := "in"}}{{$x}}{{end}}{{$x}}{{not .Os}}
		{{(index .Layers 0) | printf "%.9s"}}{{`raw`}}{{"a\"b"}}{{-7}}{{true}}
	END
done

skopeo list-tags --tls-verify=false "docker://$REGISTRY/fx/config" >theirs.json
check "tags --json" img tags --json "$REGISTRY/fx/config"
cp "$OUT" ours.json
expect_same theirs.json ours.json "tags --json: skopeo list-tags"
