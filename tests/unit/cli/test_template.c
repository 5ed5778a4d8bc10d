/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates of --format: what docker and skopeo users type, with the outcome of Go's text/template.
 */
#include "base/mem.h"
#include "cli/template.h"
#include "tests/unit/cli/check.h"

#include <CUnit/CUnit.h>

static const char data_text[] =
	"{'Name':'docker.io/library/x','Digest':'sha256:0123456789abcdef','Os':'linux',"
	"'Architecture':'arm64','Size':1234,'Zero':0,'Yes':true,'No':false,'Empty':'',"
	"'Labels':{'b':'2','a':'1','org.x':'y'},'Layers':['l1','l2','l3'],'None':[],"
	"'RepoTags':null,'Created':null,"
	"'LayersData':[{'Digest':'d1','Size':1},{'Digest':'d2','Size':2}],"
	"'Config':{'Env':['A=1','B=2'],'Entrypoint':null,'Cmd':['sh','-c','echo \\'hi\\''],"
	"'Labels':null,'User':'','ExposedPorts':{'80/tcp':{}}},"
	"'RootFS':{'Type':'layers','Layers':['x','y']}}";

static int run(const char *template, char **ret, struct err *err)
{
	_buf_ struct buf out = BUF_INIT(TEMPLATE_OUTPUT_MAX);
	_free_ char *text = check_json(data_text);
	_json_ struct json *data = NULL;

	*err = (struct err){ 0 };
	if (json_parse(text, strlen(text), &data, err) < 0)
		abort();
	const int rc = template_run(template, data, &out, err);

	*ret = buf_take(&out);
	return rc;
}

struct row {
	const char *template, *wanted;
};

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		_free_ char *got = NULL;
		struct err err;

		if (run(rows[i].template, &got, &err) < 0)
			printf("# %s: %s\n", rows[i].template, err.msg);
		CU_ASSERT_EQUAL(err.kind, ERR_NONE);
		CU_ASSERT(check_text(rows[i].template, rows[i].wanted, got));
	}
}

void test_template__fields(void)
{
	static const struct row rows[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "{{.Digest}}", "sha256:0123456789abcdef" },
		{ "{{ .Os }}/{{ .Architecture }}", "linux/arm64" },
		{ "{{.Size}} {{.Yes}} {{.No}}", "1234 true false" },
		{ "{{.Config.Env}}", "[A=1 B=2]" },
		{ "{{.Config.Cmd}}", "[sh -c echo \"hi\"]" },
		{ "{{.Labels}}", "map[a:1 b:2 org.x:y]" },
		{ "{{.Labels.a}}{{.Labels.zzz}}", "1<no value>" },
		{ "{{$.Os}}", "linux" },
		{ "{{.Config.Entrypoint}} {{.Config.Labels}} {{.RepoTags}}", "[] map[] []" },
		{ "{{.Created}}", "<no value>" },
		{ "{{.None}}", "[]" },
		{ "{{.Config.ExposedPorts}}", "map[80/tcp:map[]]" },
		{ "{{.RootFS.Layers}}", "[x y]" },
		{ "a{{/* a comment */}}b", "ab" },
		{ "{{\"a\\tb\\\"c\\\\\"}}{{`raw\\n`}}", "a\tb\"c\\raw\\n" },
		{ "{{42}} {{-7}} {{true}}", "42 -7 true" },
		{ "{ {{.Os}} }", "{ linux }" },
		{ "{{.Os}}\\t{{.Size}}\\n\\x\\", "linux\t1234\n\\x\\" },
	};

	check_rows(rows, ARRAY_SIZE(rows));
}

void test_template__trims(void)
{
	static const struct row rows[] = {
		{ "a \n {{- .Os}} b", "alinux b" },
		{ "a {{.Os -}} \n\t b", "a linuxb" },
		{ "a {{- .Os -}} b", "alinuxb" },
		{ "a {{- /* c */ -}} b", "ab" },
		{ "{{-7}}", "-7" }, /* a number: the marker needs a space */
		{ "x {{- -7 -}} y", "x-7y" },
	};

	check_rows(rows, ARRAY_SIZE(rows));
}

