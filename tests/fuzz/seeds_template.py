# SPDX-License-Identifier: Apache-2.0
"""Templates as people type them after --format, and the corners of the language."""

TEMPLATES = [
    "{{.Name}} {{ .Size }}", "{{json .}}", "{{json .Config.Env}}", "{{.Labels}}",
    '{{index .Labels "a"}}', "{{(index .LayersData 0).Digest}}", '{{join .Layers ", "}}',
    "{{range .Layers}}{{println .}}{{end}}", "{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}",
    "{{range .Config.Cmd}}x{{else}}none{{end}}", "{{if .Yes}}a{{else if .Size}}b{{else}}c{{end}}",
    "{{with .Config}}{{.Env}}{{$.Name}}{{end}}", "{{- .Name -}} x", "{{/* c */}}",
    '{{printf "%.12s|%-8s|%05d|%q" .Name .Name .Size .Name}}', "{{.Size | printf \"%d\"}}",
    '{{if and (eq .Name "x") (not .Yes)}}y{{end}}', "{{$x := .Name}}{{$x}}",
    '{{truncate .Name 3}}{{upper .Name}}{{split .Name "/"}}{{len .Layers}}', "{{`raw`}}{{-7}}",
    "{{range .Layers}}{{range $.Layers}}{{range $.Layers}}.{{end}}{{end}}{{end}}",
    "{{", "{{end}}", "{{.Nope}}", "{{(((.Name)))}}", "{{template \"x\"}}", "{{$x = 1}}",
]
DATA = ['{"a":[1,2.5,null,{"b":"c"}]}', "[]", '"x"', "null"]


def seeds():
    for i, text in enumerate(TEMPLATES):
        yield f"template{i:02}", text.encode()
    for i, data in enumerate(DATA):
        yield f"data{i}", b"{{.}}{{json .}}{{range .a}}{{.}}{{end}}\0" + data.encode()