void test_template__functions(void)
{
	static const struct row rows[] = {
		{ "{{json .Config.Cmd}}", "[\"sh\",\"-c\",\"echo \\\"hi\\\"\"]" },
		{ "{{json .Config.Entrypoint}} {{json .Os}} {{json .Size}}",
		  "null \"linux\" 1234" },
		{ "{{.Os | json}}", "\"linux\"" },
		{ "{{json .None}}", "[]" },
		{ "{{len .Layers}} {{len .Os}} {{len .Labels}} {{len .RepoTags}}", "3 5 3 0" },
		{ "{{index .Layers 1}}", "l2" },
		{ "{{index .Labels \"org.x\"}}", "y" },
		{ "{{index .Labels \"absent\"}}|", "|" },
		{ "{{index .Config.Labels \"absent\"}}|", "|" },
		{ "{{(index .LayersData 1).Digest}}", "d2" },
		{ "{{index .LayersData 0 \"Digest\"}}", "d1" },
		{ "{{join .Layers \", \"}}", "l1, l2, l3" },
		{ "{{join .Config.Entrypoint \",\"}}|", "|" },
		{ "{{split .Name \"/\"}}", "[docker.io library x]" },
		{ "{{index (split .Digest \":\") 1}}", "0123456789abcdef" },
		{ "{{upper .Os}} {{.Os | upper | lower}} {{title \"a bc\"}}", "LINUX linux A Bc" },
		{ "{{truncate .Digest 10}}|{{truncate .Os 99}}", "sha256:012|linux" },
		{ "{{print .Os .Size .Zero \"x\"}}", "linux1234 0x" },
		{ "{{println .Os .Size}}", "linux 1234\n" },
		{ "{{println}}", "\n" },
		{ "{{printf \"%s-%d\" .Os .Size}}", "linux-1234" },
		{ "{{printf \"%.10s|%8s|%-8s|\" .Digest .Os .Os}}",
		  "sha256:012|   linux|linux   |" },
		{ "{{printf \"%06d|%6d|%-6d|%%\" .Size .Size .Size}}", "001234|  1234|1234  |%" },
		{ "{{printf \"%q %v\" .Os .Layers}}", "\"linux\" [l1 l2 l3]" },
		{ "{{.Os | printf \"%s!\"}}", "linux!" },
	};

	check_rows(rows, ARRAY_SIZE(rows));
}

void test_template__conditions(void)
{
	static const struct row rows[] = {
		{ "{{if .Yes}}a{{end}}{{if .No}}b{{end}}", "a" },
		{ "{{if .No}}a{{else}}b{{end}}", "b" },
		{ "{{if .No}}a{{else if .Zero}}b{{else if .Os}}c{{else}}d{{end}}", "c" },
		{ "{{if .Empty}}a{{else with .Os}}{{.}}{{end}}", "linux" },
		{ "{{if .None}}a{{end}}{{if .Labels}}b{{end}}{{if .RepoTags}}c{{end}}", "b" },
		{ "{{with .Config}}{{.Env}}{{$.Os}}{{end}}", "[A=1 B=2]linux" },
		{ "{{with .Empty}}a{{else}}{{.Os}}{{end}}", "linux" },
		{ "{{if eq .Os \"linux\"}}y{{end}}{{if eq .Os \"a\" \"linux\"}}z{{end}}", "yz" },
		{ "{{ne .Size 1234}} {{lt .Size 2000}} {{le 3 3}} {{gt 1 2}} {{ge 2 2}}",
		  "false true true false true" },
		{ "{{and .Yes .Os}} {{or .Empty .Os}} {{not .Empty}} {{and .Empty .Os}}|",
		  "linux linux true |" },
		{ "{{if and (eq .Os \"linux\") (not .No)}}y{{end}}", "y" },
		{ "{{$x := .Os}}{{if true}}{{$x := \"in\"}}{{$x}} {{end}}{{$x}}", "in linux" },
		{ "{{with $c := .Config}}{{$c.Env}}{{end}}", "[A=1 B=2]" },
	};

	check_rows(rows, ARRAY_SIZE(rows));
}

void test_template__ranges(void)
{
	static const struct row rows[] = {
		{ "{{range .Layers}}<{{.}}>{{end}}", "<l1><l2><l3>" },
		{ "{{range $i, $l := .Layers}}{{$i}}={{$l}} {{end}}", "0=l1 1=l2 2=l3 " },
		{ "{{range $l := .Layers}}{{$l}}{{end}}", "l1l2l3" },
		{ "{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}", "a=1;b=2;org.x=y;" },
		{ "{{range .None}}a{{else}}none{{end}}", "none" },
		{ "{{range .Config.Entrypoint}}a{{else}}none{{end}}", "none" },
		{ "{{range .LayersData}}{{.Digest}}:{{.Size}},{{end}}", "d1:1,d2:2," },
		{ "{{range .Layers}}{{range $.None}}x{{else}}{{.}}{{end}}{{end}}|", "l1l2l3|" },
		{ "{{range .Layers}}{{if eq . \"l2\"}}[{{.}}]{{end}}{{end}}", "[l2]" },
		{ "{{range .Config.Env}}{{println .}}{{end}}", "A=1\nB=2\n" },
		{ "{{if .No}}{{range .Layers}}{{index . 9}}{{end}}{{end}}", "" },
	};

	check_rows(rows, ARRAY_SIZE(rows));
}

void test_template__mistakes(void)
{
	static const struct {
		const char *template, *says;
	} rows[] = {
		{ "{{.Nope}}", "no field .Nope" },
		{ "{{.Nope}}", "there are: Name, Digest, Os" },
		{ "{{.Config.Nope}}", "no field .Nope" },
		{ "{{.Os.Nope}}", "no field .Nope in a string" },
		{ "{{.Os", "the action has no \"}}\"" },
		{ "{{", "" },
		{ "{{if .Yes}}a", "an {{end}} is missing" },
		{ "a{{end}}", "{{end}} without a beginning" },
		{ "a{{else}}", "{{else}} without a beginning" },
		{ "{{if .Yes}}{{else}}{{else}}{{end}}", "a second {{else}}" },
		{ "{{nope .Os}}", "no function nope" },
		{ "{{.Os .Size}}", "a function before arguments" },
		{ "{{.Os | .Size}}", "a function is expected after" },
		{ "{{index .Layers 3}}", "out of range" },
		{ "{{index .Layers -1}}", "out of range" },
		{ "{{index .Layers \"a\"}}", "a list wants a number" },
		{ "{{index .Os 0}}", "can't look that up" },
		{ "{{len .Size}}", "len: wants" },
		{ "{{join .Os \",\"}}", "join: wants a list" },
		{ "{{json}}", "json: takes 1 arguments, got 0" },
		{ "{{eq .Os 1}}", "eq: wants two values of the same" },
		{ "{{printf \"%d\" .Os}}", "%d wants a number" },
		{ "{{printf \"%s\"}}", "more verbs than arguments" },
		{ "{{printf \"x\" 1}}", "more arguments than verbs" },
		{ "{{printf \"%\"}}", "the format ends inside a verb" },
		{ "{{printf \"%9999s\" .Os}}", "a width beyond" },
		{ "{{printf \"%x\" .Os}}", "%x is not one of" },
		{ "{{$x}}", "no variable $x" },
		{ "{{$x := 1}}{{$x = 2}}", "can't be changed" },
		{ "{{\"abc}}", "a string has no end" },
		{ "{{\"\\x41\"}}", "an escape other than" },
		{ "{{range .Os}}{{end}}", "range can't go over a string" },
		{ "{{template \"x\"}}", "{{template}} is not part" },
		{ "{{define \"x\"}}{{end}}", "{{define}} is not part" },
		{ "{{/* x }}", "a comment has no end" },
		{ "{{(.Os}}", "\")\" expected" },
		{ "{{99999999999999999999}}", "that number" },
		{ "{{len len}}", "needs parentheses" },
		{ "{{.Os}} {{.Nope}}", "at character 16" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_free_ char *got = NULL;
		struct err err;

		CU_ASSERT(run(rows[i].template, &got, &err) < 0);
		CU_ASSERT(check_err(rows[i].template, &err, ERR_USAGE, rows[i].says));
	}
}

void test_template__bounds(void)
{
	_free_ char *deep = xcalloc(1, 200 * 32), *got = NULL;
	struct err err;

	for (size_t i = 0; i < 200; i++)
		memcpy(deep + i * 11, "{{if .Yes}}", 11);
	CU_ASSERT(run(deep, &got, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_LIMIT);
	free(TAKE_PTR(got));

	memset(deep, '(', 300);
	memcpy(deep, "{{", 2);
	deep[300] = '\0';
	CU_ASSERT(run(deep, &got, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_LIMIT);
	free(TAKE_PTR(got));

	_free_ char *longest = xcalloc(1, TEMPLATE_BYTES_MAX + 2);

	memset(longest, 'x', TEMPLATE_BYTES_MAX + 1);
	CU_ASSERT(run(longest, &got, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_LIMIT);
}

void test_template__steps_are_counted(void)
{
	/* 3 to the 12th turns. */
	_buf_ struct buf text = BUF_INIT(4096);
	_free_ char *got = NULL;
	struct err err;

	for (size_t i = 0; i < 12; i++)
		CU_ASSERT_EQUAL(buf_append_str(&text, "{{range $.Layers}}", NULL), 0);
	for (size_t i = 0; i < 12; i++)
		CU_ASSERT_EQUAL(buf_append_str(&text, "{{end}}", NULL), 0);
	CU_ASSERT(run(buf_str(&text), &got, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_LIMIT);
}
